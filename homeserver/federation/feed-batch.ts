/**
 * One request of a feed: as many entries as fit, and in front of them the newest states of their conversations, where the other side
 * does not have them yet. Whoever joins by an entry is known there before.
 */
import type { Statement } from '#signalling/federation.ts';
import { type Feed, type FeedEntry, MAX_FED, MAX_FEED_LENGTH } from '#signalling/federation-feed.ts';
import { type ConversationId, conversationIn, type DomainName } from '#signalling/ids.ts';
import { load } from '../ds/repository.ts';
import type { Db } from '../store/store.ts';
import { type Range, type Sized, sizesUpTo, type WaitingRow, waitingUpTo } from './feed-table.ts';
import type { Moves } from './followings.ts';
import { type StoredEntry, statementsWaiting } from './outbox-table.ts';

export interface Batch {
  readonly feed: Feed;
  /** Of the outbox, which the statements in it settle. */
  readonly told: readonly StoredEntry[];
  /** Position of the last entry. */
  readonly last: number;
  /** Characters of payloads. */
  readonly length: number;
}

/** Bytes of statements in one request, unless it is a single one: that may be as large as its schema allows. */
const MAX_STATEMENT_BYTES = 1024 * 1024;
/** Positions that are looked at in one query: between two entries for a domain may be a million for others. */
const WINDOW = 20_000;
/** Of so few positions the entries are read at once, without first asking how long they are: 2 MiB each at most. */
const FEW = 8;

/**
 * @param range `after` may be further than what the other side has, where nothing for it is in between
 * @param acknowledged what the other side has
 * @param upTo of the newest entry for it
 * @returns undefined where there is nothing
 */
export async function nextBatch(
  db: Db,
  range: Range,
  acknowledged: number,
  upTo: number,
  order: string,
): Promise<Batch | undefined> {
  for (let { after } = range; after < upTo; after += WINDOW) {
    const end = Math.min(upTo, after + WINDOW);
    const read = end - after <= FEW ? await waitingUpTo(db, { ...range, after }, end) : undefined;
    const fitting = longestOf(read?.map(sizedOf) ?? (await sizesUpTo(db, { ...range, after }, end, MAX_FED)));
    if (fitting.length === 0) continue;
    const { statements, told, entries } = await withStatements(db, range.domain, fitting);
    const last = entries.at(-1)?.position ?? after;
    const rows = read?.slice(0, entries.length) ?? (await waitingUpTo(db, { ...range, after }, last));
    const length = rows.reduce((sum, { payload }) => sum + payload.length, 0);
    return { feed: { order, after: acknowledged, statements, entries: rows.map(entryOf) }, told, last, length };
  }
  return undefined;
}

function sizedOf({ position, conversation, payload, moves }: WaitingRow): Sized {
  return { position, conversation, length: payload.length + (moves?.length ?? 0) };
}

/** The longest beginning that fits into one request; one entry at least. Pure. */
export function longestOf(sizes: readonly Sized[]): readonly Sized[] {
  let length = 0;
  const end = sizes.findIndex((each, index) => {
    length += each.length;
    return index > 0 && length > MAX_FEED_LENGTH;
  });
  return end === -1 ? sizes : sizes.slice(0, end);
}

/** Where their statements are too long together, fewer entries go. */
async function withStatements(db: Db, domain: DomainName, sizes: readonly Sized[]) {
  const about = [...new Set(sizes.map(({ conversation }) => conversationIn(conversation)))];
  const statements: Statement[] = [];
  const told: StoredEntry[] = [];
  let bytes = 0;
  const untold = await statementsWaiting(db, domain, about);
  // In the order of the entries, so that those in front are the ones that go.
  const inOrder = untold.toSorted((a, b) => placeOf(about, a) - placeOf(about, b));
  for (const waiting of inOrder) {
    const conversation = waiting.subject as ConversationId;
    const statement = await load(db, conversation);
    if (!statement) continue;
    bytes += Buffer.byteLength(JSON.stringify(statement));
    if (statements.length > 0 && bytes > MAX_STATEMENT_BYTES) {
      const end = sizes.findIndex((each) => conversationIn(each.conversation) === conversation);
      return { statements, told, entries: sizes.slice(0, end) };
    }
    statements.push(statement);
    told.push(waiting);
  }
  return { statements, told, entries: sizes };
}

function placeOf(about: readonly ConversationId[], { subject }: StoredEntry): number {
  return (about as readonly string[]).indexOf(subject);
}

function entryOf(row: WaitingRow): FeedEntry {
  const { position, conversation, group, kind, at, sender, id, payload, is_quiet, moves } = row;
  if (!isForGroups(kind)) throw new Error(`an entry of kind ${kind} is for a single device`);
  const besides = moves === null ? undefined : (JSON.parse(moves) as Moves);
  return {
    ...{ position, conversation, group, kind, at },
    ...(sender !== null && { sender }),
    ...(id !== null && { id }),
    payload,
    ...(is_quiet === 1 && { quiet: true }),
    ...(besides?.joined && { joined: [...besides.joined] }),
    ...(besides?.welcome !== undefined && { welcome: besides.welcome }),
    ...(besides?.left && { left: [...besides.left] }),
  };
}

function isForGroups(kind: WaitingRow['kind']): kind is FeedEntry['kind'] {
  return kind === 'message' || kind === 'commit' || kind === 'proposal' || kind === 'notice';
}
