/** What people change about their own account. Whatever could lock them out, or in, needs the password once more. */
import { HawserError } from '#signalling/errors.ts';
import type { UserId } from '#signalling/ids.ts';
import { passwordChanged } from '../mail/letters.ts';
import type { Postman } from '../mail/postman.ts';
import type { Db, Store } from '../store/store.ts';
import type { World } from '../world.ts';
import {
  addressFor,
  deleteAccount,
  findHolder,
  type Holder,
  renameAccount,
  setPassword,
  storedPassword,
} from './accounts.ts';
import { hashPassword, verifyPassword } from './password.ts';
import type { Authenticated, Sessions } from './sessions.ts';
import { type FailureTable, failed, succeeded, waitOf } from './throttle.ts';

/** What other services do when an account changes: in its transaction, so that it happens wholly or not at all. */
export interface AccountHooks {
  /**
   * Every session but `keepSession` is gone; devices of the others are to lose their credentials.
   * @param keepSession undefined where all are gone
   */
  onPasswordChanged(user: UserId, keepSession: string | undefined, tx: Db): Promise<void>;
  /** Others are to see the new name. */
  onRenamed(user: UserId, tx: Db): Promise<void>;
  /** The account is about to be deleted; what takes longer than a transaction should begins after it. */
  onRemoved(user: UserId, tx: Db): Promise<void>;
}

export interface OwnAccountOptions {
  readonly store: Store;
  readonly world: World;
  readonly sessions: Sessions;
  readonly mail: Postman | undefined;
  readonly hooks: Partial<AccountHooks>;
}

export class OwnAccount {
  readonly #options: OwnAccountOptions;
  readonly #failures: FailureTable = new Map();

  constructor(options: OwnAccountOptions) {
    this.#options = options;
  }

  /**
   * The session that asks goes on, every other one ends.
   * @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN
   */
  async changePassword({ user, session }: Authenticated, current: string, password: string): Promise<void> {
    const { world } = this.#options;
    await this.#prove(user, current);
    await this.replacePassword(user, await hashPassword(password, world), session);
  }

  /**
   * For whoever has proved by other means that the account is theirs, or is its administrator.
   * @param hash PHC string
   * @param keep the session that goes on; all end when left out
   * @param also what else belongs to the same transaction
   * @throws HawserError HOME_NOT_FOUND
   */
  async replacePassword(user: UserId, hash: string, keep?: string, also?: (tx: Db) => Promise<void>): Promise<void> {
    const { store, sessions, mail, hooks } = this.#options;
    const ended = await store.transaction(async (tx) => {
      await also?.(tx);
      await setPassword(tx, user, hash);
      const dropped = await sessions.drop(tx, user, keep);
      await hooks.onPasswordChanged?.(user, keep, tx);
      const email = await addressFor(tx, user);
      // A full queue is no reason to leave an account in wrong hands: nobody is told then.
      if (mail && email !== undefined) {
        await mail.enqueue(tx, { to: email, letter: passwordChanged(mail.sender, user), owner: user });
      }
      return dropped;
    });
    sessions.ended(ended);
    mail?.wake();
  }

  look(user: UserId): Promise<Holder | undefined> {
    return findHolder(this.#options.store.db, user);
  }

  /** @throws HawserError HOME_NOT_FOUND */
  async rename(user: UserId, name: string): Promise<Holder> {
    const { store, hooks } = this.#options;
    return store.transaction(async (tx) => {
      await renameAccount(tx, user, name);
      await hooks.onRenamed?.(user, tx);
      const holder = await findHolder(tx, user);
      if (!holder) throw new HawserError('HOME_NOT_FOUND');
      return holder;
    });
  }

  /**
   * Deletes the account. What others hold of it follows: see `AccountHooks.onRemoved`.
   * @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN
   */
  async remove(user: UserId, password: string): Promise<void> {
    await this.#prove(user, password);
    await this.removeUnasked(user);
  }

  /** An administrator's act. @throws HawserError HOME_NOT_FOUND */
  async removeUnasked(user: UserId): Promise<void> {
    const { store, world, sessions, hooks } = this.#options;
    const ended = await store.transaction(async (tx) => {
      const dropped = await sessions.drop(tx, user);
      await hooks.onRemoved?.(user, tx);
      await deleteAccount(tx, user, world.now());
      return dropped;
    });
    sessions.ended(ended);
  }

  /** Slowed down like signing in: whoever finds an open browser must not find out the password there. */
  async #prove(user: UserId, password: string): Promise<void> {
    const { store, world } = this.#options;
    this.#refuseTooManyFailures(user);
    const right = await verifyPassword(password, await storedPassword(store.db, user));
    // Again, because guesses sent all at once were all admitted above.
    this.#refuseTooManyFailures(user);
    if (!right) {
      failed(this.#failures, user, world.now());
      throw new HawserError('HOME_WRONG_CREDENTIALS');
    }
    succeeded(this.#failures, user);
  }

  #refuseTooManyFailures(user: UserId): void {
    if (waitOf(this.#failures, user, this.#options.world.now()) > 0) throw new HawserError('HOME_SLOW_DOWN');
  }
}
