/** Messages of this domain's devices that wait for the hub of another domain, and which of them it is known of what became of them. */
import { sql } from 'kysely';
import type { ConversationId, DeviceId, DomainName, GroupId, UserId } from '#signalling/ids.ts';
import { parseRefused, parseSent } from '#signalling/queue.ts';
import { inLists, inParts } from '../store/rows.ts';
import type { Db } from '../store/store.ts';
import type { SubmissionRow } from '../store/tables.ts';

/** Which of its messages, of a device to a conversation. */
export interface Named {
  readonly device: DeviceId;
  readonly conversation: ConversationId;
  readonly number: number;
}

export type NewSubmission = Omit<SubmissionRow, 'position'>;
export type StoredSubmission = NewSubmission & { readonly position: number };

/** What is to be known of a row without its message. */
export interface Waiting {
  readonly position: number;
  readonly hub: DomainName;
  readonly device: DeviceId;
  readonly conversation: ConversationId;
  readonly group: GroupId;
  readonly number: number;
  /** Characters of the message. */
  readonly length: number;
  readonly since: number;
}

/** How much waits, to be held within bounds. */
export interface Waits {
  readonly hub: DomainName;
  readonly device: DeviceId;
  readonly rows: number;
  /** Characters of messages. */
  readonly length: number;
}

export async function insert(tx: Db, rows: readonly NewSubmission[]): Promise<void> {
  for (const part of inParts(rows)) await tx.insertInto('submissions').values(part).execute();
}

/** The oldest of a hub behind a position. */
export function oldest(db: Db, hub: DomainName, after: number, limit: number): Promise<StoredSubmission[]> {
  return db
    .selectFrom('submissions')
    .selectAll()
    .where('hub', '=', hub)
    .where('position', '>', after)
    .orderBy('position')
    .limit(limit)
    .execute();
}

/** The same without their messages. */
export async function oldestNames(db: Db, hub: DomainName, limit: number): Promise<Waiting[]> {
  const rows = await names(db).where('hub', '=', hub).orderBy('position').limit(limit).execute();
  return rows.map(shown);
}

/** Those of a device to a conversation from a number on, in order; up to another one where that is given. */
export async function from(
  db: Db,
  { device, conversation, number }: Named,
  last = Number.MAX_SAFE_INTEGER,
): Promise<Waiting[]> {
  const rows = await names(db)
    .where('device_id', '=', device)
    .where('conversation_id', '=', conversation)
    .where('number', '>=', number)
    .where('number', '<=', last)
    .orderBy('number')
    .execute();
  return rows.map(shown);
}

export async function find(db: Db, { device, conversation, number }: Named): Promise<Waiting | undefined> {
  const row = await names(db)
    .where('device_id', '=', device)
    .where('conversation_id', '=', conversation)
    .where('number', '=', number)
    .executeTakeFirst();
  return row && shown(row);
}

/** What they say, by number. @param rows of one device to one conversation */
export async function messagesOf(db: Db, rows: readonly Waiting[]): Promise<Map<number, string>> {
  const messages = new Map<number, string>();
  for (const part of inLists(rows)) {
    const positions = part.map(({ position }) => position);
    const said = db.selectFrom('submissions').select(['number', 'message']).where('position', 'in', positions);
    for (const { number, message } of await said.execute()) messages.set(number, message);
  }
  return messages;
}

/** The newest one that waits. */
export async function newestNumber(db: Db, { device, conversation }: Omit<Named, 'number'>): Promise<number> {
  const { newest } = await db
    .selectFrom('submissions')
    .select((e) => e.fn.max('number').as('newest'))
    .where('device_id', '=', device)
    .where('conversation_id', '=', conversation)
    .executeTakeFirstOrThrow();
  return newest ?? 0;
}

/** Those that wait since before a time, ms since 1970, the oldest first: whatever came earlier stands before what came later. */
export async function olderThan(db: Db, time: number, limit: number): Promise<Waiting[]> {
  const rows = await names(db).orderBy('position').limit(limit).execute();
  return rows.map(shown).filter(({ since }) => since < time);
}

export async function remove(tx: Db, rows: readonly Waiting[]): Promise<void> {
  for (const part of inLists(rows)) {
    const positions = part.map(({ position }) => position);
    await tx.deleteFrom('submissions').where('position', 'in', positions).execute();
  }
}

export async function waits(db: Db): Promise<Waits[]> {
  const rows = await db
    .selectFrom('submissions')
    .select((e) => [
      ...(['hub', 'device_id'] as const),
      e.fn.countAll<number>().as('rows'),
      sql<number>`sum(length(message))`.as('length'),
    ])
    .groupBy(['hub', 'device_id'])
    .execute();
  return rows.map(({ hub, device_id: device, rows: count, length }) => ({
    ...{ hub, device, rows: Number(count), length: Number(length) },
  }));
}

/** The newest of a device's messages to a conversation of which it is known what became of it. */
export async function decided(db: Db, { device, conversation }: Omit<Named, 'number'>) {
  return db
    .selectFrom('sent_numbers')
    .select(['number', 'position', 'at', 'unsent'])
    .where('device_id', '=', device)
    .where('conversation_id', '=', conversation)
    .executeTakeFirst();
}

/** What became of the newest messages of a device to a conversation. */
export interface Decision extends Named {
  /** Which of them up to this number were not sent. */
  readonly unsent: string | null;
  /** Of the newest that has one; left out where none of these has. */
  readonly place?: { readonly position: number; readonly at: number };
}

/** It is known of all messages up to this one what became of them. */
export async function decide(tx: Db, { device, conversation, number, unsent, place }: Decision): Promise<void> {
  const { position, at } = place ?? { position: 0, at: 0 };
  await tx
    .insertInto('sent_numbers')
    .columns(['device_id', 'conversation_id', 'number', 'position', 'at', 'unsent'])
    // Of a conversation that is not known any more nothing is remembered.
    .expression((e) =>
      e
        .selectFrom('conversations')
        .select([
          sql<DeviceId>`cast(${device} as text)`.as('device_id'),
          'id',
          ...[sql<number>`cast(${number} as bigint)`.as('number')],
          ...[sql<number>`cast(${position} as bigint)`.as('position'), sql<number>`cast(${at} as bigint)`.as('at')],
          sql<string | null>`cast(${unsent} as text)`.as('unsent'),
        ])
        .where('id', '=', conversation),
    )
    .onConflict((c) =>
      c.columns(['device_id', 'conversation_id']).doUpdateSet((e) => ({
        number: e.ref('excluded.number'),
        unsent: e.ref('excluded.unsent'),
        ...(place && { position: e.ref('excluded.position'), at: e.ref('excluded.at') }),
      })),
    )
    .execute();
}

/** What lies in the queue of a device about a message that was refused and that it has not taken yet: the payload. */
export async function refusal(db: Db, { device, conversation, number }: Named): Promise<string | undefined> {
  const rows = await outcomes(db, device, 'refused').where('id', '=', `${number}`).execute();
  return rows.map(({ payload }) => payload).find((payload) => parseRefused(payload).conversation === conversation);
}

/** The place of a message that came back while nobody waited for it, as the queue of its device tells it. */
export async function placeOf(db: Db, { device, conversation, number }: Named) {
  const rows = await outcomes(db, device, 'sent').where('id', '=', `${number}`).execute();
  const told = rows.map(({ payload, at }) => ({ ...parseSent(payload), at }));
  const place = told.find((each) => each.conversation === conversation);
  return place && { position: place.position, at: place.at };
}

/** Where in the queue of a device it is told last that a message to a conversation was refused; 0 where nowhere. */
export async function lastRefusal(db: Db, { device, conversation }: Omit<Named, 'number'>): Promise<number> {
  const rows = await outcomes(db, device, 'refused').orderBy('position', 'desc').execute();
  return rows.find(({ payload }) => parseRefused(payload).conversation === conversation)?.position ?? 0;
}

function outcomes(db: Db, device: DeviceId, kind: 'sent' | 'refused') {
  return db
    .selectFrom('entries')
    .select(['position', 'payload', 'at'])
    .where('audience', '=', device)
    .where('kind', '=', kind);
}

/** Whether something can wait for the device: one that was removed is told nothing. */
export async function hasQueue(db: Db, device: DeviceId): Promise<boolean> {
  const row = await db.selectFrom('queues').select('device_id').where('device_id', '=', device).executeTakeFirst();
  return row !== undefined;
}

/** What decides whether somebody may send to a conversation. */
export async function standing(db: Db, conversation: ConversationId, user: UserId) {
  return db
    .selectFrom('conversations')
    .leftJoin('members', (join) =>
      join.onRef('members.conversation_id', '=', 'conversations.id').on('members.user_id', '=', user),
    )
    .select(['conversations.group_id as group', 'members.role as role'])
    .where('conversations.id', '=', conversation)
    .executeTakeFirst();
}

function names(db: Db) {
  return db
    .selectFrom('submissions')
    .select((e) => [
      ...(['position', 'hub', 'device_id', 'conversation_id', 'group_id', 'number', 'created_at'] as const),
      e.fn<number>('length', ['message']).as('length'),
    ]);
}

function shown(row: Awaited<ReturnType<ReturnType<typeof names>['execute']>>[number]): Waiting {
  const { position, hub, device_id: device, conversation_id: conversation, group_id: group } = row;
  return { position, hub, device, conversation, group, number: row.number, length: row.length, since: row.created_at };
}
