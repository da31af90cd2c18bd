/** A new password for whoever reads the letter box of the account. Whether there is such an account is told to nobody else. */
import { HawserError } from '#signalling/errors.ts';
import { type EmailAddress, emailOf } from '#signalling/person.ts';
import type { AwaitedCode } from '#signalling/registration.ts';
import { resetCode } from '../mail/letters.ts';
import type { Postman } from '../mail/postman.ts';
import type { Db, Store } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';
import { findByEmail } from './accounts.ts';
import { CODE_SECONDS, CODE_TRIES, hashCode, isCode, newCode } from './code.ts';
import type { EmailLimits } from './email-limits.ts';
import type { OwnAccount } from './own-account.ts';
import { hashPassword } from './password.ts';

export interface PasswordResetOptions {
  readonly store: Store;
  readonly world: World;
  /** `Secrets.codes` */
  readonly key: Buffer;
  readonly mail: Postman | undefined;
  readonly limits: EmailLimits;
  readonly accounts: OwnAccount;
}

const ID_BYTES = 16;
/** Bound of those that wait for their code. */
const MAX_PENDING = 10_000;

export class PasswordResets {
  readonly #options: PasswordResetOptions;

  constructor(options: PasswordResetOptions) {
    this.#options = options;
  }

  /**
   * Sends a code where there is an account with this address; answers alike, after the same work, where there is none.
   * @param address IP address of the client
   * @throws HawserError HOME_NO_MAIL, HOME_SLOW_DOWN, HOME_MAIL_LIMIT
   */
  async begin(given: EmailAddress, address: string): Promise<AwaitedCode> {
    const { store, world, key, mail, limits } = this.#options;
    if (!mail) throw new HawserError('HOME_NO_MAIL');
    limits.countRequest(address);
    const email = emailOf(given);
    limits.countMail(email);
    const id = randomToken(world, ID_BYTES);
    const code = newCode(world);
    await store.transaction(async (tx) => {
      if ((await countPending(tx)) >= MAX_PENDING) throw new HawserError('HOME_SLOW_DOWN');
      const user = await findByEmail(tx, email);
      await tx
        .insertInto('password_resets')
        .values({
          id,
          user_id: user ?? null,
          code_hash: hashCode(key, id, code),
          tries: 0,
          expires_at: world.now() + CODE_SECONDS * 1_000,
        })
        .execute();
      const letter = resetCode(mail.sender, code, CODE_SECONDS / 60);
      const to = user === undefined ? undefined : email;
      const isTaken = await mail.enqueue(tx, { to, letter, owner: user, lifeMs: CODE_SECONDS * 1_000 });
      if (!isTaken) throw new HawserError('HOME_SLOW_DOWN');
    });
    mail.wake();
    return { id, expiresInSeconds: CODE_SECONDS };
  }

  /**
   * Sets the password and ends every session.
   * @throws HawserError HOME_CODE_WRONG, HOME_CODE_OVER, HOME_SLOW_DOWN
   */
  async confirm(id: string, code: string, password: string, address: string): Promise<void> {
    const { store, world, key, limits, accounts } = this.#options;
    limits.countTry(address);
    // Counted on its own, before anything is compared: what is refused below must not undo it.
    const row = await store.db
      .updateTable('password_resets')
      .set((e) => ({ tries: e('tries', '+', 1) }))
      .where('id', '=', id)
      .where('tries', '<', CODE_TRIES)
      .where('expires_at', '>', world.now())
      .returning(['user_id', 'code_hash'])
      .executeTakeFirst();
    if (!row) throw new HawserError('HOME_CODE_OVER');
    const { user_id: user, code_hash } = row;
    if (!isCode(key, id, code, code_hash) || user === null) throw new HawserError('HOME_CODE_WRONG');
    const hash = await hashPassword(password, world);
    await accounts.replacePassword(user, hash, undefined, async (tx) => {
      // Once, and no other code that was sent for this account is good any more.
      const { numDeletedRows } = await tx
        .deleteFrom('password_resets')
        .where('user_id', '=', user)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw new HawserError('HOME_CODE_OVER');
    });
  }

  async sweep(): Promise<void> {
    const { store, world } = this.#options;
    await store.db.deleteFrom('password_resets').where('expires_at', '<=', world.now()).execute();
  }
}

async function countPending(tx: Db): Promise<number> {
  const { n } = await tx
    .selectFrom('password_resets')
    .select((e) => e.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(n);
}
