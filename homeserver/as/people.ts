/** Composition of what people do about their accounts and about each other. */
import type { Connection } from '#signalling/connections.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName, UserId } from '#signalling/ids.ts';
import type { Site } from '#site/schema.ts';
import type { Auditor } from '../audit/audit.ts';
import type { Postman } from '../mail/postman.ts';
import type { Secrets } from '../secrets.ts';
import type { Store } from '../store/store.ts';
import type { World } from '../world.ts';
import type { Abroad } from './abroad.ts';
import { type Account, findAccount } from './accounts.ts';
import { Administration } from './administration.ts';
import { Connections } from './connections.ts';
import { findPeople, type SearchPolicy } from './directory.ts';
import { EmailLimits } from './email-limits.ts';
import { Invitations } from './invitations.ts';
import { type AccountHooks, OwnAccount } from './own-account.ts';
import { PasswordResets } from './password-reset.ts';
import { Registration } from './registration.ts';
import type { Sessions } from './sessions.ts';
import { isBlocked, isKnownTo } from './sides.ts';

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
  readonly abroad: Abroad;
  /** Whether two people are in a conversation together. */
  readonly areTogether: (one: UserId, other: UserId) => Promise<boolean>;
  readonly onConnection: (owner: UserId, connection: Connection) => void;
  /** Told of an administrator's acts; nobody where it is left out. */
  readonly audit?: Auditor;
}

export type People = ReturnType<typeof makePeople>;

export function makePeople(options: PeopleOptions) {
  const { site, store, world, secrets, sessions, mail, hooks = {}, abroad, areTogether, onConnection } = options;
  const { audit = { note: () => undefined } } = options;
  const { domain } = site;
  const { registration: rules, teamMates, foreignPeople, search } = site.homeserver;
  const limits = new EmailLimits(world.now);
  const connections = new Connections({
    ...{ store, domain, world, teamMates, foreignPeople, abroad },
    onChanged: onConnection,
  });
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
  const administration = new Administration({ store, domain, world, ownAccount, invitations, audit });
  return {
    connections,
    ownAccount,
    invitations,
    registration,
    passwordResets,
    administration,
    /** Whether somebody may add another person to a conversation or call them, as far as this domain knows. */
    mayReach: (from: UserId, to: UserId): Promise<boolean> => connections.mayReach(from, to),
    /**
     * Whether somebody may have key packages of one of our people, to add their devices to a group. Whoever may not is told of no
     * device, as if there was none.
     */
    async mayClaim(by: UserId, user: UserId): Promise<boolean> {
      if (by === user) return true;
      if (await isBlocked(store.db, by, user)) return false;
      // In a conversation any member's device may have to add the others.
      return (await connections.mayReach(by, user)) || areTogether(by, user);
    },
    /** @param policy of this domain for whoever asks; that for its own people when left out */
    find: (by: UserId, text: string, policy: SearchPolicy = search): Promise<Account[]> =>
      findPeople(store.db, { domain, by, text, policy }),
    /** Somebody by exact handle, for another domain. @throws HawserError HOME_NOT_FOUND, FED_SCOPE */
    async identify(from: DomainName, user: UserId, policy: SearchPolicy): Promise<Account> {
      // Whoever asked for a connection over there has told his name.
      if (policy === 'none' && !(await isKnownTo(store.db, user, from))) throw new HawserError('FED_SCOPE');
      const account = await findAccount(store.db, user);
      if (!account) throw new HawserError('HOME_NOT_FOUND', 'user');
      return account;
    },
    /** Forgets what has expired. To be called now and then. */
    async sweep(): Promise<void> {
      await registration.sweep();
      await passwordResets.sweep();
      await connections.sweep();
    },
  };
}
