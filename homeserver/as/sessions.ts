/**
 * Sessions: a short access token that every request carries, and a long refresh token in a cookie that is replaced each
 * time it is used. Both are random and stored as hashes, so that a copy of the database signs nobody in.
 */
import { createHash } from 'node:crypto';
import { HawserError } from '#signalling/errors.ts';
import { GUEST_MS } from '#signalling/guests.ts';
import type { ConversationId, DeviceId, DomainName, UserId } from '#signalling/ids.ts';
import { userIdOf } from '#signalling/ids.ts';
import { parseEmail } from '#signalling/person.ts';
import { networkOf } from '../http/network.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';
import { type Holder, holderOf } from './accounts.ts';
import { verifyPassword } from './password.ts';
import { type FailureTable, failed, failuresOf, forgiven, succeeded, waitOf } from './throttle.ts';

export const ACCESS_SECONDS = 15 * 60;
export const REFRESH_SECONDS = 30 * 24 * 3600;

/**
 * Two tabs may refresh at the same moment with the same cookie. For this long the replaced token still gives an access
 * token (and no new cookie); later its use means that somebody copied it, and the session ends.
 */
const REUSE_GRACE_MS = 20_000;

/** Sessions of one person that are of no device, which is all that a page has for the seconds in which it makes one. */
const MAX_WITHOUT_DEVICE = 50;

/** 256 bits: nobody guesses one, so a plain SHA-256 is enough to store them. */
const TOKEN_BYTES = 32;
const SESSION_ID_BYTES = 16;

export interface Tokens {
  readonly access: string;
  /** Absent where the cookie that the browser has, or is about to get, is the right one. */
  readonly refresh?: string;
  readonly account: Holder;
}

export interface Authenticated {
  readonly session: string;
  readonly user: UserId;
  /** Undefined until the session has said which device it is of. */
  readonly device?: DeviceId;
  /** Of a guest: where the only call is that he is in. */
  readonly guest?: ConversationId;
}

/** What access tokens of guests begin with, so that it need not be looked up to know that one is. */
export const GUEST_TOKEN = 'guest-';

export interface Credentials {
  /** Or the e-mail address of the account. */
  readonly handle: string;
  readonly password: string;
  /** IP address of the client. */
  readonly address: string;
}

export class Sessions {
  readonly #store: Store;
  readonly #domain: DomainName;
  readonly #world: World;
  readonly #onEnded: (session: string) => void;
  readonly #failures: FailureTable = new Map();

  /** @param onEnded somebody signed out, or a stolen refresh token was used */
  constructor(store: Store, domain: DomainName, world: World, onEnded: (session: string) => void) {
    this.#onEnded = onEnded;
    this.#store = store;
    this.#domain = domain;
    this.#world = world;
  }

  /** @throws HawserError HOME_WRONG_CREDENTIALS, HOME_SLOW_DOWN; the same for unknown people as for wrong passwords */
  async signIn({ handle, password, address }: Credentials): Promise<Tokens> {
    const email = parseEmail(handle);
    // What was typed is what is slowed down: one counter for handle and address would tell whose address it is.
    const [name, network] = [`account ${email ?? handle}`, `address ${networkOf(address)}`];
    const keys = [name, network];
    const both = `${name}, ${network}`;
    this.#refuseTooManyFailures(keys);
    const accounts = this.#store.db.selectFrom('accounts').select(['user_id', 'name', 'password', 'administrator']);
    const row = await (email
      ? accounts.where('email', '=', email)
      : accounts.where('user_id', '=', userIdOf(this.#domain, handle))
    ).executeTakeFirst();
    const right = await verifyPassword(password, row?.password);
    // Again, because guesses sent all at once were all admitted above.
    this.#refuseTooManyFailures(keys);
    if (!right || !row) {
      for (const key of [...keys, both]) failed(this.#failures, key, this.#world.now());
      throw new HawserError('HOME_WRONG_CREDENTIALS');
    }
    // Of the address only what this person mistyped: whoever has an account here must not guess those of others for ever.
    forgiven(this.#failures, network, failuresOf(this.#failures, both, this.#world.now()));
    for (const key of [name, both]) succeeded(this.#failures, key);
    const user = row.user_id;
    const { access, refresh } = await this.#store.transaction(async (tx) => {
      // The password may have been changed while it was compared, and every session ended: none may begin after that.
      // Written and not read, which also makes a change that is under way wait or come first.
      const { numUpdatedRows } = await tx
        .updateTable('accounts')
        .set({ password: row.password })
        .where('user_id', '=', user)
        .where('password', '=', row.password)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows !== 1n) throw new HawserError('HOME_WRONG_CREDENTIALS');
      return this.begin(tx, user);
    });
    return { access, refresh, account: holderOf(row) };
  }

  /** A new session of somebody of whom it is known who he is. Where he has too many without a device, the oldest of them end. */
  async begin(tx: Db, user: UserId): Promise<{ readonly access: string; readonly refresh: string }> {
    const session = randomToken(this.#world, SESSION_ID_BYTES);
    const refresh = randomToken(this.#world, TOKEN_BYTES);
    const now = this.#world.now();
    await tx
      .insertInto('sessions')
      .values({
        id: session,
        user_id: user,
        refresh_hash: hashOf(refresh),
        previous_hash: null,
        rotated_at: now,
        expires_at: now + REFRESH_SECONDS * 1000,
        created_at: now,
        device_id: null,
      })
      .execute();
    const rows = await tx
      .selectFrom('sessions')
      .select('id')
      .where('user_id', '=', user)
      .where('device_id', 'is', null)
      .orderBy('created_at')
      .execute();
    const ending = rows.slice(0, -MAX_WITHOUT_DEVICE).map(({ id }) => id);
    if (ending.length > 0) {
      await tx.deleteFrom('sessions').where('id', 'in', ending).execute();
      afterCommit(tx, () => this.ended(ending));
    }
    return { access: await this.#issueAccess(tx, session), refresh };
  }

  /** In a transaction: the session of a guest, which nothing renews. Returns its access token. */
  async beginGuest(tx: Db, user: UserId): Promise<string> {
    const id = randomToken(this.#world, SESSION_ID_BYTES);
    const now = this.#world.now();
    await tx
      .insertInto('sessions')
      .values({
        ...{ id, user_id: user, previous_hash: null, rotated_at: now, expires_at: now + GUEST_MS, created_at: now },
        // Of a token that nobody has.
        ...{ refresh_hash: hashOf(randomToken(this.#world, TOKEN_BYTES)), device_id: null },
      })
      .execute();
    return this.#issueAccess(tx, id, { prefix: GUEST_TOKEN, ms: GUEST_MS });
  }

  /** @throws HawserError HOME_UNAUTHENTICATED */
  async refresh(token: string): Promise<Tokens> {
    const hash = hashOf(token);
    const now = this.#world.now();
    let stolen: string | undefined;
    const tokens = await this.#store.transaction(async (tx): Promise<Tokens | undefined> => {
      const row = await tx
        .selectFrom('sessions')
        .innerJoin('accounts', 'accounts.user_id', 'sessions.user_id')
        .select(['sessions.id', 'sessions.user_id', 'accounts.name', 'accounts.administrator'])
        .select(['refresh_hash', 'rotated_at', 'expires_at'])
        .where((e) => e.or([e('refresh_hash', '=', hash), e('previous_hash', '=', hash)]))
        .executeTakeFirst();
      if (!row || row.expires_at <= now) return undefined;
      const account = holderOf(row);
      if (row.refresh_hash !== hash) {
        if (now - row.rotated_at <= REUSE_GRACE_MS) return { access: await this.#issueAccess(tx, row.id), account };
        await tx.deleteFrom('sessions').where('id', '=', row.id).execute();
        stolen = row.id;
        return undefined;
      }
      const refresh = randomToken(this.#world, TOKEN_BYTES);
      await tx
        .updateTable('sessions')
        .set({
          refresh_hash: hashOf(refresh),
          previous_hash: hash,
          rotated_at: now,
          expires_at: now + REFRESH_SECONDS * 1000,
        })
        .where('id', '=', row.id)
        .execute();
      return { access: await this.#issueAccess(tx, row.id), refresh, account };
    });
    if (stolen !== undefined) this.#onEnded(stolen);
    if (!tokens) throw new HawserError('HOME_UNAUTHENTICATED');
    return tokens;
  }

  /** @throws HawserError HOME_UNAUTHENTICATED */
  async authenticate(access: string): Promise<Authenticated> {
    const row = await this.#store.db
      .selectFrom('access_tokens')
      .innerJoin('sessions', 'sessions.id', 'access_tokens.session_id')
      .leftJoin('guests', 'guests.user_id', 'sessions.user_id')
      .select(['sessions.id', 'sessions.user_id', 'sessions.device_id', 'guests.conversation_id as guest'])
      .where('access_tokens.hash', '=', hashOf(access))
      .where('access_tokens.expires_at', '>', this.#world.now())
      .executeTakeFirst();
    if (!row) throw new HawserError('HOME_UNAUTHENTICATED');
    const { id: session, user_id: user, device_id: device, guest } = row;
    return { session, user, ...(device !== null && { device }), ...(guest !== null && { guest }) };
  }

  /**
   * In whose name sessions began behind `after` and up to `upTo` that are of no device by now, and when each first did.
   * @param after ms since 1970, as `upTo`
   */
  async withoutDevice(after: number, upTo: number): Promise<{ readonly user: UserId; readonly at: number }[]> {
    const rows = await this.#store.db
      .selectFrom('sessions')
      .select((e) => ['user_id', e.fn.min('created_at').as('at')])
      .where('device_id', 'is', null)
      .where('created_at', '>', after)
      .where('created_at', '<=', upTo)
      .groupBy('user_id')
      .execute();
    return rows.map(({ user_id: user, at }) => ({ user, at: Number(at) }));
  }

  async end(session: string): Promise<void> {
    await this.#store.db.deleteFrom('sessions').where('id', '=', session).execute();
    this.#onEnded(session);
  }

  /**
   * Takes a person's sessions away, in the transaction of what makes that necessary; `ended` is to be called after it.
   * @param keep the session that stays
   * @returns the sessions that are gone
   */
  async drop(tx: Db, user: UserId, keep?: string): Promise<string[]> {
    let query = tx.deleteFrom('sessions').where('user_id', '=', user);
    if (keep !== undefined) query = query.where('id', '!=', keep);
    const rows = await query.returning('id').execute();
    return rows.map(({ id }) => id);
  }

  /** What listens in these sessions stops. */
  ended(sessions: readonly string[]): void {
    for (const session of sessions) this.#onEnded(session);
  }

  /** Forgets what has expired. To be called now and then. */
  async sweep(): Promise<void> {
    const now = this.#world.now();
    await this.#store.db.deleteFrom('access_tokens').where('expires_at', '<=', now).execute();
    await this.#store.db.deleteFrom('sessions').where('expires_at', '<=', now).execute();
  }

  async count(): Promise<number> {
    const { n } = await this.#store.db
      .selectFrom('sessions')
      .select((e) => e.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    return n;
  }

  async #issueAccess(
    db: Db,
    session: string,
    { prefix, ms } = { prefix: '', ms: ACCESS_SECONDS * 1000 },
  ): Promise<string> {
    const access = `${prefix}${randomToken(this.#world, TOKEN_BYTES)}`;
    const expires_at = this.#world.now() + ms;
    await db
      .insertInto('access_tokens')
      .values({ hash: hashOf(access), session_id: session, expires_at })
      .execute();
    return access;
  }

  #refuseTooManyFailures(keys: readonly string[]): void {
    const now = this.#world.now();
    if (keys.some((key) => waitOf(this.#failures, key, now) > 0)) throw new HawserError('HOME_SLOW_DOWN');
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
