/**
 * Who of this domain is in which call. The SFT's word is the only truth; here it is turned from pseudonyms into people,
 * and told to the hub of the conversation.
 */
import type { Operation } from '#signalling/federation.ts';
import { type ConferenceId, type DomainName, domainOf, type ParticipantId, type UserId } from '#signalling/ids.ts';
import { conversationOf } from '../ds/repository.ts';
import { enqueue } from '../federation/outbox-table.ts';
import { atOneMoment } from '../store/snapshot.ts';
import type { Db, Store } from '../store/store.ts';
import type { World } from '../world.ts';

export type Presence = Operation & { type: 'presence' };

/** Where the people of this domain now are, to be told to the hub. */
export interface Attendance {
  readonly hub: DomainName;
  readonly presence: Presence;
}

/**
 * Writes down who is in a conference. Pseudonyms for which no ticket was given are not counted.
 * Two of one conference must not run at the same time, or their numbers collide.
 * @returns what the hub is to be told, which lies in the outbox where the hub is another domain; undefined where there is
 * no such call (any more)
 */
export function attend(
  store: Store,
  own: DomainName,
  conference: ConferenceId,
  participants: readonly ParticipantId[],
  world: World,
): Promise<Attendance | undefined> {
  return store.transaction(async (tx) => {
    const conversation = await conversationOf(tx, conference);
    if (!conversation) return undefined;
    const before = await presentIn(tx, conference);
    await markPresent(tx, conference, participants);
    const after = await presentIn(tx, conference);
    const hub = domainOf(conversation);
    const seq = await nextSeq(tx, conference, own);
    const presence = { type: 'presence' as const, conference, seq, participants: after };
    // Our own hub is told even if nothing seems new: a crash may have come between this transaction and its own.
    if (hub !== own && !sameKeys(before, after)) {
      await writeSeq(tx, conference, own, seq);
      await enqueue(tx, { domain: hub, kind: 'presence', subject: conference, seq, created_at: world.now() });
    }
    return { hub, presence };
  });
}

/** The newest statement about the own people in a conference; undefined where there is no such call any more. */
export async function statePresence(db: Db, own: DomainName, conference: ConferenceId): Promise<Presence | undefined> {
  return atOneMoment(db, async (moment) => {
    const row = await moment
      .selectFrom('call_presence')
      .select('seq')
      .where('conference', '=', conference)
      .where('domain', '=', own)
      .executeTakeFirst();
    if (!row) return undefined;
    return { type: 'presence', conference, seq: row.seq, participants: await presentIn(moment, conference) };
  });
}

/** Conferences in which somebody of this domain was when the SFT last spoke. */
export async function attended(db: Db): Promise<ConferenceId[]> {
  const rows = await db
    .selectFrom('call_pseudonyms')
    .select('conference')
    .distinct()
    .where('present', '=', 1)
    .execute();
  return rows.map(({ conference }) => conference);
}

/** All under which a person has a ticket of a call that goes on, or is in it. */
export async function pseudonymsOf(
  db: Db,
  user: UserId,
): Promise<{ conference: ConferenceId; participant: ParticipantId }[]> {
  return db.selectFrom('call_pseudonyms').select(['conference', 'participant']).where('user_id', '=', user).execute();
}

/** Who of this domain is in a conference, as the SFT said last. */
export async function presentIn(db: Db, conference: ConferenceId) {
  const rows = await db
    .selectFrom('call_pseudonyms')
    .select(['participant', 'user_id'])
    .where('conference', '=', conference)
    .where('present', '=', 1)
    .orderBy('issued_at')
    .execute();
  return rows.map(({ participant, user_id }) => ({ participant, user: user_id }));
}

async function markPresent(tx: Db, conference: ConferenceId, participants: readonly ParticipantId[]): Promise<void> {
  const known = tx.updateTable('call_pseudonyms').where('conference', '=', conference);
  await known.set({ present: 0 }).where('present', '=', 1).execute();
  if (participants.length > 0) await known.set({ present: 1 }).where('participant', 'in', participants).execute();
}

async function nextSeq(tx: Db, conference: ConferenceId, domain: DomainName): Promise<number> {
  const row = await tx
    .selectFrom('call_presence')
    .select('seq')
    .where('conference', '=', conference)
    .where('domain', '=', domain)
    .executeTakeFirst();
  return (row?.seq ?? 0) + 1;
}

async function writeSeq(tx: Db, conference: ConferenceId, domain: DomainName, seq: number): Promise<void> {
  await tx
    .insertInto('call_presence')
    .values({ conference, domain, seq })
    .onConflict((c) => c.columns(['conference', 'domain']).doUpdateSet({ seq }))
    .execute();
}

function sameKeys(a: readonly { participant: string }[], b: readonly { participant: string }[]): boolean {
  const known = new Set(a.map(({ participant }) => participant));
  return a.length === b.length && b.every(({ participant }) => known.has(participant));
}
