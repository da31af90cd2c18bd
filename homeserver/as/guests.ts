/**
 * The accounts of guests: without password and address, found by nobody, and gone with the call that they are in. Their session has no
 * refresh cookie, which would take the place of that of a person who uses the same browser.
 */
import type { ConferenceId, ConversationId, UserId } from '#signalling/ids.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import type { World } from '../world.ts';
import { type Holder, insertAccount } from './accounts.ts';
import { NO_PASSWORD } from './password.ts';
import type { Sessions } from './sessions.ts';

export interface GuestAccount {
  readonly user: UserId;
  readonly name: string;
  readonly conference: ConferenceId;
  readonly conversation: ConversationId;
}

export interface GuestAccountsOptions {
  readonly store: Store;
  readonly world: World;
  readonly sessions: Sessions;
  /** In the transaction in which an account goes: its devices, with all that follows from it. */
  readonly removeDevices: (tx: Db, user: UserId) => Promise<void>;
}

export class GuestAccounts {
  readonly #options: GuestAccountsOptions;

  constructor(options: GuestAccountsOptions) {
    this.#options = options;
  }

  /** In a transaction. Returns the access token, which is good for as long as a guest may stay. */
  async create(tx: Db, guest: GuestAccount): Promise<{ readonly access: string; readonly account: Holder }> {
    const { user, name, conference, conversation } = guest;
    const { world, sessions } = this.#options;
    const record = { user, name, password: NO_PASSWORD, email: undefined, kind: 'guest' } as const;
    await insertAccount(tx, record, world.now());
    await tx.insertInto('guests').values({ user_id: user, conference, conversation_id: conversation }).execute();
    return { access: await sessions.beginGuest(tx, user), account: { user, name, administrator: false, guest: true } };
  }

  /** Takes a guest away with session, device and queue; nobody where he is gone. */
  async remove(user: UserId): Promise<void> {
    const { store, sessions, removeDevices } = this.#options;
    await store.transaction(async (tx) => {
      const guest = await tx.selectFrom('guests').select('user_id').where('user_id', '=', user).executeTakeFirst();
      if (!guest) return;
      const ended = await sessions.drop(tx, user);
      await removeDevices(tx, user);
      // Nobody gets this handle again: it is random.
      await tx.deleteFrom('accounts').where('user_id', '=', user).execute();
      afterCommit(tx, () => sessions.ended(ended));
    });
  }

  /** The calls of which guests are here. */
  async conferences(): Promise<ConferenceId[]> {
    const rows = await this.#options.store.db.selectFrom('guests').select('conference').distinct().execute();
    return rows.map(({ conference }) => conference);
  }

  async of(conference: ConferenceId): Promise<UserId[]> {
    const { db } = this.#options.store;
    const rows = await db.selectFrom('guests').select('user_id').where('conference', '=', conference).execute();
    return rows.map(({ user_id }) => user_id);
  }
}
