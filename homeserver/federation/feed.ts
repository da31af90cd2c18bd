/**
 * The hub's part of the feed: what goes to a group is delivered to every domain that has devices in it, in the order of this hub's
 * queue. An entry is sent at once where nothing is under way to the domain, and with all others that came meanwhile where something
 * is. What a domain says it has, it is not sent again; where it says less than before, it was restored and gets the rest once more.
 */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { Feed, FeedAnswer, FeedEntry } from '#signalling/federation-feed.ts';
import { type DomainName, domainOf, type GroupId, type RoomId } from '#signalling/ids.ts';
import { afterCommit } from '../store/after-commit.ts';
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import { TooMuch } from './errors.ts';
import { type Batch, nextBatch } from './feed-batch.ts';
import { DOMAIN_BOUNDS, type DroppedMessage, dropSome, type FeedBounds } from './feed-overflow.ts';
import { FeedProgress } from './feed-progress.ts';
import { oldestAt, pileOf } from './feed-table.ts';
import {
  follow,
  followersOf,
  forgetFollower,
  type Moves,
  openFollowings,
  progressOfAll,
  storeProgress,
  unfollow,
  writeMoves,
} from './followings.ts';
import { Lanes, type Outcome } from './lanes.ts';
import { enqueueFollowed, settle } from './outbox-table.ts';
import type { Waiting } from './status.ts';

export interface FeedsOptions {
  readonly store: Store;
  readonly writer: Writer;
  readonly world: World;
  /** Name of the order of positions: `Queues.id`. */
  readonly order: string;
  readonly isAllowed: (domain: DomainName) => boolean;
  /** @throws HawserError whatever it is, the rest waits and is sent again */
  readonly send: (domain: DomainName, feed: Feed) => Promise<FeedAnswer>;
  /** Something of these groups may not be needed any more. */
  readonly mayForget: (groups: Iterable<GroupId>) => void;
  /** Messages that a domain does not get, because it was away for too long; in the transaction in which that is settled. */
  readonly onDropped?: (tx: Db, domain: DomainName, messages: readonly DroppedMessage[]) => Promise<void>;
  /** So many messages of others have come to a domain. */
  readonly onDelivered?: (domain: DomainName, messages: number) => void;
  /** A domain has less than it said, and there is something to be told to it by the outbox. */
  readonly onRestored?: (domain: DomainName) => void;
  readonly bounds?: FeedBounds;
  readonly onFault: (error: unknown) => void;
}

/** For the administrator. Times are ms since 1970. */
export interface FeedState {
  readonly domain: DomainName;
  /** Entries that the domain does not have yet. */
  readonly waiting: number;
  /** When the oldest of them was taken. */
  readonly oldestAt: number | undefined;
  /** Since when the domain takes nothing, and why the last attempt failed. */
  readonly since: number | undefined;
  readonly lastFailure: ErrorCode | undefined;
}

/** An entry of a group, and which domains it concerns more than by being sent to them. */
export interface Told {
  readonly group: GroupId;
  readonly conversation: RoomId;
  /** Of the entry. */
  readonly position: number;
  readonly moves: ReadonlyMap<DomainName, Moves>;
  /** Domains that have devices in the group behind the entry. For any other one it is the last. */
  readonly staying: ReadonlySet<DomainName>;
  /** People are out by it: a domain that was forgotten before, because it is refused, is told if it is allowed again. */
  readonly isFarewell?: boolean;
}

/** What was acknowledged is written after this time; what a crash loses of it is only sent again. ms */
const WRITE_MS = 500;

export class Feeds {
  readonly #options: FeedsOptions;
  readonly #lanes: Lanes;
  readonly #progress = new Map<DomainName, FeedProgress>();
  readonly #followers = new Map<GroupId, Set<DomainName>>();
  /** Groups of which something has arrived since it was last written down. */
  #arrived = new Set<GroupId>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(options: FeedsOptions) {
    const { world, onFault } = options;
    this.#options = options;
    this.#lanes = new Lanes({ world, onFault, work: (domain) => this.#work(domain) });
  }

  static async open(options: FeedsOptions): Promise<Feeds> {
    const feeds = new Feeds(options);
    const { db } = options.store;
    for (const { domain, group } of await openFollowings(db)) feeds.#follows(domain, group);
    for (const { domain, acknowledged, dropped } of await progressOfAll(db)) {
      const progress = new FeedProgress(acknowledged, dropped);
      feeds.#progress.set(domain, progress);
      await feeds.#count(domain, progress);
    }
    return feeds;
  }

  /** Goes on with what an earlier process left. */
  start(): void {
    for (const domain of this.#progress.keys()) this.wake(domain);
  }

  /** To be told by the queues of every entry for a group that is on disk, in the order of positions. */
  committed(group: string, position: number, length: number): void {
    for (const domain of this.#followers.get(group as GroupId) ?? []) this.#wrote(domain, position, length);
  }

  /** In the transaction that makes a group: the domain of its first device follows it from the beginning. */
  async follow(tx: Db, domain: DomainName, group: GroupId, conversation: RoomId): Promise<void> {
    await follow(tx, { domain, group, conversation }, 0);
    afterCommit(tx, () => this.#follows(domain, group));
  }

  /** In the transaction of an entry of a group: who comes by it, who goes. */
  async tell(tx: Db, { group, conversation, position, moves, staying, isFarewell = false }: Told): Promise<void> {
    const followers = await followersOf(tx, group);
    for (const [domain, { joined = [], left = [] }] of moves) {
      if (followers.has(domain) || (joined.length === 0 && !(isFarewell && left.length > 0))) continue;
      followers.add(domain);
      await follow(tx, { domain, group, conversation }, position - 1);
      afterCommit(tx, () => {
        this.#follows(domain, group);
        // When the entry itself was told of, the domain did not follow yet.
        this.#wrote(domain, position, 0);
      });
    }
    for (const domain of followers) {
      const besides = moves.get(domain);
      if (besides) await writeMoves(tx, domain, position, besides);
      if (staying.has(domain)) continue;
      await unfollow(tx, domain, group, position);
      afterCommit(tx, () => this.#unfollows(domain, group));
    }
  }

  /** There may be something for the domain. A domain that failed is left alone for its time. */
  wake(domain: DomainName): void {
    if (this.#progress.get(domain)?.isCaughtUp === false) this.#lanes.wake(domain);
  }

  /** The domain was heard of, or allowed again: no reason to wait any longer. */
  retryNow(domain: DomainName): void {
    this.#lanes.retryNow(domain);
    this.wake(domain);
  }

  /** The newest position that the feed of a domain reaches as of now. */
  async upTo(domain: DomainName): Promise<number> {
    const { acknowledged = 0, newest = 0 } = this.#progress.get(domain) ?? {};
    return Math.max(acknowledged, newest);
  }

  async state(): Promise<FeedState[]> {
    const states: FeedState[] = [];
    for (const [domain, { acknowledged: after, dropped, waiting, trouble }] of this.#progress) {
      const oldest = waiting > 0 ? await oldestAt(this.#options.store.db, { domain, after, dropped }) : undefined;
      states.push({ domain, waiting, oldestAt: oldest, since: trouble?.since, lastFailure: trouble?.code });
    }
    return states;
  }

  /** What waits for each domain for which something does. */
  async waiting(): Promise<Waiting[]> {
    const states = await this.state();
    return states.flatMap(({ domain, waiting: count, oldestAt }) =>
      count === 0 || oldestAt === undefined ? [] : [{ domain, count, oldestAt }],
    );
  }

  /** How much waits for each domain. */
  depths(): { domain: DomainName; depth: number }[] {
    return [...this.#progress].map(([domain, { waiting }]) => ({ domain, depth: waiting }));
  }

  /**
   * The domain follows nothing any more, and gets nothing of what still waits for it but who of its devices is out: it is told that if it is
   * allowed again, or it would go on as if they were in.
   */
  async forget(domain: DomainName): Promise<void> {
    const groups = await this.#options.writer.run(async (tx) => {
      const { followed, newest } = await forgetFollower(tx, domain);
      afterCommit(tx, () => {
        this.#progress.delete(domain);
        for (const group of followed) this.#unfollows(domain, group);
        if (newest === undefined) return;
        const progress = new FeedProgress(0, 0);
        progress.wrote(newest, 0);
        progress.cursor = 0;
        this.#progress.set(domain, progress);
      });
      return followed;
    });
    this.#options.mayForget(groups);
    const progress = this.#progress.get(domain);
    if (progress) await this.#count(domain, progress);
  }

  /** Drops what is too old or too much for domains that are away. To be called now and then. */
  async sweep(): Promise<void> {
    const { store, writer, world, bounds = DOMAIN_BOUNDS, onDropped, mayForget } = this.#options;
    for (const [domain, progress] of this.#progress) {
      // What is under way may arrive.
      while (!progress.isCaughtUp && !this.#lanes.isRunning(domain) && !this.#lanes.isClosed) {
        const groups = await dropSome({ db: store.db, writer, domain, progress, bounds, now: world.now(), onDropped });
        if (groups.size === 0) break;
        mayForget(groups);
      }
    }
  }

  /** Writes how far the domains are, as far as that is not written yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const unwritten = [...this.#progress].filter(([, { isUnwritten }]) => isUnwritten);
    if (unwritten.length === 0) return;
    const arrived = this.#arrived;
    this.#arrived = new Set();
    for (const [, progress] of unwritten) progress.isUnwritten = false;
    try {
      await this.#options.writer.run(async (tx) => {
        for (const [domain, progress] of unwritten) {
          if (this.#progress.get(domain) === progress) await storeProgress(tx, { domain, ...progress });
        }
      });
    } catch (error) {
      for (const [, progress] of unwritten) progress.isUnwritten = true;
      for (const group of arrived) this.#arrived.add(group);
      throw error;
    }
    this.#options.mayForget(arrived);
  }

  /** Resolves when nothing goes on. Nothing may be begun any more. */
  async close(): Promise<void> {
    await this.#lanes.close();
    await this.flush();
  }

  async #work(domain: DomainName): Promise<Outcome> {
    const { store, order, isAllowed, send } = this.#options;
    let setbacks = 0;
    let hasArrived = false;
    while (!this.#lanes.isClosed) {
      const progress = this.#progress.get(domain);
      if (!progress || progress.isCaughtUp || !isAllowed(domain)) return 'done';
      const { cursor: after, dropped, acknowledged, newest } = progress;
      const batch = await nextBatch(store.db, { domain, after, dropped }, acknowledged, newest, order);
      if (!batch) {
        progress.foundNothing(newest);
        continue;
      }
      const received = await send(domain, batch.feed).then(
        (answer) => answer.received,
        (error: unknown) => {
          // As long as some of it arrives there is no trouble.
          if (!(error instanceof TooMuch) || !hasArrived) this.#failed(progress, error);
          return error instanceof TooMuch ? error : undefined;
        },
      );
      if (received === undefined) return 'down';
      if (received instanceof TooMuch) return received;
      // Meanwhile it may have been forgotten.
      if (this.#progress.get(domain) !== progress) return 'done';
      for (const told of batch.told) await settle(store.db, told);
      const isFurther = await this.#received(domain, progress, batch, received);
      if (!isFurther) setbacks += 1;
      // It was restored once, which is well; whoever goes back again and again is left alone for a while.
      if (setbacks > 1) {
        this.#failed(progress, new HawserError('FED_EQUIVOCATED'));
        return 'down';
      }
      progress.trouble = undefined;
      hasArrived = true;
    }
    return 'done';
  }

  /** Takes over how far a domain says it is. False where that is not further than before. */
  async #received(domain: DomainName, progress: FeedProgress, batch: Batch, received: number): Promise<boolean> {
    const { feed, last, length } = batch;
    this.#writeSoon();
    if (received <= feed.after) {
      if (received === feed.after) return false;
      const { writer, world, onRestored } = this.#options;
      await writer.run((tx) => enqueueFollowed(tx, domain, world.now()));
      progress.goBack(received);
      await this.#count(domain, progress);
      onRestored?.(domain);
      return false;
    }
    // More than there is, nobody has.
    const position = Math.min(received, progress.newest);
    progress.received(position, feed.entries.length, length);
    if (position !== last && !progress.isCaughtUp) await this.#count(domain, progress);
    for (const { group } of feed.entries) this.#arrived.add(group);
    const delivered = feed.entries.filter((entry) => entry.position <= position && isMessageFor(domain, entry)).length;
    if (delivered > 0) this.#options.onDelivered?.(domain, delivered);
    return true;
  }

  #failed(progress: FeedProgress, error: unknown): void {
    const code = error instanceof HawserError ? error.code : 'SIG_INTERNAL';
    if (!(error instanceof HawserError)) this.#options.onFault(error);
    progress.trouble = { since: progress.trouble?.since ?? this.#options.world.now(), code };
  }

  #follows(domain: DomainName, group: GroupId): void {
    const followers = this.#followers.get(group) ?? new Set();
    this.#followers.set(group, followers.add(domain));
    if (!this.#progress.has(domain)) this.#progress.set(domain, new FeedProgress(0, 0));
  }

  #unfollows(domain: DomainName, group: GroupId): void {
    const followers = this.#followers.get(group);
    followers?.delete(domain);
    if (followers?.size === 0) this.#followers.delete(group);
  }

  #wrote(domain: DomainName, position: number, length: number): void {
    this.#progress.get(domain)?.wrote(position, length);
    this.wake(domain);
  }

  async #count(domain: DomainName, progress: FeedProgress): Promise<void> {
    const { acknowledged: after, dropped } = progress;
    progress.counted(await pileOf(this.#options.store.db, { domain, after, dropped }));
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => this.flush().catch(this.#options.onFault), WRITE_MS);
    this.#timer.unref();
  }
}

/** What a domain said itself only comes back to it. */
function isMessageFor(domain: DomainName, { kind, sender }: FeedEntry): boolean {
  return kind === 'message' && sender !== undefined && domainOf(sender) !== domain;
}
