/** The outbox's rows. There is at most one for a thing and a domain: statements are whole, so the newest says it all. */
import type { ConferenceId, ConversationId, DeviceId, DomainName, UserId } from '#signalling/ids.ts';
import { planned } from '../store/planned.ts';
import { inLists, inParts } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { ConsentPair, OutboxKind } from '../store/tables.ts';

export interface Entry {
  readonly domain: DomainName;
  readonly kind: OutboxKind;
  readonly subject: ConversationId | ConferenceId | ConsentPair | DeviceId;
  readonly seq: number;
  readonly created_at: number;
}

export type StoredEntry = Entry & { readonly position: number };

export function pairOf(owner: UserId, peer: UserId): ConsentPair {
  return `${owner} ${peer}`;
}

export function peopleOf(pair: ConsentPair): { owner: UserId; peer: UserId } {
  const [owner, peer] = pair.split(' ');
  return { owner: owner as UserId, peer: peer as UserId };
}

/** To be called in the transaction of the change that is to be told. */
export async function enqueue(tx: Db, entry: Entry): Promise<void> {
  await tx
    .insertInto('outbox')
    .values(entry)
    .onConflict((c) => c.columns(['domain', 'kind', 'subject']).doUpdateSet({ seq: entry.seq }))
    .execute();
}

/**
 * Somebody of this domain is gone from conversations of another domain's hub. Who it is, is looked up when it is told, so that all is
 * said that there is to say then; counted, because one more may go while it is being told.
 */
export async function enqueueDepartures(
  tx: Db,
  hub: DomainName,
  conversations: readonly ConversationId[],
  now: number,
): Promise<void> {
  for (const part of inParts(conversations)) {
    const rows = part.map((subject) => ({ domain: hub, kind: 'departure' as const, subject, seq: 1, created_at: now }));
    await tx
      .insertInto('outbox')
      .values(rows)
      .onConflict((c) =>
        c.columns(['domain', 'kind', 'subject']).doUpdateSet((e) => ({ seq: e('outbox.seq', '+', 1) })),
      )
      .execute();
  }
}

/** A domain was restored from a backup: what it knows of the conversations in whose groups it has devices is old. */
export async function enqueueFollowed(tx: Db, domain: DomainName, now: number): Promise<void> {
  const followed = await tx
    .selectFrom('followings')
    .innerJoin('conversations', 'conversations.id', 'followings.conversation_id')
    .select(['conversations.id as subject', 'conversations.seq'])
    .distinct()
    .where('followings.domain', '=', domain)
    .where('followings.until', 'is', null)
    .execute();
  for (const part of inParts(followed)) {
    await tx
      .insertInto('outbox')
      .values(part.map((each) => ({ domain, kind: 'conversation' as const, ...each, created_at: now })))
      .onConflict((c) => c.columns(['domain', 'kind', 'subject']).doUpdateSet((e) => ({ seq: e.ref('excluded.seq') })))
      .execute();
  }
}

/** A device of this domain is gone, which hubs have to know that may have it in groups. */
export async function enqueueGoneDevice(
  tx: Db,
  hubs: readonly DomainName[],
  device: DeviceId,
  now: number,
): Promise<void> {
  for (const domain of hubs) await enqueue(tx, { domain, kind: 'device', subject: device, seq: 1, created_at: now });
}

/** The oldest of a domain, leaving out those that are being sent. */
export function waiting(db: Db, domain: DomainName, sending: readonly number[], limit: number): Promise<StoredEntry[]> {
  let query = db.selectFrom('outbox').selectAll().where('domain', '=', domain);
  if (sending.length > 0) query = query.where('position', 'not in', [...sending]);
  return query.orderBy('position').limit(limit).execute();
}

/** States of conversations that a domain has not been told yet. */
export async function statementsWaiting(
  db: Db,
  domain: DomainName,
  conversations: readonly ConversationId[],
): Promise<StoredEntry[]> {
  const found: StoredEntry[] = [];
  for (const part of inLists(conversations)) {
    const { rows } = await planned(db, `statements ${part.length}`, [domain, 'conversation', ...part], () =>
      db
        .selectFrom('outbox')
        .selectAll()
        .where('domain', '=', domain)
        .where('kind', '=', 'conversation')
        .where('subject', 'in', part),
    );
    found.push(...rows);
  }
  return found;
}

/** Takes an entry out, unless something newer has to be told in the meantime. */
export async function settle(db: Db, entry: StoredEntry): Promise<void> {
  await db.deleteFrom('outbox').where('position', '=', entry.position).where('seq', '<=', entry.seq).execute();
}

export async function domainsWaiting(db: Db): Promise<DomainName[]> {
  const rows = await db.selectFrom('outbox').select('domain').distinct().execute();
  return rows.map(({ domain }) => domain);
}

/** What waits for each domain, and since when the oldest does (ms since 1970). */
export async function waitingByDomain(db: Db): Promise<{ domain: DomainName; count: number; oldestAt: number }[]> {
  const rows = await db
    .selectFrom('outbox')
    .select((e) => ['domain', e.fn.countAll<number>().as('count'), e.fn.min('created_at').as('oldestAt')])
    .groupBy('domain')
    .execute();
  return rows.map(({ domain, count, oldestAt }) => ({ domain, count: Number(count), oldestAt: Number(oldestAt) }));
}

export async function depthByDomain(db: Db): Promise<{ domain: DomainName; depth: number }[]> {
  return db
    .selectFrom('outbox')
    .select((e) => ['domain', e.fn.countAll<number>().as('depth')])
    .groupBy('domain')
    .execute();
}
