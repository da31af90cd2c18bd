import { afterEach, beforeEach, expect, test } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { Operation, Statement } from '#signalling/federation.ts';
import {
  type ConferenceId,
  type ConversationId,
  type DeviceId,
  domainOf,
  type GroupId,
  type UserId,
} from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import type { Change } from '../ds/changes.ts';
import { apply, created, type Looked, parted, toldTo } from '../ds/conversation.ts';
import { accept } from '../ds/follower.ts';
import { Hub } from '../ds/hub.ts';
import { Journal } from '../ds/journal.ts';
import { load, loadFor } from '../ds/repository.ts';
import { Queues } from '../qs/queues.ts';
import type { Store } from '../store/store.ts';
import { Writer } from '../store/writer.ts';
import { domain, openTestStore, testWorld, until, user } from '../testing/world.ts';
import { Outbox } from './outbox.ts';
import { enqueue } from './outbox-table.ts';
import { underWay } from './parting-table.ts';
import { Partings } from './partings.ts';

const [alpha, beta, gamma] = [domain('alpha.example'), domain('beta.example'), domain('gamma.example')];
const [alice, anna] = [user('@alice@alpha.example'), user('@anna@alpha.example')];
const [bob, carol] = [user('@bob@beta.example'), user('@carol@gamma.example')];
const world = testWorld();

let store: Store;
let journal: Journal;
let hub: Hub;
let queues: Queues;
let outbox: Outbox;
let partings: Partings;
let listed: Set<string>;
let changes: Change[];
let faults: unknown[];
let forgotten: string[];
/** What the hub of beta holds, and what our outbox told it of our own conversations. */
let theirs: Map<ConversationId, Statement>;
let told: Statement[];
/** Before each transaction of a parting. */
let trouble: () => void;
/** Of removing the devices from the group. */
let proposing: () => Promise<void>;

beforeEach(async () => {
  const opened = await openTestStore();
  [changes, faults, forgotten, theirs, told] = [[], [], [], new Map(), []];
  [listed, trouble] = [new Set<string>([beta, gamma]), () => undefined];
  proposing = async () => undefined;
  store = opened;
  journal = new Journal(store, alpha, world);
  journal.subscribe((change) => changes.push(change));
  hub = new Hub({
    ...{ db: store.db, domain: alpha, journal, world },
    mayReach: async () => true,
    localPerson: async (who) => ({ user: who, name: who === alice ? 'Alice' : 'Anna' }),
    others: {
      identify: async (of, handle) => ({ user: user(`@${handle}@${of}`), name: handle }),
      refusedBy: async () => [],
    },
  });
  queues = await Queues.open({ store, writer: new Writer(store), world, onFault: (error) => faults.push(error) });
  partings = await make();
  journal.join(async (_, { parted: other }) => {
    if (other !== undefined) trouble();
  });
});
afterEach(async () => {
  await partings.close();
  await outbox.close();
  await queues.close();
  await store.close();
});

/** What a process has that starts. */
async function make(): Promise<Partings> {
  const onFault = (error: unknown) => void faults.push(error);
  outbox = new Outbox({
    ...{ db: store.db, world, onFault },
    deliver: {
      conversation: async (to, subject) => {
        const state = await load(store.db, subject);
        if (state && listed.has(to)) told.push(toldTo(to, state));
      },
      departure: (_, subject) => partings.tell(subject),
      presence: async () => undefined,
      consent: async () => undefined,
      device: async () => undefined,
    },
    onGivenUp: (_, kind, code) => void faults.push(`${kind} ${code}`),
  });
  const options = {
    ...{ store, world, domain: alpha, journal, queues, onFault },
    proposeGone: () => proposing(),
    updateAtHub: async (_: string, conversation: ConversationId, operation: Operation) => {
      const state = apply(theirs.get(conversation) as Statement, alpha, operation as Looked, world.now());
      theirs.set(conversation, state);
      return state;
    },
    isListed: (other: string) => listed.has(other),
    forgetful: [{ forget: async (other: string) => void forgotten.push(other) }],
    onAllowed: () => undefined,
    wakeOutbox: (to: typeof beta) => outbox.wake(to),
  };
  return new Partings(options, await underWay(store.db));
}

const isOver = (other = beta) => until(() => !partings.isUnderWay(other), 'parted');
const block = (other = beta) => {
  listed.delete(other);
  partings.begin(other);
};
const membersOf = async (conversation: ConversationId) =>
  (await load(store.db, conversation))?.members.map(({ user: who, role }) => `${who} ${role}`);
const waiting = async () => store.db.selectFrom('outbox').select(['domain', 'kind']).execute();

/** A conversation of bob's with people of ours. */
async function fromBeta(letter: string, ...people: UserId[]): Promise<ConversationId> {
  const conversation = `mimi://beta.example/r/${letter.repeat(22)}` as ConversationId;
  const others = people.map((who) => ({ user: who, name: 'One of ours' }));
  const state = created({ conversation, title: 'Bights', creator: { user: bob, name: 'Bob' }, others });
  theirs.set(conversation, state);
  await accept(journal, alpha, beta, state);
  return conversation;
}

test('of an own conversation all people of the domain are out in one change, and one notice says so', async () => {
  const { conversation } = await hub.create(alice, 'Ropes', [bob, user('@ben@beta.example'), carol, anna]);
  changes.length = 0;
  block();
  await isOver();
  expect(await membersOf(conversation)).toEqual([`${alice} admin`, `${carol} member`, `${anna} member`]);
  expect(changes).toHaveLength(1);
  expect(changes[0]).toMatchObject({ parted: beta });
  // The others are told, and the domain itself is not.
  expect(await waiting()).toEqual([{ domain: gamma, kind: 'conversation' }]);
  expect(forgotten).toEqual([beta, beta]);
  expect(await partings.state()).toEqual([
    { domain: beta, begunAt: world.now(), conversations: 1, done: 1, endedAt: world.now() },
  ]);
  expect(faults).toEqual([]);
});

test('whoever is left administers, a call of theirs ends, and where nobody is left it is over', () => {
  const conversation = `mimi://${alpha}/r/${'a'.repeat(22)}` as ConversationId;
  const creator = { user: bob, name: 'Bob' };
  const others = [
    { user: carol, name: 'Carol' },
    { user: alice, name: 'Alice' },
  ];
  const state = created({ conversation, title: 'Ropes', creator, others });
  const conference = 'c'.repeat(22) as ConferenceId;
  const inCall = apply(state, beta, { type: 'startCall', actor: bob, conference }, 1);
  const left = parted(inCall, beta);
  expect(left.members.map(({ user: who, role }) => [who, role])).toEqual([
    [carol, 'admin'],
    [alice, 'member'],
  ]);
  expect(left).toMatchObject({ seq: inCall.seq + 1 });
  expect(left.call).toBeUndefined();
  const ownCall = apply(state, alpha, { type: 'startCall', actor: alice, conference }, 1);
  expect(parted(ownCall, beta).call).toMatchObject({ conference, startedBy: alice });
  expect(parted(left, beta)).toBe(left);
  expect(parted(parted(left, gamma), alpha).members).toEqual([]);
});

test('of a conversation of its hub ours are out, and their devices find it at its place', async () => {
  const conversation = await fromBeta('a', alice, anna);
  const group = `mimi://beta.example/g/${'g'.repeat(22)}` as GroupId;
  const device = `mimi://alpha.example/d/${'d'.repeat(22)}` as DeviceId;
  const state = { ...(theirs.get(conversation) as Statement), group, seq: 2 };
  theirs.set(conversation, state);
  await accept(journal, alpha, beta, state);
  await store.transaction((tx) => queues.subscribe(tx, device, group, 0));
  block();
  await isOver();
  expect(await membersOf(conversation)).toEqual([]);
  const [entry, ...more] = await queues.waiting(device, 0);
  expect(more).toEqual([]);
  expect(parseNotice(entry?.payload ?? '')).toEqual({
    conversation,
    change: { type: 'parted', domain: beta, over: true },
  });
  // Nothing that comes later is for them.
  await store.transaction((tx) =>
    queues.append(tx, { audience: group, kind: 'notice', payload: entry?.payload ?? '', at: 0 }),
  );
  expect(await queues.waiting(device, 0)).toHaveLength(1);
});

test('what is kept by a third domain is that one’s to decide', async () => {
  const conversation = `mimi://gamma.example/r/${'a'.repeat(22)}` as ConversationId;
  const others = [
    { user: alice, name: 'Alice' },
    { user: bob, name: 'Bob' },
  ];
  const state = created({ conversation, title: 'Knots', creator: { user: carol, name: 'Carol' }, others });
  await accept(journal, alpha, gamma, state);
  block();
  await isOver();
  expect(await load(store.db, conversation)).toEqual(state);
  partings = await make();
  await partings.start();
  expect((await partings.state()).map(({ conversations }) => conversations)).toEqual([0]);
});

test('allowed again, it is told that ours have left, and nobody is in where he was before', async () => {
  const own = (await hub.create(alice, 'Ropes', [bob])).conversation;
  const conversation = await fromBeta('a', alice, anna);
  block();
  await isOver();
  await journal.change(own, (before) => ({ ...(before as Statement), title: 'Said later', seq: 9 }));
  listed.add(beta);
  // Its hub knows nothing of it, and states what it always did, also with news.
  const before = { ...(theirs.get(conversation) as Statement), seq: 7, title: 'News' };
  theirs.set(conversation, before);
  await accept(journal, alpha, beta, before);
  expect(await membersOf(conversation)).toEqual([]);
  partings.welcome(beta);
  await until(async () => told.length > 0 && (await waiting()).every(({ domain: to }) => to !== beta), 'told');
  // It learns that its people are out, and nothing that was said since.
  expect(told).toEqual([{ conversation: own, seq: 9, title: '-', members: [] }]);
  expect(theirs.get(conversation)?.members.map(({ user: who }) => who)).toEqual([bob]);
  // What came late changes nothing, and whoever is let in anew is in.
  await accept(journal, alpha, beta, before);
  expect(await loadFor(store.db, alice)).toMatchObject([{ conversation: own }]);
  const again = apply(
    theirs.get(conversation) as Statement,
    beta,
    { type: 'addMember', actor: bob, user: alice, name: 'Alice' },
    0,
  );
  await accept(journal, alpha, beta, again);
  expect(await membersOf(conversation)).toEqual([`${bob} admin`, `${alice} member`]);
  expect(faults).toEqual([]);
});

test('a hub that parted too is heard again as soon as it says so', async () => {
  const conversation = await fromBeta('a', alice);
  block();
  await isOver();
  listed.add(beta);
  const without = parted(theirs.get(conversation) as Statement, alpha);
  await accept(journal, alpha, beta, without);
  const again = apply(without, beta, { type: 'addMember', actor: bob, user: alice, name: 'Alice' }, 0);
  await accept(journal, alpha, beta, again);
  expect(await loadFor(store.db, alice)).toHaveLength(1);
});

test('what could not be delivered of a conversation is dropped, and its newest state told when it is allowed again', async () => {
  const { conversation } = await hub.create(alice, 'Ropes', [anna]);
  await enqueue(store.db, { domain: beta, kind: 'conversation', subject: conversation, seq: 1, created_at: 0 });
  block();
  await isOver();
  expect(await waiting()).toEqual([]);
  listed.add(beta);
  partings.welcome(beta);
  await until(() => told.length === 1, 'told');
});

test('wherever the process ends or the database fails, the rest is done later, and it ends the same', async () => {
  const own: ConversationId[] = [];
  for (let i = 0; i < 60; i++) own.push((await hub.create(alice, 'Ropes', [bob, anna])).conversation);
  const conversation = await fromBeta('a', alice);
  let writes = 0;
  trouble = () => {
    writes += 1;
    if (writes === 13) throw new Error('the disk is full');
    if (writes === 30) void partings.close();
  };
  block();
  await until(() => writes >= 30, 'in the midst of it');
  await partings.close();
  expect(faults).toEqual([new Error('the disk is full')]);
  const [half] = await partings.state();
  expect(half).toMatchObject({ conversations: 61, done: 29 });
  expect(half?.endedAt).toBeUndefined();

  partings = await make();
  // Allowed meanwhile: it is refused all the same until everything is done.
  listed.add(beta);
  expect(partings.isUnderWay(beta)).toBe(true);
  await partings.sweep();
  await isOver();
  expect(await partings.state()).toMatchObject([{ conversations: 61, done: 61, endedAt: world.now() }]);
  for (const each of own) expect(await membersOf(each)).toEqual([`${alice} admin`, `${anna} member`]);
  // Of theirs it knows by now that alice has left.
  expect((await loadFor(store.db, alice)).some((each) => each.conversation === conversation)).toBe(false);
  expect(changes.filter(({ parted: other }) => other === beta)).toHaveLength(61);
});

test('a group that cannot be read holds nothing', async () => {
  const unreadable = new HawserError('MLS_STATE_UNREADABLE');
  await hub.create(alice, 'Ropes', [bob]);
  proposing = () => Promise.reject(unreadable);
  block();
  await isOver();
  expect(await partings.state()).toMatchObject([{ done: 1, endedAt: world.now() }]);
  expect(faults).toEqual([unreadable]);
});

test('a conversation that cannot be left holds no other, and is left when it can be', async () => {
  const own: ConversationId[] = [];
  for (let i = 0; i < 3; i++) own.push((await hub.create(alice, 'Ropes', [bob])).conversation);
  let isSpoilt = true;
  journal.join(async (_, { after }) => {
    if (isSpoilt && after.conversation === own[1]) throw new Error('spoilt');
  });
  block();
  await until(() => faults.length > 0, 'one fails');
  await partings.sweep();
  expect((await loadFor(store.db, bob)).map(({ conversation }) => conversation)).toEqual([own[1]]);
  expect(partings.isUnderWay(beta)).toBe(true);
  isSpoilt = false;
  await partings.sweep();
  expect(await loadFor(store.db, bob)).toEqual([]);
  expect(await partings.state()).toMatchObject([{ conversations: 3, done: 3, endedAt: world.now() }]);
});

test('whoever was blocked while no process ran, or comes in by a request that was under way, is out', async () => {
  const { conversation } = await hub.create(alice, 'Ropes', [bob]);
  const theirs = await fromBeta('a', anna);
  listed.delete(beta);
  await partings.start();
  expect(partings.isUnderWay(beta)).toBe(false);
  expect(await membersOf(conversation)).toEqual([`${alice} admin`]);
  expect(await membersOf(theirs)).toEqual([]);
  journal.subscribe(partings.changed);
  const late = await hub.create(alice, 'Later', [bob]);
  await until(async () => (await membersOf(late.conversation))?.length === 1, 'out again');
  const lateToo = await fromBeta('b', anna);
  await until(async () => (await membersOf(lateToo))?.length === 0, 'out again');
  expect(domainOf(lateToo)).toBe(beta);
});

test('thousands of conversations are read some at a time, and others are served between two of them', async () => {
  for (let i = 0; i < 120; i++) await hub.create(alice, 'Ropes', [bob]);
  let turns = 0;
  let most = 0;
  let since = 0;
  const turn = () => {
    turns += 1;
    since = 0;
    if (partings.isUnderWay(beta)) setImmediate(turn);
  };
  trouble = () => {
    since += 1;
    most = Math.max(most, since);
  };
  block();
  setImmediate(turn);
  await isOver();
  expect(turns).toBeGreaterThanOrEqual(120);
  expect(most).toBe(1);
});
