/** The accounts of this domain. */
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, handleOf, isReserved, type UserId, userIdOf } from '#signalling/ids.ts';
import { type EmailAddress, emailOf } from '#signalling/person.ts';
import { inLists } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { AccountKind } from '../store/tables.ts';
import type { World } from '../world.ts';
import { hashPassword } from './password.ts';

export interface Account {
  readonly user: UserId;
  readonly name: string;
}

/** Somebody's own account. Whether somebody administers the organisation is told to nobody else. */
export interface Holder extends Account {
  readonly administrator: boolean;
  /** Is in one call alone, and has no account of his own. */
  readonly guest?: boolean;
}

export interface NewAccount {
  /** Parsed by `Handle`. */
  readonly handle: string;
  readonly name: string;
  readonly password: string;
  readonly email?: EmailAddress;
  readonly administrator?: boolean;
}

/** An account as its administrator sees it. */
export interface AccountEntry extends Holder {
  readonly email: EmailAddress | undefined;
  readonly kind: AccountKind;
  /** ms since 1970 */
  readonly createdAt: number;
}

export interface AccountRecord extends Account {
  /** PHC string, or one that no password fits where the person signs in elsewhere. */
  readonly password: string;
  readonly email: EmailAddress | undefined;
  readonly kind?: AccountKind;
  readonly administrator?: boolean | undefined;
}

/**
 * An administrator's act.
 * @throws HawserError HOME_HANDLE_TAKEN, HOME_EMAIL_TAKEN
 */
export async function createAccount(db: Db, domain: DomainName, account: NewAccount, world: World): Promise<Account> {
  const { handle, name, email, administrator } = account;
  const user = userIdOf(domain, handle);
  const password = await hashPassword(account.password, world);
  await insertAccount(db, { user, name, password, email: email && emailOf(email), administrator }, world.now());
  return { user, name };
}

/** @throws HawserError HOME_HANDLE_TAKEN, also by somebody who is gone; HOME_EMAIL_TAKEN */
export async function insertAccount(tx: Db, account: AccountRecord, now: number): Promise<void> {
  const { user, name, password, email, kind = 'person', administrator = false } = account;
  if (isReserved(handleOf(user))) throw new HawserError('HOME_HANDLE_TAKEN');
  if (email !== undefined && (await findByEmail(tx, email))) throw new HawserError('HOME_EMAIL_TAKEN');
  const retired = await tx
    .selectFrom('retired_handles')
    .select('user_id')
    .where('user_id', '=', user)
    .executeTakeFirst();
  if (retired) throw new HawserError('HOME_HANDLE_TAKEN');
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('accounts')
    .values({
      ...{ user_id: user, name, folded: fold(name), password, created_at: now, email: email ?? null, kind },
      administrator: administrator ? 1 : 0,
    })
    .onConflict((c) => c.doNothing())
    .executeTakeFirstOrThrow();
  // Also where the address was taken in this very moment; the next attempt is told so.
  if (numInsertedOrUpdatedRows !== 1n) throw new HawserError('HOME_HANDLE_TAKEN');
}

/** Somebody whom others may have to do with: guests of calls are nobody to them. */
export async function findAccount(db: Db, user: UserId): Promise<Account | undefined> {
  const row = await db
    .selectFrom('accounts')
    .select('name')
    .where('user_id', '=', user)
    .where('kind', '!=', 'guest')
    .executeTakeFirst();
  return row && { user, name: row.name };
}

export async function findHolder(db: Db, user: UserId): Promise<Holder | undefined> {
  const row = await db
    .selectFrom('accounts')
    .select(['user_id', 'name', 'administrator', 'kind'])
    .where('user_id', '=', user)
    .executeTakeFirst();
  return row && holderOf(row);
}

export function holderOf(row: {
  readonly user_id: UserId;
  readonly name: string;
  readonly administrator: 0 | 1;
  readonly kind?: AccountKind;
}): Holder {
  const { user_id: user, name, administrator, kind } = row;
  return { user, name, administrator: administrator === 1, ...(kind === 'guest' && { guest: true }) };
}

/** @throws HawserError HOME_NOT_FOUND */
export async function setAdministrator(db: Db, user: UserId, administrator: boolean): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('accounts')
    .set({ administrator: administrator ? 1 : 0 })
    .where('user_id', '=', user)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new HawserError('HOME_NOT_FOUND');
}

/** Those of some people of this domain who have no account, or none any more. */
export async function withoutAccount(db: Db, users: readonly UserId[]): Promise<UserId[]> {
  const known = new Set<UserId>();
  for (const part of inLists(users)) {
    const rows = await db.selectFrom('accounts').select('user_id').where('user_id', 'in', part).execute();
    for (const { user_id } of rows) known.add(user_id);
  }
  return users.filter((user) => !known.has(user));
}

/** @param email in its stored spelling */
export async function findByEmail(db: Db, email: EmailAddress): Promise<UserId | undefined> {
  const row = await db.selectFrom('accounts').select('user_id').where('email', '=', email).executeTakeFirst();
  return row?.user_id;
}

/** Where a person is written to; undefined where there is no such account, or it has no address. */
export async function addressFor(db: Db, user: UserId): Promise<EmailAddress | undefined> {
  const row = await db.selectFrom('accounts').select('email').where('user_id', '=', user).executeTakeFirst();
  return row?.email ?? undefined;
}

/** The stored password of an account, for `verifyPassword`. */
export async function storedPassword(db: Db, user: UserId): Promise<string | undefined> {
  const row = await db.selectFrom('accounts').select('password').where('user_id', '=', user).executeTakeFirst();
  return row?.password;
}

/** @param hash a PHC string. @throws HawserError HOME_NOT_FOUND */
export async function setPassword(tx: Db, user: UserId, hash: string): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('accounts')
    .set({ password: hash })
    .where('user_id', '=', user)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new HawserError('HOME_NOT_FOUND');
}

/** @throws HawserError HOME_NOT_FOUND */
export async function renameAccount(db: Db, user: UserId, name: string): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('accounts')
    .set({ name, folded: fold(name) })
    .where('user_id', '=', user)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new HawserError('HOME_NOT_FOUND');
}

/** A name as it is looked for: without accents and case, each word behind a space. */
export function fold(name: string): string {
  const words = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().split(/\s+/u);
  return words.map((word) => ` ${word}`).join('');
}

/** The names of those of some people who have an account here. @param users some hundred at most */
export async function namesOf(db: Db, users: readonly UserId[]): Promise<ReadonlyMap<UserId, string>> {
  if (users.length === 0) return new Map();
  const rows = await db.selectFrom('accounts').select(['user_id', 'name']).where('user_id', 'in', users).execute();
  return new Map(rows.map(({ user_id, name }) => [user_id, name]));
}

/**
 * Takes an account away with everything that refers to it, and its handle out of use for good.
 * @throws HawserError HOME_NOT_FOUND
 */
export async function deleteAccount(tx: Db, user: UserId, now: number): Promise<void> {
  const { numDeletedRows } = await tx.deleteFrom('accounts').where('user_id', '=', user).executeTakeFirstOrThrow();
  if (numDeletedRows !== 1n) throw new HawserError('HOME_NOT_FOUND');
  await tx.insertInto('retired_handles').values({ user_id: user, retired_at: now }).execute();
}

/** In the order of their ids, those after `after`; guests are not among them. */
export async function listAccounts(db: Db, after: UserId | undefined, limit: number): Promise<AccountEntry[]> {
  let query = db
    .selectFrom('accounts')
    .select(['user_id', 'name', 'email', 'kind', 'created_at', 'administrator'])
    .where('kind', '!=', 'guest');
  if (after !== undefined) query = query.where('user_id', '>', after);
  const rows = await query.orderBy('user_id').limit(limit).execute();
  return rows.map(({ email, kind, created_at, ...row }) => ({
    ...holderOf(row),
    email: email ?? undefined,
    kind,
    createdAt: Number(created_at),
  }));
}

export async function countAccounts(db: Db): Promise<number> {
  const { n } = await db
    .selectFrom('accounts')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('kind', '!=', 'guest')
    .executeTakeFirstOrThrow();
  return n;
}

/** The person as the client API shows them. */
export function userOf(account: Account, domain: DomainName) {
  return { user: account.user, domain, handle: handleOf(account.user), name: account.name };
}

/** The person as the client API shows them to themselves. */
export function ownUserOf(account: Holder, domain: DomainName) {
  const { administrator, guest = false } = account;
  return {
    ...userOf(account, domain),
    ...(administrator && { administrator: true as const }),
    ...(guest && { guest: true as const }),
  };
}
