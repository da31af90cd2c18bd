/** The accounts of this domain. */
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, handleOf, type UserId, userIdOf } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { World } from '../world.ts';
import { hashPassword } from './password.ts';

export interface Account {
  readonly user: UserId;
  readonly name: string;
}

export interface NewAccount {
  /** Parsed by `Handle`. */
  readonly handle: string;
  readonly name: string;
  readonly password: string;
}

/**
 * An administrator's act.
 * @throws HawserError HOME_HANDLE_TAKEN
 */
export async function createAccount(db: Db, domain: DomainName, account: NewAccount, world: World): Promise<Account> {
  const user = userIdOf(domain, account.handle);
  const password = await hashPassword(account.password, world);
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('accounts')
    .values({ user_id: user, name: account.name, password, created_at: world.now() })
    .onConflict((c) => c.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) throw new HawserError('HOME_HANDLE_TAKEN');
  return { user, name: account.name };
}

export async function findAccount(db: Db, user: UserId): Promise<Account | undefined> {
  const row = await db.selectFrom('accounts').select('name').where('user_id', '=', user).executeTakeFirst();
  return row && { user, name: row.name };
}

export async function countAccounts(db: Db): Promise<number> {
  const { n } = await db
    .selectFrom('accounts')
    .select((e) => e.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return n;
}

/** The person as the client API shows them. */
export function userOf(account: Account, domain: DomainName) {
  return { user: account.user, domain, handle: handleOf(account.user), name: account.name };
}
