/**
 * The follower's part of the feed: takes over what a hub delivers, in one transaction with how far it has it. So each entry is taken once,
 * however often it is sent. What cannot be taken for good is left out and told of, and holds nothing behind it; where the disk is
 * full nothing is taken, and the hub sends it again.
 */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { Statement } from '#signalling/federation.ts';
import type { Feed, FeedAnswer, FeedEntry } from '#signalling/federation-feed.ts';
import {
  type ConversationId,
  conversationIn,
  type DeviceId,
  type DomainName,
  type GroupId,
  type UserId,
} from '#signalling/ids.ts';
import type { Queues } from '../qs/queues.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import { groupsOf } from './feed-groups.ts';
import { digestOf, type Judged, judge } from './feed-judge.ts';
import { admittedBy, FormerMembers } from './feed-members.ts';
import { forgetTaken, newestTaken, type Recent, storeTaken, takenOf } from './feeds-taken-table.ts';
import { Reached } from './reached.ts';

/** A message of a device of this domain came back from the hub: it has its place in the order. */
export interface OwnMessage {
  readonly device: DeviceId;
  readonly conversation: ConversationId;
  readonly group: GroupId;
  /** The device's number of it. */
  readonly number: number;
  /** As the hub has it: the hub may lie. */
  readonly payload: string;
  /** In the queues of this domain. */
  readonly position: number;
  /** ms since 1970, when the hub took it. */
  readonly at: number;
}

export interface FeedsTakenOptions {
  readonly store: Store;
  readonly writer: Writer;
  readonly world: World;
  readonly domain: DomainName;
  readonly queues: Pick<Queues, 'appendAll' | 'subscribe' | 'unsubscribe' | 'among' | 'readers' | 'mayForget'>;
  /** Takes over what a hub states, as when it was told alone. @throws HawserError */
  readonly accept: (hub: DomainName, statement: Statement) => Promise<Statement>;
  /**
   * In the transaction, in the order in which they stand. What is written for the device of the last of them stands right behind it, where
   * nobody waits for it.
   */
  readonly ownMessagesArrived?: (tx: Db, messages: readonly OwnMessage[]) => Promise<void>;
  /** Whether a request of the device waits for its message, so that nothing is written for it. Saves a statement for each. */
  readonly isAwaited?: (message: Pick<OwnMessage, 'device' | 'conversation' | 'number'>) => boolean;
  /** So many messages of others have come from a hub. */
  readonly onMessages?: (hub: DomainName, messages: number) => void;
  /** An entry or a statement was left out for good. */
  readonly onDropped: (hub: DomainName, code: ErrorCode) => void;
  /** The hub said something else under a position than before. Nothing of it was taken. */
  readonly onEquivocated: (hub: DomainName) => void;
}

/** In the queues of this domain, of whoever joined or left with an entry. */
interface Moving {
  readonly judged: Judged;
  readonly joined: readonly DeviceId[];
}

export class FeedsTaken {
  readonly #options: FeedsTakenOptions;
  readonly #reached: Reached;
  readonly #former = new FormerMembers();

  private constructor(options: FeedsTakenOptions, reached: Reached) {
    this.#options = options;
    this.#reached = reached;
  }

  static async open(options: FeedsTakenOptions): Promise<FeedsTaken> {
    return new FeedsTaken(options, new Reached(await newestTaken(options.store.db)));
  }

  /** @throws HawserError HOME_STORE_UNAVAILABLE, HOME_STORE_FULL, or a fault: nothing was taken */
  async take(hub: DomainName, feed: Feed): Promise<FeedAnswer> {
    for (const statement of feed.statements) await this.#accept(hub, statement);
    const { answer, complaints } = await this.#options.writer.run((tx) => this.#take(tx, hub, feed));
    for (const complain of complaints) complain();
    return answer;
  }

  /**
   * Whether the feed of a hub is here up to a position of that hub, in time.
   * @param timeoutMs how long to wait for it
   */
  reached(hub: DomainName, position: number, timeoutMs: number): Promise<boolean> {
    return this.#reached.wait(hub, position, timeoutMs);
  }

  /** A statement of the hub took people of this domain out: what was before that may still be on its way. */
  noteGone(conversation: ConversationId, users: Iterable<UserId>): void {
    this.#former.note(conversation, users, this.#options.world.now());
  }

  /** As if the hub had never delivered anything. */
  async forget(hub: DomainName): Promise<void> {
    await this.#options.writer.run(async (tx) => {
      await forgetTaken(tx, hub);
      afterCommit(tx, () => this.#reached.forget(hub));
    });
  }

  /** Nobody waits any more. */
  close(): void {
    this.#reached.close();
  }

  async #accept(hub: DomainName, statement: Statement): Promise<void> {
    try {
      await this.#options.accept(hub, statement);
    } catch (error) {
      if (!(error instanceof HawserError) || error.retry) throw error;
      this.#options.onDropped(hub, error.code);
    }
  }

  async #take(tx: Db, hub: DomainName, { order, after, entries }: Feed) {
    const { world, onMessages, onDropped, onEquivocated } = this.#options;
    const known = await takenOf(tx, hub, order);
    const complaints: (() => void)[] = [];
    const answer = (received: number) => ({ answer: { received }, complaints });
    // This homeserver was restored, or the hub was: it has to say more.
    if (after > known.received) {
      afterCommit(tx, () => this.#reached.set(hub, known.received));
      return answer(known.received);
    }
    const recent = new Map<number, string>();
    const fresh: FeedEntry[] = [];
    let received = known.received;
    for (const entry of entries) {
      if (entry.position > received) {
        received = entry.position;
        fresh.push(entry);
        recent.set(entry.position, digestOf(entry));
      } else if (isAnother(entry, recent, known.recent)) complaints.push(() => onEquivocated(hub));
      else if (entry.position <= known.received) keep(known.recent, recent, entry.position);
      // Out of its order.
      else if (!recent.has(entry.position)) complaints.push(() => onDropped(hub, 'SIG_SCHEMA'));
    }
    if (received === known.received) return answer(received);
    const judge = { own: this.#options.domain, hub, now: world.now() };
    const drop = (code: ErrorCode) => void complaints.push(() => onDropped(hub, code));
    const judged = judgeAll(fresh, judge, drop);
    await this.#write(tx, judged, drop);
    await storeTaken(tx, hub, order, { received, recent }, world.now());
    const messages = judged.filter(({ given, ownNumber }) => given.kind === 'message' && ownNumber === undefined);
    afterCommit(tx, () => {
      this.#reached.set(hub, received);
      if (messages.length > 0) onMessages?.(hub, messages.length);
    });
    return answer(received);
  }

  /** Entries go in together, up to one behind which something else has to stand. */
  async #write(tx: Db, judged: readonly Judged[], drop: (code: ErrorCode) => void): Promise<void> {
    const { queues, world } = this.#options;
    const groups = [...new Set(judged.map(({ given }) => given.group))];
    const readers = await queues.readers(tx, groups);
    const belongs = await groupsOf(tx, judged, readers);
    const all = judged.filter((each) => belongs(each) || drop('FED_FOREIGN'));
    const known = await queues.among(tx, [...new Set(all.flatMap(({ joined }) => joined))]);
    const admits = await admittedBy(tx, all, (...person) => this.#former.has(...person, world.now()));
    const unread = new Set<GroupId>();
    let together: Moving[] = [];
    for (const judged of all) {
      const { given, left, ownNumber } = judged;
      const inside = readers.get(given.group) ?? new Set();
      // Told again, after the hub was restored, it changes nothing: the stay that goes on is the longer one.
      const coming = judged.joined.filter(
        (device) => known.has(device) && (!inside.has(device) || left.includes(device)),
      );
      const joined = coming.filter((device) => admits(judged, device));
      // The entry is for the others all the same.
      if (joined.length < coming.length) drop('MLS_NOT_ADMITTED');
      if (inside.size === 0 && joined.length === 0) {
        if (ownNumber === undefined) continue; // nobody of this domain reads it
        unread.add(given.group);
      }
      together.push({ judged, joined });
      if (joined.length === 0 && left.length === 0 && !this.#isAnsweredInQueue(judged)) continue;
      await this.#append(tx, together);
      together = [];
      for (const device of left) inside.delete(device);
      for (const device of joined) inside.add(device);
      readers.set(given.group, inside);
    }
    await this.#append(tx, together);
    if (unread.size > 0) afterCommit(tx, () => queues.mayForget(unread));
  }

  /** @param together somebody joins or leaves by the last of them at most */
  async #append(tx: Db, together: readonly Moving[]): Promise<void> {
    const { queues, ownMessagesArrived } = this.#options;
    const last = together.at(-1);
    if (!last) return;
    const written = await queues.appendAll(
      tx,
      together.map(({ judged }) => judged.entry),
    );
    const { given, left, welcome } = last.judged;
    const position = written.at(-1)?.position ?? 0;
    for (const device of left) await queues.unsubscribe(tx, device, given.group, position);
    for (const device of last.joined) {
      // Its own commit is the answer for a device that joined by itself and got none.
      await queues.subscribe(tx, device, given.group, device === given.sender ? position - 1 : position);
    }
    if (welcome) {
      const to = last.joined.filter((device) => device !== given.sender);
      const { group } = given;
      const { at } = last.judged.entry;
      await queues.appendAll(
        tx,
        to.map((audience) => ({ audience, kind: 'welcome' as const, group, ...welcome, at })),
      );
    }
    const own = together.flatMap(({ judged }, index) => ownMessageOf(judged, written[index]?.position ?? 0));
    if (own.length > 0) await ownMessagesArrived?.(tx, own);
  }

  #isAnsweredInQueue({ given: { sender: device, conversation: room }, ownNumber: number }: Judged): boolean {
    const conversation = conversationIn(room);
    const { isAwaited, ownMessagesArrived } = this.#options;
    if (!ownMessagesArrived || device === undefined || number === undefined) return false;
    return isAwaited?.({ device, conversation, number }) !== true;
  }
}

function ownMessageOf({ given, ownNumber: number, entry: { at } }: Judged, position: number): OwnMessage[] {
  const { sender: device, group, payload } = given;
  const conversation = conversationIn(given.conversation);
  if (number === undefined || device === undefined) return [];
  return [{ device, conversation, group, number, payload, position, at }];
}

/** Whether something else stood under its position when that was taken, as far as that is still known. */
function isAnother(entry: FeedEntry, taken: Recent, before: Recent): boolean {
  const held = taken.get(entry.position) ?? before.get(entry.position);
  return held !== undefined && held !== digestOf(entry);
}

function keep(before: Recent, recent: Map<number, string>, position: number): void {
  const held = before.get(position);
  if (held !== undefined) recent.set(position, held);
}

function judgeAll(
  entries: readonly FeedEntry[],
  by: Parameters<typeof judge>[1],
  onDropped: (code: ErrorCode) => void,
): Judged[] {
  return entries.flatMap((entry) => {
    const judged = judge(entry, by);
    if (typeof judged !== 'string') return [judged];
    onDropped(judged);
    return [];
  });
}
