/** One conversation with thousands of members of a domain that is blocked: the hub's real group, taken apart in bounded parts. */
import { setImmediate as breathe } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type PublicGroup, pendingIn } from '#mls/public-group.ts';
import { Crowd } from '#mls/testing/crowd.ts';
import { TestHub } from '#mls/testing/hub.ts';
import { GROUP, START } from '#mls/testing/world.ts';
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, domainOf, type RoomId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import { created } from '../ds/conversation.ts';
import { devicesIn, devicesOf, insertGroup, loadGroup } from '../ds/group-table.ts';
import { Groups } from '../ds/groups.ts';
import { openHubSigner, type PublicSigner } from '../ds/hub-signer.ts';
import { Journal } from '../ds/journal.ts';
import { load } from '../ds/repository.ts';
import { openTestStore, testWorld, until, user } from '../testing/world.ts';
import { find, underWay } from './parting-table.ts';
import { Partings } from './partings.ts';
import { ALPHA, BETA, FeedPair } from './testing/feed-pair.ts';

const conversation = 'mimi://alpha.example/r/AAAAAAAAAAAAAAAA' as ConversationId;
const MEMBERS = 3_000;
const DEVICES = 164;
const OURS = 4;
const THEIRS = DEVICES - OURS;
/** What is written in one transaction. */
const MOST = 64;

const world = { ...testWorld(), now: () => START };
const text64 = (data: Uint8Array) => Buffer.from(data).toString('base64url');

let pair: FeedPair;
let hub: TestHub;
let signer: PublicSigner;
let crowd: Crowd;
/** As it is before each test. */
let group: PublicGroup;
let journal: Journal;
let groups: Groups;
let partings: Partings;
/** Proposals in each transaction, and the moments of others between them. */
let written: number[];
let moments: number[];
let passed: number;
/** Transactions with proposals until the process ends; no end where it is undefined. Of one that has ended nothing comes any more. */
let life: { left?: number };
/** What each of the next transactions with proposals fails with, if at all. */
let failures: (Error | undefined)[];

beforeAll(async () => {
  const store = await openTestStore();
  signer = await openHubSigner(store.db);
  await store.close();
  hub = await TestHub.make(signer);
  crowd = await Crowd.gather(hub, DEVICES, 4, (index) => index >= OURS);
  group = await hub.begin(await crowd.parts());
}, 60_000);
beforeEach(async () => {
  [written, moments, passed, failures] = [[], [], 0, []];
  pair = await FeedPair.open();
  await start();
  const people = crowd.devices.map(({ id }) => userOfDevice(id));
  while (people.length < MEMBERS) people.push(user(`@one${people.length}@beta.example`));
  const [creator, ...others] = people.map((each) => ({ user: each, name: 'Somebody' }));
  if (!creator) throw new Error('nobody');
  await journal.change(conversation, () => created({ conversation, title: 'Ropes', creator, others }));
  await journal.change(conversation, async (before, tx) => {
    if (!before) throw new Error('no conversation');
    await insertGroup(tx, conversation, group, START);
    for (const { id } of ours()) await pair.hub.queues.subscribe(tx, id, GROUP, 0);
    await pair.hub.feeds.follow(tx, BETA, GROUP, conversation);
    return { ...before, group: GROUP, seq: before.seq + 1 };
  });
});
afterEach(async () => {
  await partings.close();
  await groups.close();
  await pair[Symbol.asyncDispose]();
  expect(pair.faults).toEqual([]);
});

const ours = () => crowd.devices.slice(0, OURS);
const onFault = (error: unknown) => void pair.faults.push(error);

/** What a process has that starts. */
async function start(): Promise<void> {
  const { store, writer, queues, feeds } = pair.hub;
  const own: typeof life = {};
  life = own;
  journal = new Journal(store, ALPHA, world);
  const counted = {
    run: async <T>(work: Parameters<typeof writer.run<T>>[0]) => {
      if (own.left === 0) return new Promise<T>(() => undefined);
      if (own.left !== undefined) own.left -= 1;
      const failure = failures.shift();
      if (failure) throw failure;
      return writer.run(work);
    },
    idle: () => writer.idle(),
  };
  groups = new Groups({
    ...{ store, queues, journal, world, signer, onFault, domain: ALPHA, followers: feeds },
    writer: counted as typeof writer,
    credentials: hub.environment.credentials,
  });
  journal.join(groups.changing);
  journal.subscribe(groups.changed);
  const append = queues.appendAll.bind(queues);
  queues.appendAll = (tx, entries) => {
    if (entries[0]?.kind === 'proposal') {
      written.push(entries.length);
      moments.push(passed);
    }
    return append(tx, entries);
  };
  const options = {
    ...{ store, world, journal, queues, onFault, domain: ALPHA, forgetful: [feeds] },
    proposeGone: (each: RoomId) => groups.proposeGone(each),
    updateAtHub: () => Promise.reject(new Error('nobody is asked')),
    isListed: () => false,
    onAllowed: () => undefined,
    wakeOutbox: () => undefined,
  };
  partings = new Partings(options, await underWay(store.db));
}

const isOver = () => until(() => !partings.isUnderWay(BETA), 'parted', 20_000);
const kept = async (kind: 'proposal' | 'notice') =>
  pair.hub.store.db.selectFrom('entries').select('payload').where('kind', '=', kind).orderBy('position').execute();
const isTheirs = (id: UserId | (typeof crowd.devices)[number]['id']) => domainOf(id) === BETA;
/** Each device of theirs is proposed, and once. */
async function expectAllProposed(): Promise<void> {
  const now = await loadGroup(pair.hub.store.db, GROUP);
  const proposed = pendingIn(now).map(({ identity }) => identity.device);
  expect(new Set(proposed)).toEqual(new Set(devicesIn(now).filter(isTheirs)));
  expect(proposed).toHaveLength(THEIRS);
  expect(Object.keys(now.pending)).toHaveLength(THEIRS);
  expect(new Set((await kept('proposal')).map(({ payload }) => payload)).size).toBe(THEIRS);
  expect(await kept('proposal')).toHaveLength(THEIRS);
}

test('all are out by one number and one notice, and their devices are proposed some at a time', async () => {
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await breathe();
      passed += 1;
    }
  })();
  const before = await load(pair.hub.store.db, conversation);
  partings.begin(BETA);
  await isOver();
  isDone = true;
  await others;
  const after = await load(pair.hub.store.db, conversation);
  expect(before?.members).toHaveLength(MEMBERS);
  expect(after?.members).toHaveLength(OURS);
  expect(after?.seq).toBe((before?.seq ?? 0) + 1);
  const notices = await kept('notice');
  expect(notices.map(({ payload }) => parseNotice(payload)?.change)).toEqual([{ type: 'parted', domain: BETA }]);
  await expectAllProposed();
  expect(Math.max(...written)).toBeLessThanOrEqual(MOST);
  expect(written).toHaveLength(Math.ceil(THEIRS / MOST));
  // Others had a turn between any two of them.
  expect(new Set(moments).size).toBe(moments.length);
});

test('one commit takes all of them out', async () => {
  partings.begin(BETA);
  await isOver();
  for (const { payload } of await kept('proposal')) await crowd.take(new Uint8Array(Buffer.from(payload, 'base64url')));
  const { commit, groupInfo } = await crowd.obey();
  const [first] = ours();
  if (!first) throw new Error('nobody');
  const asker = { user: userOfDevice(first.id), device: first.id };
  const request = { id: 'all-of-them', commit: text64(commit), groupInfo: text64(groupInfo) };
  await groups.commit(asker, conversation, request);
  const now = await loadGroup(pair.hub.store.db, GROUP);
  expect(new Set(devicesIn(now))).toEqual(new Set(ours().map(({ id }) => id)));
  expect(new Set(await devicesOf(pair.hub.store.db, GROUP))).toEqual(new Set(ours().map(({ id }) => id)));
  expect(pendingIn(now)).toEqual([]);
});

test.each([0, 1, 2])('a process that ends after %i parts is gone on with by the next one', async (parts) => {
  life.left = parts;
  partings.begin(BETA);
  const wrote = parts * MOST;
  await until(async () => life.left === 0 && (await kept('proposal')).length === wrote, 'some are proposed');
  await until(async () => (await load(pair.hub.store.db, conversation))?.members.length === OURS, 'all are out');
  expect((await find(pair.hub.store.db, BETA))?.ended_at).toBeNull();
  await pair.restartHub();
  await start();
  expect(partings.isUnderWay(BETA)).toBe(true);
  await partings.start();
  expect(partings.isUnderWay(BETA)).toBe(false);
  await expectAllProposed();
  expect(await kept('notice')).toHaveLength(1);
});

test('a disk that is full after some of them holds the rest until it has room', async () => {
  const full = new HawserError('HOME_STORE_FULL');
  // At once, and once more when it is asked for what is left.
  failures = [undefined, full, full];
  partings.begin(BETA);
  await until(() => pair.faults.length === 2, 'it is told');
  expect(pair.faults.splice(0)).toEqual([full, full]);
  expect(partings.isUnderWay(BETA)).toBe(true);
  expect(await kept('proposal')).toHaveLength(MOST);
  await partings.sweep();
  expect(partings.isUnderWay(BETA)).toBe(false);
  await expectAllProposed();
});
