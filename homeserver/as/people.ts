/** Composition of what people do about their accounts and about each other. */
import type { Connection } from '#signalling/connections.ts';
import { domainOf, type UserId } from '#signalling/ids.ts';
import type { Site } from '#site/schema.ts';
import type { Postman } from '../mail/postman.ts';
import type { Secrets } from '../secrets.ts';
import type { Store } from '../store/store.ts';
import type { World } from '../world.ts';
import { Administration } from './administration.ts';
import { Connections, isBlocked } from './connections.ts';
import { EmailLimits } from './email-limits.ts';
import { Invitations } from './invitations.ts';
import { type AccountHooks, OwnAccount } from './own-account.ts';
import { PasswordResets } from './password-reset.ts';
import { Registration } from './registration.ts';
import type { Sessions } from './sessions.ts';

export interface PeopleOptions {
  readonly site: Site;
  readonly store: Store;
  readonly world: World;
  readonly secrets: Secrets;
  readonly sessions: Sessions;
  /** Undefined where the site names no mail server. */
  readonly mail: Postman | undefined;
  /** What other services do when an account changes. */
  readonly hooks?: Partial<AccountHooks>;
  readonly onConnection: (owner: UserId, connection: Connection) => void;
}

export type People = ReturnType<typeof makePeople>;

export function makePeople({ site, store, world, secrets, sessions, mail, hooks = {}, onConnection }: PeopleOptions) {
  const { domain } = site;
  const { registration: rules, teamMates } = site.homeserver;
  const limits = new EmailLimits(world.now);
  const connections = new Connections({ store, domain, world, teamMates, onChanged: onConnection });
  const ownAccount = new OwnAccount({
    store,
    world,
    sessions,
    mail,
    hooks: {
      ...hooks,
      onRemoved: async (user, tx) => {
        await connections.forget(tx, user);
        await hooks.onRemoved?.(user, tx);
      },
    },
  });
  const isOpen = rules.mode !== 'closed' && mail !== undefined;
  const invitations = new Invitations({ store, world, days: rules.invitationDays, mail, limits, isOpen });
  const registration = new Registration({
    store,
    domain,
    world,
    mode: rules.mode,
    emailDomains: rules.emailDomains,
    workBits: rules.workBits,
    keys: secrets,
    mail,
    mailbox: site.homeserver.mail?.mailbox,
    limits,
    invitations,
  });
  const passwordResets = new PasswordResets({ store, world, key: secrets.codes, mail, limits, accounts: ownAccount });
  const administration = new Administration({ store, domain, world, ownAccount, invitations });
  return {
    connections,
    ownAccount,
    invitations,
    registration,
    passwordResets,
    administration,
    /**
     * Whether somebody may add another person to a conversation or call them. Over the border nobody has to have accepted
     * anybody as long as homeservers have no messages for it: there the allow list decides, and a block all the same.
     */
    async mayReach(from: UserId, to: UserId): Promise<boolean> {
      const areNeighbours = domainOf(from) === domain && domainOf(to) === domain;
      return areNeighbours ? connections.mayReach(from, to) : !(await isBlocked(store.db, from, to));
    },
    /** Forgets what has expired. To be called now and then. */
    async sweep(): Promise<void> {
      await registration.sweep();
      await passwordResets.sweep();
    },
  };
}
