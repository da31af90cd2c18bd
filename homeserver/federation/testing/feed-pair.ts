/** For tests: a hub and a follower, each with its own database, and a network between them that loses, repeats and turns around. */
import type { ErrorCode } from '#signalling/errors.ts';
import type { Statement } from '#signalling/federation.ts';
import type { Feed, FeedAnswer } from '#signalling/federation-feed.ts';
import { type ConversationId, type DeviceId, type GroupId, userOfDevice } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import type { NewEntry } from '../../qs/queue-table.ts';
import { Queues } from '../../qs/queues.ts';
import type { Db, Store } from '../../store/store.ts';
import { Writer } from '../../store/writer.ts';
import { domain, openTestStore, type TestWorld, testWorld } from '../../testing/world.ts';
import { Unreachable } from '../errors.ts';
import { Feeds, type FeedsOptions } from '../feed.ts';
import type { DroppedMessage, FeedBounds } from '../feed-overflow.ts';
import { FeedsTaken, type FeedsTakenOptions, type OwnMessage } from '../feed-taking.ts';
import type { Moves } from '../followings.ts';
import type { tellUndelivered } from '../undelivered.ts';

export const ALPHA = domain('alpha.example');
export const BETA = domain('beta.example');
export const ROOM = 'mimi://alpha.example/r/AAAAAAAAAAAAAAAA' as ConversationId;
export const GROUP = 'mimi://alpha.example/g/AAAAAAAAAAAAAAAA' as GroupId;
export const ALICE = 'mimi://alpha.example/u/alice/d/laptop' as DeviceId;
export const BOB = 'mimi://beta.example/u/bob/d/laptop' as DeviceId;
export const BOBS_PHONE = 'mimi://beta.example/u/bob/d/phone' as DeviceId;

interface Side {
  store: Store;
  writer: Writer;
  queues: Queues;
}

async function openSide(
  store: Store,
  world: TestWorld,
  onCommitted: (audience: string, at: number) => void,
  onLoud: () => void = () => undefined,
) {
  const writer = new Writer(store);
  const queues = await Queues.open({
    ...{ store, writer, world },
    onCommitted: (audience, { position }) => onCommitted(audience, position),
    onLoud,
    onFault: (error) => {
      throw error;
    },
  });
  return { store, writer, queues };
}

/** The conversation is known there, with Bob in it. Of its group nothing is, as when it is over: what is on its way of any group is taken. */
export async function knowRoom(tx: Db): Promise<void> {
  const room = { id: ROOM, title: 'Ropes', seq: 1, group_id: null, created_at: 0 };
  await tx.insertInto('conversations').values(room).execute();
  const bob = { user_id: userOfDevice(BOB), name: 'Bob', role: 'member' as const, position: 0 };
  await tx
    .insertInto('members')
    .values({ conversation_id: ROOM, ...bob })
    .execute();
}

export class FeedPair implements AsyncDisposable {
  readonly world = testWorld();
  hub: Side & { feeds: Feeds };
  follower: Side & { taken: FeedsTaken };
  /** What went over, in the order in which the follower got it. */
  readonly requests: Feed[] = [];
  readonly dropped: ErrorCode[] = [];
  readonly given: DroppedMessage[] = [];
  readonly own: OwnMessage[] = [];
  readonly statements: Statement[] = [];
  readonly faults: unknown[] = [];
  equivocated = 0;
  /** Messages that people of the follower are woken for. */
  loud = 0;
  bounds: FeedBounds | undefined;
  /** The way to the follower. */
  network: (feed: Feed) => Promise<FeedAnswer> = (feed) => this.deliver(feed);
  accept: (statement: Statement) => Promise<Statement> = async (statement) => {
    this.statements.push(statement);
    return statement;
  };
  ownMessagesArrived: FeedsTakenOptions['ownMessagesArrived'] = async (_tx, messages) => {
    this.own.push(...messages);
  };
  isAllowed = true;
  tellsDropped: typeof tellUndelivered | undefined;

  private constructor(hub: FeedPair['hub'], follower: FeedPair['follower']) {
    this.hub = hub;
    this.follower = follower;
  }

  static async open(): Promise<FeedPair> {
    const nothing = undefined as never;
    const pair = new FeedPair(nothing, nothing);
    await pair.openHub(await openTestStore());
    await pair.openFollower(await openTestStore());
    await pair.follower.writer.run(async (tx) => {
      for (const device of [BOB, BOBS_PHONE]) await pair.follower.queues.create(tx, device);
      await knowRoom(tx);
    });
    return pair;
  }

  async openHub(store: Store): Promise<void> {
    const side = await openSide(store, this.world, (audience, at) => this.hub.feeds.committed(audience, at, 10));
    const options: FeedsOptions = {
      ...{ store, writer: side.writer, world: this.world, order: side.queues.id },
      isAllowed: () => this.isAllowed,
      send: (_domain, feed) => this.network(feed),
      mayForget: (groups) => side.queues.mayForget(groups),
      onDropped: async (tx, domain, messages) => {
        this.given.push(...messages);
        await this.tellsDropped?.(tx, side.queues, domain, messages, this.world.now());
      },
      ...(this.bounds && { bounds: this.bounds }),
      onFault: (error) => void this.faults.push(error),
    };
    this.hub = { ...side, feeds: await Feeds.open(options) };
  }

  async openFollower(store: Store): Promise<void> {
    const side = await openSide(
      store,
      this.world,
      () => undefined,
      () => {
        this.loud += 1;
      },
    );
    const taken = await FeedsTaken.open({
      ...{ ...side, world: this.world, domain: BETA },
      accept: (_hub, statement) => this.accept(statement),
      ownMessagesArrived: (tx: Db, messages) => this.ownMessagesArrived?.(tx, messages) ?? Promise.resolve(),
      onDropped: (_hub, code) => this.dropped.push(code),
      onEquivocated: () => {
        this.equivocated += 1;
      },
    });
    this.follower = { ...side, taken };
  }

  deliver(feed: Feed): Promise<FeedAnswer> {
    // As it comes out of the wire.
    const parsed = JSON.parse(JSON.stringify(feed)) as Feed;
    this.requests.push(parsed);
    return this.follower.taken.take(ALPHA, parsed);
  }

  /** The process ends, after everything was written that was begun, and begins anew on the same database. */
  async restartHub(): Promise<void> {
    const { store } = this.hub;
    await this.closeHub();
    await this.openHub(store);
    this.hub.feeds.start();
  }

  async restartFollower(): Promise<void> {
    const { store } = this.follower;
    await this.closeFollower();
    await this.openFollower(store);
  }

  async closeHub(): Promise<void> {
    await this.hub.feeds.close();
    await this.hub.queues.close();
    await this.hub.writer.idle();
  }

  async closeFollower(): Promise<void> {
    this.follower.taken.close();
    await this.follower.queues.close();
    await this.follower.writer.idle();
  }

  /** Nothing answers. */
  cut(): void {
    this.network = () => Promise.reject(new Unreachable([BETA]));
  }

  heal(): void {
    this.network = (feed) => this.deliver(feed);
    this.hub.feeds.retryNow(BETA);
  }

  /** Writes an entry at the hub, with what is told of it. Returns its position. */
  write(entry: Partial<NewEntry> = {}, moves?: Moves, isLast = false): Promise<number> {
    return this.hub.writer.run(async (tx) => {
      const { position } = await this.hub.queues.append(tx, {
        ...({ audience: GROUP, kind: 'message', sender: ALICE, payload: '', at: this.world.now() } as const),
        ...{ id: '1', ...entry },
      });
      if (moves || isLast) {
        const group = (entry.audience ?? GROUP) as GroupId;
        await this.hub.feeds.tell(tx, {
          ...{ group, conversation: ROOM, position, moves: new Map(moves ? [[BETA, moves]] : []) },
          staying: new Set(isLast ? [] : [BETA]),
        });
      }
      return position;
    });
  }

  say(payload: string, entry: Partial<NewEntry> = {}): Promise<number> {
    return this.write({ payload, ...entry });
  }

  /** A device of beta is added by somebody: a commit that it does not get, and a Welcome. */
  join(device = BOB, audience = GROUP): Promise<number> {
    return this.write({ kind: 'commit', payload: COMMIT, id: 'request', audience }, { joined: [device] });
  }

  leave(device = BOB, isLast = true): Promise<number> {
    return this.write({ kind: 'commit', payload: COMMIT, id: 'request' }, { left: [device] }, isLast);
  }

  /** People are out, whose domain may have been forgotten before. */
  farewell(entry: Omit<NewEntry, 'at'>, device: DeviceId): Promise<void> {
    return this.hub.writer.run(async (tx) => {
      const { position } = await this.hub.queues.append(tx, { ...entry, at: this.world.now() });
      const moves = new Map([[BETA, { left: [device] }]]);
      const about = { group: GROUP, conversation: ROOM, position, moves, staying: new Set<typeof BETA>() };
      await this.hub.feeds.tell(tx, { ...about, isFarewell: true });
    });
  }

  /** What waits for a device of beta. */
  async got(device = BOB): Promise<string[]> {
    return (await this.entries(device)).map(({ payload }) => payload);
  }

  async entries(device = BOB): Promise<Entry[]> {
    const all: Entry[] = [];
    for (;;) {
      const some = await this.follower.queues.waiting(device, all.at(-1)?.position ?? 0);
      if (some.length === 0) return all;
      all.push(...some);
    }
  }

  /** What the hub keeps. */
  async kept(): Promise<string[]> {
    await this.hub.feeds.flush();
    await this.hub.queues.sweep();
    const rows = await this.hub.store.db.selectFrom('entries').select('payload').orderBy('position').execute();
    return rows.map(({ payload }) => payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeHub();
    await this.closeFollower();
    await this.hub.store.close();
    await this.follower.store.close();
  }
}

/** Of which nothing is read here. */
export const COMMIT = 'Y29tbWl0';
