/**
 * Registration by e-mail. Whoever does not read the letter box of an address learns nothing about it: a taken address or
 * handle is answered like a free one, after the same work. The code proves the address, and then the truth is told.
 */
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, userIdOf } from '#signalling/ids.ts';
import { domainOfEmail, type EmailAddress, emailOf } from '#signalling/person.ts';
import type {
  AwaitedCode,
  Challenge,
  NewRegistration,
  RegistrationConfirmation,
  RegistrationMode,
  RegistrationRules,
} from '#signalling/registration.ts';
import { alreadyRegistered, registrationCode } from '../mail/letters.ts';
import type { Postman } from '../mail/postman.ts';
import type { Db, Store } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';
import { type Account, findByEmail, insertAccount } from './accounts.ts';
import { CODE_SECONDS, CODE_TRIES, hashCode, isCode, newCode } from './code.ts';
import type { EmailLimits } from './email-limits.ts';
import type { Invitations } from './invitations.ts';
import { hashPassword } from './password.ts';
import { checkWork, issueChallenge, spendWork, sweepSpentWork } from './proof-of-work.ts';

export interface RegistrationOptions {
  readonly store: Store;
  readonly domain: DomainName;
  readonly world: World;
  readonly mode: RegistrationMode;
  readonly emailDomains: readonly DomainName[];
  readonly workBits: number;
  readonly keys: { readonly codes: Buffer; readonly work: Buffer };
  /** Undefined where this server sends none, and nobody can register by e-mail therefore. */
  readonly mail: Postman | undefined;
  /** Where people can read all that `mail` sends; undefined where it is delivered. */
  readonly mailbox: string | undefined;
  readonly limits: EmailLimits;
  readonly invitations: Invitations;
}

/** Bound of those who have not proved their address yet. */
export const MAX_PENDING = 10_000;

const ID_BYTES = 16;

export class Registration {
  readonly #options: RegistrationOptions;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  get rules(): RegistrationRules {
    const { mode, emailDomains, mail, mailbox } = this.#options;
    return {
      mode: mail ? mode : 'closed',
      emailDomains: [...emailDomains],
      passwordReset: mail !== undefined,
      ...(mailbox !== undefined && { mailbox }),
    };
  }

  /** @throws HawserError HOME_REGISTRATION_CLOSED where the mode asks for no work */
  challenge(): Challenge {
    const { mode, workBits, keys, world } = this.#options;
    if (mode !== 'open') throw new HawserError('HOME_REGISTRATION_CLOSED');
    return issueChallenge(keys.work, workBits, world);
  }

  /**
   * Sends a code to the address, or word to its owner that there is an account already.
   * @param address IP address of the client
   * @throws HawserError HOME_REGISTRATION_CLOSED, HOME_NO_MAIL, HOME_EMAIL_REFUSED, HOME_INVITATION_REFUSED,
   * HOME_WORK_REFUSED, HOME_SLOW_DOWN, HOME_MAIL_LIMIT; none of them tells whether handle or address are taken
   */
  async begin(wish: NewRegistration, address: string): Promise<AwaitedCode> {
    const { store, world, mail, limits, keys, mode } = this.#options;
    if (mode === 'closed') throw new HawserError('HOME_REGISTRATION_CLOSED');
    if (!mail) throw new HawserError('HOME_NO_MAIL');
    limits.countRequest(address);
    const email = emailOf(wish.email);
    const invitation = await this.#admit(wish);
    limits.countMail(email);
    const password = await hashPassword(wish.password, world);
    const id = randomToken(world, ID_BYTES);
    const code = newCode(world);
    await store.transaction(async (tx) => {
      if ((await countPending(tx)) >= MAX_PENDING) throw new HawserError('HOME_SLOW_DOWN');
      const owner = await findByEmail(tx, email);
      await tx
        .insertInto('registrations')
        .values({
          id,
          email,
          handle: wish.handle,
          name: wish.name,
          password,
          invitation_id: invitation ?? null,
          // Where the address is somebody's already, nobody ever learns this code.
          code_hash: hashCode(keys.codes, id, code),
          tries: 0,
          expires_at: world.now() + CODE_SECONDS * 1_000,
        })
        .execute();
      const letter =
        owner === undefined
          ? registrationCode(mail.sender, code, CODE_SECONDS / 60)
          : alreadyRegistered(mail.sender, owner);
      const isTaken = await mail.enqueue(tx, { to: email, letter, owner, lifeMs: CODE_SECONDS * 1_000 });
      if (!isTaken) throw new HawserError('HOME_SLOW_DOWN');
    });
    mail.wake();
    return { id, expiresInSeconds: CODE_SECONDS };
  }

  /**
   * Makes the account.
   * @throws HawserError HOME_CODE_WRONG, HOME_CODE_OVER, HOME_SLOW_DOWN; with the right code HOME_HANDLE_TAKEN, after which
   * the same code may come again with another handle; HOME_EMAIL_TAKEN, HOME_INVITATION_REFUSED
   */
  async confirm(id: string, { code, handle }: RegistrationConfirmation, address: string): Promise<Account> {
    const { store, world, limits, keys, domain, invitations } = this.#options;
    limits.countTry(address);
    // Counted on its own, before anything is compared: what is refused below must not undo it.
    const row = await store.db
      .updateTable('registrations')
      .set((e) => ({ tries: e('tries', '+', 1) }))
      .where('id', '=', id)
      .where('tries', '<', CODE_TRIES)
      .where('expires_at', '>', world.now())
      .returningAll()
      .executeTakeFirst();
    if (!row) throw new HawserError('HOME_CODE_OVER');
    if (!isCode(keys.codes, id, code, row.code_hash)) throw new HawserError('HOME_CODE_WRONG');
    // Who knows the code guesses nothing: he may come back with another handle.
    await store.db.updateTable('registrations').set({ tries: 0 }).where('id', '=', id).execute();
    const account = { user: userIdOf(domain, handle ?? row.handle), name: row.name };
    await store.transaction(async (tx) => {
      const { numDeletedRows } = await tx.deleteFrom('registrations').where('id', '=', id).executeTakeFirstOrThrow();
      if (numDeletedRows !== 1n) throw new HawserError('HOME_CODE_OVER');
      if (row.invitation_id !== null) await invitations.use(tx, row.invitation_id);
      await insertAccount(tx, { ...account, password: row.password, email: row.email }, world.now());
    });
    return account;
  }

  async sweep(): Promise<void> {
    const { store, world, invitations } = this.#options;
    await store.db.deleteFrom('registrations').where('expires_at', '<=', world.now()).execute();
    await sweepSpentWork(store.db, world.now());
    await invitations.sweep();
  }

  /**
   * An invitation lets in whatever the mode asks for otherwise. Work is spent here, before anything else is counted: one
   * piece of it shall not use up what may be sent to many addresses.
   * @returns the id of the invitation, if there is one
   */
  async #admit({ email, invitation, work }: NewRegistration): Promise<string | undefined> {
    const { store, mode, emailDomains, workBits, keys, world, invitations } = this.#options;
    if (mode === 'invitation' || invitation !== undefined) return invitations.find(invitation);
    if (mode === 'domains') {
      if (!isOf(email, emailDomains)) throw new HawserError('HOME_EMAIL_REFUSED');
      return undefined;
    }
    const expires = work && checkWork(keys.work, work, workBits, world.now());
    if (!work || expires === undefined) throw new HawserError('HOME_WORK_REFUSED');
    await spendWork(store.db, work, expires);
    return undefined;
  }
}

/** Exactly: who gets mail below a subdomain is not always the organisation's own. */
function isOf(email: EmailAddress, domains: readonly string[]): boolean {
  return domains.includes(domainOfEmail(email));
}

async function countPending(tx: Db): Promise<number> {
  const { n } = await tx
    .selectFrom('registrations')
    .select((e) => e.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(n);
}
