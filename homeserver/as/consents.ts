/**
 * What was told to other domains, and heard from them, of who wants to be connected. Each direction of a pair has numbers of its
 * own, which only rise; they stay when a side is forgotten, or an old statement could bring back what was taken back.
 */
import { sql } from 'kysely';
import { type DomainName, domainOf, handleOf, type UserId, userIdOf } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { ConsentRow } from '../store/tables.ts';
import { findAccount } from './accounts.ts';
import type { Pair } from './sides.ts';

/** What one of our people states to somebody of another domain. */
export interface OwnStatement {
  readonly name: string;
  readonly wants: boolean;
  readonly seq: number;
  /** The account is gone, and the row with it once this was heard. */
  readonly isLast: boolean;
}

/** A pair that is settled this long may be forgotten: numbers are times, so what is said later is newer all the same. */
const KEPT_MS = 30 * 24 * 3_600_000;

/**
 * In the transaction in which a side changes.
 * @param name what the other one is called, where that was found out just now
 * @returns the number under which it is to be told
 */
export async function noteOwn(
  tx: Db,
  { owner, peer }: Pair,
  wants: boolean,
  now: number,
  name?: string,
): Promise<number> {
  const before = await find(tx, { owner, peer });
  // The time, so that a homeserver whose database was restored does not say new things under numbers that it used before.
  const told = Math.max((before?.told ?? 0) + 1, now);
  const changes = {
    told,
    wants: wants ? (1 as const) : (0 as const),
    changed_at: now,
    ...(name !== undefined && { name }),
  };
  await tx
    .insertInto('consents')
    .values({ owner, peer, known: 0, heard: 0, name: null, ...changes })
    .onConflict((c) => c.columns(['owner', 'peer']).doUpdateSet(changes))
    .execute();
  return told;
}

/** Notes a statement of the other one; false where a newer one, or the same, was heard before. */
export async function noteHeard(
  tx: Db,
  { owner, peer }: Pair,
  seq: number,
  name: string,
  now: number,
): Promise<boolean> {
  const before = await find(tx, { owner, peer });
  if (before && seq <= before.heard) return false;
  const changes = { heard: seq, name, changed_at: now };
  await tx
    .insertInto('consents')
    .values({ owner, peer, told: 0, wants: 0, known: 0, ...changes })
    .onConflict((c) => c.columns(['owner', 'peer']).doUpdateSet(changes))
    .execute();
  return true;
}

/** What is to be told now: decision and number of one moment. Undefined where there is nothing. */
export async function ownStatement(db: Db, pair: Pair): Promise<OwnStatement | undefined> {
  const row = await find(db, pair);
  if (!row || row.told === 0) return undefined;
  const account = await findAccount(db, pair.owner);
  return {
    name: account?.name ?? handleOf(pair.owner),
    // A row that is read just before the account goes must not speak for it.
    wants: row.wants === 1 && account !== undefined,
    seq: row.told,
    isLast: account === undefined,
  };
}

/** The other side has a statement. */
export async function noteKnown(db: Db, { owner, peer }: Pair, { seq, isLast }: OwnStatement): Promise<void> {
  if (isLast) {
    await db
      .deleteFrom('consents')
      .where('owner', '=', owner)
      .where('peer', '=', peer)
      .where('told', '=', seq)
      .execute();
    return;
  }
  await db
    .updateTable('consents')
    .set({ known: seq })
    .where('owner', '=', owner)
    .where('peer', '=', peer)
    .where('known', '<', seq)
    .execute();
}

/** What was stated is wanted no more, without saying so; false where something newer is to be told. */
export async function takeBack(tx: Db, { owner, peer }: Pair, seq: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('consents')
    .set({ wants: 0 })
    .where('owner', '=', owner)
    .where('peer', '=', peer)
    .where('told', '=', seq)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** What a domain was not told yet, or refused for good when it was told. */
export async function untold(db: Db, domain: DomainName): Promise<(Pair & { readonly seq: number })[]> {
  const rows = await db
    .selectFrom('consents')
    .select(['owner', 'peer', 'told'])
    .whereRef('known', '<', 'told')
    .where(isOf(domain))
    .execute();
  return rows.map(({ owner, peer, told }) => ({ owner, peer, seq: told }));
}

/**
 * In the transaction that deletes an account: it wants nobody any more.
 * @returns what is to be told
 */
export async function withdraw(tx: Db, owner: UserId, now: number): Promise<(Pair & { readonly seq: number })[]> {
  await tx.deleteFrom('consents').where('owner', '=', owner).where('told', '=', 0).execute();
  const rows = await tx.selectFrom('consents').select('peer').where('owner', '=', owner).execute();
  const all: (Pair & { readonly seq: number })[] = [];
  for (const { peer } of rows) all.push({ owner, peer, seq: await noteOwn(tx, { owner, peer }, false, now) });
  return all;
}

/** How many people of a domain have ever stated anything to one of our people. */
export async function countHeard(tx: Db, owner: UserId, domain: DomainName): Promise<number> {
  const { n } = await tx
    .selectFrom('consents')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('owner', '=', owner)
    .where(isOf(domain))
    .where('heard', '>', 0)
    .executeTakeFirstOrThrow();
  return Number(n);
}

/** What somebody of another domain is called, as far as it was told. */
export async function nameTold(db: Db, pair: Pair): Promise<string | undefined> {
  return (await find(db, pair))?.name ?? undefined;
}

/** Forgets pairs between whom nothing is any more. To be called now and then. */
export async function sweepConsents(db: Db, now: number): Promise<void> {
  await db
    .deleteFrom('consents')
    .where('changed_at', '<', now - KEPT_MS)
    .where('wants', '=', 0)
    .whereRef('known', '=', 'told')
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('connections')
            .select('connections.owner')
            .whereRef('connections.owner', '=', 'consents.owner')
            .whereRef('connections.peer', '=', 'consents.peer'),
        ),
      ),
    )
    .execute();
}

/** Domains that are to hear something, each once. */
export function domainsIn(pairs: readonly Pair[]): Set<DomainName> {
  return new Set(pairs.map(({ peer }) => domainOf(peer)));
}

function find(db: Db, { owner, peer }: Pair): Promise<ConsentRow | undefined> {
  return db.selectFrom('consents').selectAll().where('owner', '=', owner).where('peer', '=', peer).executeTakeFirst();
}

/** The other one is of a domain, whose name has neither % nor _. */
function isOf(domain: DomainName) {
  return sql<boolean>`peer like ${`${userIdOf(domain, '')}%`}`;
}
