/** Partings in the database: how far each is, and what is left to say if the domain is allowed again. */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Statement } from '#signalling/federation.ts';
import { type ConversationId, type DomainName, domainOf, type RoomId, type UserId } from '#signalling/ids.ts';
import { isPostgres } from '../store/columns.ts';
import { inParts } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { PartingRow, Tables } from '../store/tables.ts';
import { enqueueDepartures } from './outbox-table.ts';

/** Begins a parting. One that goes on goes on; where one has ended, this is another one. */
export async function begin(tx: Db, own: DomainName, domain: DomainName, now: number): Promise<PartingRow> {
  const known = await find(tx, domain);
  if (known?.ended_at === null) return known;
  const { total } = await tx
    .selectFrom('members')
    .select((e) => e.fn.count<number>('conversation_id').distinct().as('total'))
    .where((e) => isShared(e, own, domain))
    .executeTakeFirstOrThrow();
  const row: PartingRow = { domain, begun_at: now, total: Number(total), done: 0, after: null, ended_at: null };
  const { domain: _key, ...rest } = row;
  await tx
    .insertInto('partings')
    .values(row)
    .onConflict((c) => c.column('domain').doUpdateSet(rest))
    .execute();
  await dropOutbox(tx, domain);
  return row;
}

export function find(db: Db, domain: DomainName): Promise<PartingRow | undefined> {
  return db.selectFrom('partings').selectAll().where('domain', '=', domain).executeTakeFirst();
}

export function list(db: Db): Promise<PartingRow[]> {
  return db.selectFrom('partings').selectAll().orderBy('begun_at', 'desc').orderBy('domain').execute();
}

/** Domains with which a parting goes on. */
export async function underWay(db: Db): Promise<DomainName[]> {
  const rows = await db.selectFrom('partings').select('domain').where('ended_at', 'is', null).execute();
  return rows.map(({ domain }) => domain);
}

/**
 * Conversations that are still shared with a domain, in the order of their ids, those behind `after`: own ones with people of it, and
 * those of its hub with anybody. What is kept by a third domain is that one's to decide.
 */
export async function shared(
  db: Db,
  own: DomainName,
  domain: DomainName,
  after: ConversationId | null,
  limit: number,
): Promise<ConversationId[]> {
  let query = db
    .selectFrom('members')
    .select('conversation_id')
    .distinct()
    .where((e) => isShared(e, own, domain));
  if (after !== null) query = query.where('conversation_id', '>', after);
  const rows = await query.orderBy('conversation_id').limit(limit).execute();
  return rows.map(({ conversation_id }) => conversation_id);
}

/** Own conversations, and calls in them, with devices of a domain in their groups, whether their people are members or out; as `shared`. */
export async function withDevices(
  db: Db,
  own: DomainName,
  domain: DomainName,
  after: RoomId | null,
  limit: number,
): Promise<RoomId[]> {
  let query = db
    .selectFrom('group_devices')
    .innerJoin('groups', 'groups.group_id', 'group_devices.group_id')
    .select('conversation_id')
    .distinct()
    .where(startsWith('conversation_id', `mimi://${own}/r/`))
    .where(startsWith('device_id', `mimi://${domain}/u/`));
  if (after !== null) query = query.where('conversation_id', '>', after);
  const rows = await query.orderBy('conversation_id').limit(limit).execute();
  return rows.map(({ conversation_id }) => conversation_id);
}

/** Domains with which something is shared, or for which something waits. Reads everything: for the start. */
export async function partners(db: Db, own: DomainName): Promise<DomainName[]> {
  const domainIn = (column: string) =>
    isPostgres(db)
      ? sql<DomainName>`split_part(${sql.ref(column)}, '/', 3)`
      : sql<DomainName>`substr(${sql.ref(column)}, 8, instr(substr(${sql.ref(column)}, 8), '/') - 1)`;
  const people = db
    .selectFrom('members')
    .select(domainIn('user_id').as('domain'))
    .where(startsWith('conversation_id', `mimi://${own}/r/`));
  const hubs = db.selectFrom('members').select(domainIn('conversation_id').as('domain'));
  const waiting = db.selectFrom('outbox').select('domain');
  const rows = await people.union(hubs).union(waiting).execute();
  return rows.map(({ domain }) => domain).filter((domain) => domain !== own);
}

/** One conversation is parted. In the transaction of its change. */
export async function note(tx: Db, domain: DomainName, conversation: ConversationId): Promise<void> {
  await tx
    .updateTable('partings')
    .set((e) => ({ done: e('done', '+', 1), after: conversation }))
    .where('domain', '=', domain)
    .execute();
  await tx
    .insertInto('parted_conversations')
    .values({ domain, conversation_id: conversation })
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Who of this domain was in a conversation of another one's hub. In the transaction of its change. */
export async function notePeople(tx: Db, conversation: ConversationId, people: readonly UserId[]): Promise<void> {
  for (const part of inParts(people)) {
    await tx
      .insertInto('parted_people')
      .values(part.map((user_id) => ({ conversation_id: conversation, user_id })))
      .onConflict((c) => c.doNothing())
      .execute();
  }
}

/** The next round begins at the first conversation again. */
export async function rewind(db: Db, domain: DomainName): Promise<void> {
  await db.updateTable('partings').set({ after: null }).where('domain', '=', domain).execute();
}

export async function end(tx: Db, domain: DomainName, now: number): Promise<void> {
  await dropOutbox(tx, domain);
  await tx.updateTable('partings').set({ ended_at: now }).where('domain', '=', domain).execute();
}

/** Nothing waits for the domain any more. What it does not know of conversations, it is told if it is allowed again. */
async function dropOutbox(tx: Db, domain: DomainName): Promise<void> {
  const untold = await tx
    .selectFrom('outbox')
    .select('subject')
    .where('domain', '=', domain)
    .where('kind', '=', 'conversation')
    .execute();
  const rows = untold.map(({ subject }) => ({ domain, conversation_id: subject as ConversationId }));
  for (const part of inParts(rows)) {
    await tx
      .insertInto('parted_conversations')
      .values([...part])
      .onConflict((c) => c.doNothing())
      .execute();
  }
  await tx.deleteFrom('outbox').where('domain', '=', domain).execute();
}

/**
 * The domain is allowed again: puts some of what is to be said to it into the outbox. Conversations of its own stay noted until it
 * knows that our people are out of them.
 * @param after the last one of the call before
 * @returns those that were looked at, none at the end
 */
export async function recall(
  tx: Db,
  own: DomainName,
  domain: DomainName,
  after: ConversationId | undefined,
  limit: number,
  now: number,
): Promise<ConversationId[]> {
  let query = tx
    .selectFrom('parted_conversations')
    .leftJoin('conversations', 'conversations.id', 'parted_conversations.conversation_id')
    .select(['conversation_id', 'seq'])
    .where('domain', '=', domain);
  if (after !== undefined) query = query.where('conversation_id', '>', after);
  const rows = await query.orderBy('conversation_id').limit(limit).execute();
  const [ours, theirs] = [rows.filter(isOf(own)), rows.filter(isOf(domain))];
  for (const part of inParts(ours)) {
    const entries = part.map(({ conversation_id: subject, seq }) => ({ domain, kind: KIND, subject, seq: seq ?? 0 }));
    await tx
      .insertInto('outbox')
      .values(entries.map((each) => ({ ...each, created_at: now })))
      // One that is there already is newer.
      .onConflict((c) => c.columns(['domain', 'kind', 'subject']).doNothing())
      .execute();
    await tx
      .deleteFrom('parted_conversations')
      .where('domain', '=', domain)
      .where(
        'conversation_id',
        'in',
        part.map(({ conversation_id }) => conversation_id),
      )
      .execute();
  }
  await enqueueDepartures(
    tx,
    domain,
    theirs.map(({ conversation_id }) => conversation_id),
    now,
  );
  return rows.map(({ conversation_id }) => conversation_id);
}

const KIND = 'conversation' as const;

/** Of ours, whom the hub of a conversation may still take for members; none where nothing was parted. */
export async function peopleParted(db: Db, conversation: ConversationId): Promise<UserId[]> {
  const rows = await db
    .selectFrom('parted_people')
    .select('user_id')
    .where('conversation_id', '=', conversation)
    .execute();
  return rows.map(({ user_id }) => user_id);
}

/** The hub of a conversation knows that our people are out: what it says counts again. */
export async function forgetParted(tx: Db, conversation: ConversationId): Promise<void> {
  await tx
    .deleteFrom('parted_conversations')
    .where('domain', '=', domainOf(conversation))
    .where('conversation_id', '=', conversation)
    .execute();
  await tx.deleteFrom('parted_people').where('conversation_id', '=', conversation).execute();
}

/**
 * Whether what a hub states counts, where our people and it have parted: only once they are out there too. Whoever is in after that
 * was let in anew.
 */
export async function isHeard(tx: Db, { conversation, members }: Statement): Promise<boolean> {
  const parted = new Set(await peopleParted(tx, conversation));
  if (parted.size === 0) return true;
  if (members.some(({ user }) => parted.has(user))) return false;
  await forgetParted(tx, conversation);
  return true;
}

function isShared(e: ExpressionBuilder<Tables, 'members'>, own: DomainName, domain: DomainName): Expression<SqlBool> {
  return e.or([
    startsWith('conversation_id', `mimi://${domain}/r/`),
    e.and([startsWith('conversation_id', `mimi://${own}/r/`), startsWith('user_id', `mimi://${domain}/u/`)]),
  ]);
}

/** No domain has a character that means something in a pattern. */
function startsWith(column: 'conversation_id' | 'user_id' | 'device_id', beginning: string): Expression<SqlBool> {
  return sql<SqlBool>`${sql.ref(column)} like ${`${beginning}%`}`;
}

function isOf(domain: DomainName) {
  return ({ conversation_id }: { conversation_id: ConversationId }): boolean => domainOf(conversation_id) === domain;
}
