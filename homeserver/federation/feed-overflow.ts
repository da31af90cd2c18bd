/**
 * What happens where a domain stays away while much is written to it: the oldest messages go, never commits, and whoever sent them
 * can be told. So nothing grows without an end, whatever another organisation does.
 */
import type { DeviceId, DomainName, GroupId, RoomId } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { FeedProgress } from './feed-progress.ts';
import { oldestMessages, type WaitingMessage } from './feed-table.ts';
import { storeProgress } from './followings.ts';

export interface FeedBounds {
  /** Entries that wait for one domain. */
  readonly messages: number;
  /** Their payloads, characters of base64. */
  readonly length: number;
  /** Of a message that waits, ms. */
  readonly age: number;
}

const DAY = 24 * 3_600_000;
export const DOMAIN_BOUNDS: FeedBounds = { messages: 500_000, length: 1024 ** 3, age: 7 * DAY };
/** Ages are looked at once an hour, so that a group is told of some messages at a time and not of each. ms */
const HOUR = 3_600_000;
/** Messages of one transaction. */
const PAGE = 1_000;

/** A message that one domain does not get. Its number is the sender's. */
export interface DroppedMessage {
  readonly device: DeviceId;
  readonly conversation: RoomId;
  readonly group: GroupId;
  readonly number: number;
}

export interface DropOptions {
  readonly db: Db;
  readonly writer: Writer;
  readonly domain: DomainName;
  readonly progress: FeedProgress;
  readonly bounds: FeedBounds;
  readonly now: number;
  readonly onDropped?: ((tx: Db, domain: DomainName, messages: readonly DroppedMessage[]) => Promise<void>) | undefined;
}

/** Drops what has to go, one page of it. @returns the groups of which something went; none where all may stay */
export async function dropSome(options: DropOptions): Promise<ReadonlySet<GroupId>> {
  const { db, writer, domain, progress, onDropped } = options;
  const { acknowledged: after, dropped } = progress;
  const oldest = await oldestMessages(db, { domain, after: Math.max(after, dropped), dropped }, PAGE);
  const going = tooMany(oldest, options);
  const last = going.at(-1);
  if (!last) return new Set();
  await writer.run(async (tx) => {
    await onDropped?.(tx, domain, going.flatMap(messageOf));
    await storeProgress(tx, { domain, acknowledged: progress.acknowledged, dropped: last.position });
  });
  progress.dropped = last.position;
  progress.waiting = Math.max(0, progress.waiting - going.length);
  progress.length = Math.max(0, progress.length - going.reduce((sum, { length }) => sum + length, 0));
  return new Set(going.map(({ group }) => group));
}

/** Those in front that are too old, or more than fit. Pure. */
export function tooMany(
  oldest: readonly WaitingMessage[],
  { progress, bounds, now }: Pick<DropOptions, 'progress' | 'bounds' | 'now'>,
): readonly WaitingMessage[] {
  let [count, length] = [progress.waiting, progress.length];
  const before = now - (now % HOUR) - bounds.age;
  const end = oldest.findIndex((message) => {
    const isTooMuch = count > bounds.messages || length > bounds.length;
    count -= 1;
    length -= message.length;
    return !isTooMuch && message.at >= before;
  });
  return end === -1 ? oldest : oldest.slice(0, end);
}

function messageOf({ device, conversation, group, id }: WaitingMessage): DroppedMessage[] {
  return device === null ? [] : [{ device, conversation, group, number: Number(id) }];
}
