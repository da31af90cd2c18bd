/** The outbox's rows. There is at most one for a thing and a domain: statements are whole, so the newest says it all. */
import type { ConferenceId, ConversationId, DomainName } from '#signalling/ids.ts';
import { inParts } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { OutboxKind } from '../store/tables.ts';

export interface Entry {
  readonly domain: DomainName;
  readonly kind: OutboxKind;
  readonly subject: ConversationId | ConferenceId;
  readonly seq: number;
  readonly created_at: number;
}

export type StoredEntry = Entry & { readonly position: number };

/** A conversation's id is a URI, a conference's none. */
export function isConversation(subject: Entry['subject']): subject is ConversationId {
  return subject.includes(':');
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

/** The oldest of a domain, leaving out those that are being sent. */
export function waiting(db: Db, domain: DomainName, sending: readonly number[], limit: number): Promise<StoredEntry[]> {
  let query = db.selectFrom('outbox').selectAll().where('domain', '=', domain);
  if (sending.length > 0) query = query.where('position', 'not in', [...sending]);
  return query.orderBy('position').limit(limit).execute();
}

/** Takes an entry out, unless something newer has to be told in the meantime. */
export async function settle(db: Db, entry: StoredEntry): Promise<void> {
  await db.deleteFrom('outbox').where('position', '=', entry.position).where('seq', '<=', entry.seq).execute();
}

export async function domainsWaiting(db: Db): Promise<DomainName[]> {
  const rows = await db.selectFrom('outbox').select('domain').distinct().execute();
  return rows.map(({ domain }) => domain);
}

export async function depthByDomain(db: Db): Promise<{ domain: DomainName; depth: number }[]> {
  return db
    .selectFrom('outbox')
    .select((e) => ['domain', e.fn.countAll<number>().as('depth')])
    .groupBy('domain')
    .execute();
}
