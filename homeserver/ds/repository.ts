/** Conversations in the database: whole states in, whole states out. */
import { setImmediate as breathe } from 'node:timers/promises';
import { sql } from 'kysely';
import { HawserError } from '#signalling/errors.ts';
import type { Call, Member, Statement } from '#signalling/federation.ts';
import type { Guest } from '#signalling/guests.ts';
import {
  type ConferenceId,
  type ConversationId,
  type DomainName,
  domainOf,
  type UserId,
  userIdOf,
} from '#signalling/ids.ts';
import type { Moderation } from '#signalling/moderation.ts';
import { inParts } from '../store/rows.ts';
import { atOneMoment } from '../store/snapshot.ts';
import type { Db } from '../store/store.ts';

export async function load(db: Db, conversation: ConversationId): Promise<Statement | undefined> {
  return (await loadAll(db, [conversation]))[0];
}

export async function loadFor(db: Db, user: UserId): Promise<Statement[]> {
  const rows = await db.selectFrom('members').select('conversation_id').where('user_id', '=', user).execute();
  return loadAll(
    db,
    rows.map((row) => row.conversation_id),
  );
}

/** The conversations of a person in the order of their ids, those behind `after`. */
export async function conversationsOf(
  db: Db,
  user: UserId,
  after: ConversationId | undefined,
  limit: number,
): Promise<ConversationId[]> {
  let query = db.selectFrom('members').select('conversation_id').where('user_id', '=', user);
  if (after !== undefined) query = query.where('conversation_id', '>', after);
  const rows = await query.orderBy('conversation_id').limit(limit).execute();
  return rows.map(({ conversation_id }) => conversation_id);
}

/** Whether two people are in any conversation together. */
export async function areTogether(db: Db, one: UserId, other: UserId): Promise<boolean> {
  const row = await db
    .selectFrom('members as mine')
    .innerJoin('members as theirs', 'theirs.conversation_id', 'mine.conversation_id')
    .select('mine.conversation_id')
    .where('mine.user_id', '=', one)
    .where('theirs.user_id', '=', other)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** The people of a domain who are in any conversation, in the order of their ids, those behind `after`. */
export async function peopleOf(
  db: Db,
  domain: DomainName,
  after: UserId | undefined,
  limit: number,
): Promise<UserId[]> {
  let query = db
    .selectFrom('members')
    .select('user_id')
    .distinct()
    .where(sql<boolean>`user_id like ${`${userIdOf(domain, '')}%`}`);
  if (after !== undefined) query = query.where('user_id', '>', after);
  const rows = await query.orderBy('user_id').limit(limit).execute();
  return rows.map(({ user_id }) => user_id);
}

/** What the people of a domain are called in conversations, in the order of their ids, those behind `after`. */
export async function namesIn(
  db: Db,
  domain: DomainName,
  after: UserId | undefined,
  limit: number,
): Promise<{ user: UserId; names: readonly [string, string] }[]> {
  let query = db
    .selectFrom('members')
    // Where all are the same, these two are.
    .select((e) => ['user_id', e.fn.min('name').as('first'), e.fn.max('name').as('last')])
    .where(sql<boolean>`user_id like ${`${userIdOf(domain, '')}%`}`);
  if (after !== undefined) query = query.where('user_id', '>', after);
  const rows = await query.groupBy('user_id').orderBy('user_id').limit(limit).execute();
  return rows.map(({ user_id: user, first, last }) => ({ user, names: [first, last] }));
}

/** The conversation in which a conference goes on. */
export async function conversationOf(db: Db, conference: ConferenceId): Promise<ConversationId | undefined> {
  const row = await db
    .selectFrom('calls')
    .select('conversation_id')
    .where('conference', '=', conference)
    .executeTakeFirst();
  return row?.conversation_id;
}

/** The guests of the calls in some conversations. */
export async function guestsIn(
  db: Db,
  conversations: readonly ConversationId[],
): Promise<(readonly [ConversationId, readonly Guest[]])[]> {
  const rows = await db
    .selectFrom('calls')
    .select(['conversation_id', 'guests'])
    .where('conversation_id', 'in', conversations)
    .where('guests', 'is not', null)
    .execute();
  return rows.map(({ conversation_id, guests }) => [conversation_id, JSON.parse(guests ?? '[]') as Guest[]]);
}

/** Every conversation with a call, for instance to look for calls that nobody came to. */
export async function loadInCall(db: Db): Promise<Statement[]> {
  const rows = await db.selectFrom('calls').select('conversation_id').execute();
  return loadAll(
    db,
    rows.map((row) => row.conversation_id),
  );
}

/** The domains of everybody who may be in a call, and of its hub. */
export async function domainsInCalls(db: Db): Promise<Set<DomainName>> {
  const states = await loadInCall(db);
  return new Set(
    states.flatMap(({ conversation, members }) => [domainOf(conversation), ...members.map(({ domain }) => domain)]),
  );
}

export async function countCalls(db: Db): Promise<number> {
  const { n } = await db
    .selectFrom('calls')
    .select((e) => e.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return n;
}

/** Writes what differs. Must run in the transaction in which `before` was read. */
export async function save(tx: Db, before: Statement | undefined, after: Statement, now: number): Promise<void> {
  const { conversation, title, seq, group = null } = after;
  await tx
    .insertInto('conversations')
    .values({ id: conversation, title, seq, group_id: group, created_at: now })
    .onConflict((c) => c.column('id').doUpdateSet({ title, seq, group_id: group }))
    .execute();
  if (before?.members !== after.members) await saveMembers(tx, conversation, after.members);
  if (before?.call !== after.call) await saveCall(tx, conversation, after.call);
  if (before && before.members !== after.members && after.call) await forgetNumbers(tx, after.call, after.members);
}

/** A domain that is out forgets the call, and with it how it has numbered what it said of it: let in again, it begins anew. */
async function forgetNumbers(tx: Db, { conference }: Call, members: readonly Member[]): Promise<void> {
  const domains = [...new Set(members.map(({ domain }) => domain))];
  await tx
    .deleteFrom('call_presence')
    .where('conference', '=', conference)
    .where('domain', 'not in', domains)
    .execute();
}

/** Each as it was at one moment: a number and members of different states would be one that never was. */
async function loadAll(db: Db, ids: readonly ConversationId[]): Promise<Statement[]> {
  const states: Statement[] = [];
  for (const part of inParts(ids)) {
    // Somebody who is in a thousand of fifty would hold everybody up for half a second.
    if (states.length > 0 && !db.isTransaction) await breathe();
    states.push(...(await atOneMoment(db, (moment) => loadEach(moment, part))));
  }
  return states;
}

async function loadEach(db: Db, ids: readonly ConversationId[]): Promise<Statement[]> {
  const conversations = await db.selectFrom('conversations').selectAll().where('id', 'in', ids).execute();
  const members = await db
    .selectFrom('members')
    .selectAll()
    .where('conversation_id', 'in', ids)
    .orderBy('position')
    .execute();
  const calls = await db.selectFrom('calls').selectAll().where('conversation_id', 'in', ids).execute();
  const membersOf = Map.groupBy(members, (row) => row.conversation_id);
  const states: Statement[] = [];
  for (const { id, title, seq, group_id } of conversations) {
    const people = (membersOf.get(id) ?? []).map(
      (row): Member => ({ user: row.user_id, domain: domainOf(row.user_id), name: row.name, role: row.role }),
    );
    const row = calls.find((candidate) => candidate.conversation_id === id);
    const state = { conversation: id, seq, title, members: people, ...(group_id !== null && { group: group_id }) };
    if (!row) states.push(state);
    else {
      const { conference, anchor, started_by, started_at, group_id: callGroup, moderation, guests } = row;
      const invited = guests === null ? [] : (JSON.parse(guests) as Guest[]);
      const inCall = await loadCallMembers(db, conference, [...people, ...invited]);
      states.push({
        ...state,
        call: {
          ...{ conference, anchor, startedBy: started_by, startedAt: started_at, members: inCall },
          ...(callGroup !== null && { group: callGroup }),
          ...(moderation !== null && { moderation: JSON.parse(moderation) as Moderation }),
          ...(guests !== null && { guests: invited }),
        },
      });
    }
  }
  return states;
}

async function loadCallMembers(db: Db, conference: ConferenceId, people: readonly { user: UserId; name: string }[]) {
  const rows = await db
    .selectFrom('call_members')
    .select(['participant', 'user_id'])
    .where('conference', '=', conference)
    .orderBy('position')
    .execute();
  const names = new Map(people.map(({ user, name }) => [user, name]));
  return rows.map(({ participant, user_id }) => ({
    participant,
    user: user_id,
    domain: domainOf(user_id),
    name: names.get(user_id) ?? '?',
  }));
}

async function saveMembers(tx: Db, conversation: ConversationId, members: readonly Member[]): Promise<void> {
  await tx.deleteFrom('members').where('conversation_id', '=', conversation).execute();
  const rows = members.map(({ user, name, role }, position) => ({
    conversation_id: conversation,
    user_id: user,
    name,
    role,
    position,
  }));
  for (const some of inBatches(rows)) await tx.insertInto('members').values(some).execute();
}

async function saveCall(tx: Db, conversation: ConversationId, call: Call | undefined): Promise<void> {
  // Another call's row goes with all that depends on it; the same call's stays, for its pseudonyms' sake.
  let others = tx.deleteFrom('calls').where('conversation_id', '=', conversation);
  if (call) others = others.where('conference', '!=', call.conference);
  await others.execute();
  if (!call) return;
  const { conference, anchor, startedBy, startedAt, group = null } = call;
  const moderation = call.moderation === undefined ? null : JSON.stringify(call.moderation);
  const guests = call.guests === undefined ? null : JSON.stringify(call.guests);
  await tx
    .insertInto('calls')
    .values({
      ...{ conference, conversation_id: conversation, anchor, started_by: startedBy, started_at: startedAt },
      ...{ group_id: group, moderation, guests },
    })
    // Who started it may be out since, and it is another member's.
    .onConflict((c) =>
      c
        .column('conference')
        .doUpdateSet({ started_by: startedBy, group_id: group, moderation, guests })
        .where('calls.conversation_id', '=', conversation),
    )
    .execute();
  // A hub that gives its call the id of another hub's call must not reach that call's people.
  if ((await conversationOf(tx, conference)) !== conversation) throw new HawserError('FED_FOREIGN', 'conference id');
  await tx.deleteFrom('call_members').where('conference', '=', conference).execute();
  const rows = call.members.map(({ participant, user }, position) => ({
    conference,
    participant,
    user_id: user,
    position,
  }));
  for (const some of inBatches(rows)) await tx.insertInto('call_members').values(some).execute();
}

/** A statement of SQLite takes at most 32,766 parameters (https://sqlite.org/limits.html). */
function* inBatches<T>(rows: readonly T[], size = 1_000): Generator<readonly T[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size);
}

/** The hubs of the conversations that somebody is in. */
export async function hubsOf(db: Db, user: UserId): Promise<DomainName[]> {
  const rows = await db.selectFrom('members').select('conversation_id').where('user_id', '=', user).execute();
  return [...new Set(rows.map(({ conversation_id }) => domainOf(conversation_id)))];
}
