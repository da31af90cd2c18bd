import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Statement } from '#signalling/federation.ts';
import type { ConversationId, DomainName, UserId } from '#signalling/ids.ts';
import { Unreachable } from '../federation/errors.ts';
import { Outbox } from '../federation/outbox.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, testWorld, until, user } from '../testing/world.ts';
import type { Change } from './changes.ts';
import { apply, created } from './conversation.ts';
import { Conversations } from './conversations.ts';
import { Departures } from './departures.ts';
import { accept } from './follower.ts';
import { Hub } from './hub.ts';
import { Journal } from './journal.ts';
import { load, loadFor } from './repository.ts';

const [alpha, beta] = [domain('alpha.example'), domain('beta.example')];
const [alice, anna] = [user('@alice@alpha.example'), user('@anna@alpha.example')];
const bob = user('@bob@beta.example');
const world = testWorld();

let store: Store;
let journal: Journal;
let hub: Hub;
let outbox: Outbox;
let departures: Departures;
let accounts: Set<UserId>;
let changes: Change[];
let faults: unknown[];
/** What the hub of beta holds, who was told to it, and whether it can be reached. */
let theirs: Map<ConversationId, Statement>;
let told: UserId[];
let isDown: boolean;
/** While beta is told. */
let onTold: () => Promise<void>;

beforeEach(async () => {
  store = await openTestStore();
  [accounts, changes, faults, theirs, told, isDown] = [new Set([alice, anna]), [], [], new Map(), [], false];
  onTold = async () => undefined;
  journal = new Journal(store, alpha, world);
  journal.subscribe((change) => changes.push(change));
  hub = new Hub({
    ...{ db: store.db, domain: alpha, journal, world },
    mayReach: async () => true,
    // As it was just before.
    localPerson: async (who) => ({ user: who, name: who === alice ? 'Alice' : 'Anna' }),
    others: {
      identify: async (of, handle) => ({ user: user(`@${handle}@${of}`), name: 'Bob' }),
      refusedBy: async () => [],
    },
  });
  departures = make();
});
afterEach(async () => {
  await departures.close();
  await outbox.close();
  await store.close();
});

/** What a process has that starts. */
function make(): Departures {
  const conversations = new Conversations({
    ...{ db: store.db, domain: alpha, journal, hub },
    mayReach: async () => true,
    updateAtHub: async (to, conversation, operation) => {
      if (isDown) throw new Unreachable([to]);
      await onTold();
      const state = apply(theirs.get(conversation) as Statement, alpha, operation as never, world.now());
      if (operation.type === 'leave') told.push(operation.actor);
      theirs.set(conversation, state);
      return state;
    },
  });
  const onFault = (error: unknown) => void faults.push(error);
  outbox = new Outbox({
    ...{ db: store.db, world, onFault },
    deliver: {
      conversation: async () => undefined,
      departure: (_, subject) => departures.tell(subject),
      presence: async () => undefined,
      consent: async () => undefined,
      device: async () => undefined,
    },
    onGivenUp: (_, kind, code) => void faults.push(`${kind} ${code}`),
  });
  return new Departures({
    ...{ store, world, domain: alpha, conversations, onFault },
    withoutAccount: async (users) => users.filter((who) => !accounts.has(who)),
    wakeOutbox: (to) => outbox.wake(to),
  });
}

const conversationsOf = async (who: UserId) => (await loadFor(store.db, who)).length;
const isOut = (who: UserId) => until(async () => (await conversationsOf(who)) === 0, `${who} is out`);
const membersOf = async (conversation: ConversationId) =>
  (await load(store.db, conversation))?.members.map(({ user: who, role }) => `${who === bob ? 'bob' : who} ${role}`);
const waiting = async () => (await store.db.selectFrom('outbox').select('kind').execute()).map(({ kind }) => kind);

/** A conversation of bob's with people of ours. */
async function fromBeta(letter: string, ...people: UserId[]): Promise<ConversationId> {
  const conversation = `mimi://beta.example/r/${letter.repeat(22)}` as ConversationId;
  const others = people.map((who) => ({ user: who, name: who === alice ? 'Alice' : 'Anna' }));
  const state = created({ conversation, title: 'Bights', creator: { user: bob, name: 'Bob' }, others });
  theirs.set(conversation, state);
  await accept(journal, alpha, beta as DomainName, state);
  return conversation;
}

test('whoever has no account any more leaves all conversations, some at a time, as if it was the own wish', async () => {
  const shared: ConversationId[] = [];
  for (let i = 0; i < 105; i++) shared.push((await hub.create(alice, 'Ropes', [anna])).conversation);
  const alone = await hub.create(alice, 'Alone', []);
  changes.length = 0;
  accounts.delete(alice);
  departures.begin(alice);
  await isOut(alice);
  // Whoever is left administers, and where nobody is it is over.
  for (const each of [shared[0], shared[104]])
    expect(await membersOf(each as ConversationId)).toEqual([`${anna} admin`]);
  expect(await membersOf(alone.conversation)).toEqual([]);
  expect(changes).toHaveLength(106);
  expect(changes.every(({ by }) => by === alice)).toBe(true);
  expect(await conversationsOf(anna)).toBe(105);
  expect(faults).toEqual([]);
});

test('the hub of another domain is told, as soon as it can be reached', async () => {
  const conversation = await fromBeta('a', alice, anna);
  isDown = true;
  accounts.delete(alice);
  departures.begin(alice);
  await until(async () => (await waiting()).length === 1, 'it waits');
  await departures.close();
  await outbox.close();
  departures = make();
  await outbox.start();
  expect(await membersOf(conversation)).toHaveLength(3);
  isDown = false;
  await until(async () => {
    outbox.retryNow(beta);
    return (await waiting()).length === 0;
  }, 'it is told');
  expect(told).toEqual([alice]);
  expect(await membersOf(conversation)).toEqual(['bob admin', `${anna} member`]);
  expect(theirs.get(conversation)).toEqual(await load(store.db, conversation));
});

test('one more who goes while the hub is told of the first is told too', async () => {
  const conversation = await fromBeta('a', alice, anna);
  accounts.delete(alice);
  onTold = async () => {
    onTold = async () => undefined;
    accounts.delete(anna);
    departures.begin(anna);
    await until(
      async () => (await store.db.selectFrom('outbox').select('seq').executeTakeFirst())?.seq === 2,
      'she is written down',
    );
  };
  departures.begin(alice);
  await until(async () => told.length === 2 && (await waiting()).length === 0, 'both are told');
  expect(told).toEqual([alice, anna]);
  expect(await membersOf(conversation)).toEqual(['bob admin']);
});

test('a hub that knows it already is not told again and again', async () => {
  const conversation = await fromBeta('a', alice, anna);
  accounts.delete(alice);
  // Its word has not come here yet.
  theirs.set(conversation, apply(theirs.get(conversation) as Statement, alpha, { type: 'leave', actor: alice }, 0));
  departures.begin(alice);
  await until(() => departures.sweep().then(() => true), 'it is written down');
  await until(async () => (await waiting()).length === 0, 'nothing waits');
  expect([told, faults]).toEqual([[], []]);
});

test('what a process left undone is done by the next one, wherever it ended', async () => {
  for (let i = 0; i < 50; i++) await hub.create(anna, 'Ropes', [alice]);
  const conversation = await fromBeta('a', alice);
  accounts.delete(alice);
  changes.length = 0;
  journal.subscribe(() => void (changes.length === 20 && departures.close()));
  departures.begin(alice);
  await until(() => changes.length >= 20, 'it has begun');
  await departures.close();
  const left = await conversationsOf(alice);
  expect(left).toBe(31);
  departures = make();
  await departures.sweep();
  await isOut(alice);
  expect(await membersOf(conversation)).toEqual(['bob admin']);
  expect(await conversationsOf(anna)).toBe(50);
});

test('whoever is let in by a hub that had looked just before goes at once', async () => {
  journal.subscribe(departures.changed);
  accounts.delete(alice);
  const own = await hub.create(anna, 'Ropes', [alice]);
  const conversation = await fromBeta('a', alice);
  await isOut(alice);
  expect(await membersOf(own.conversation)).toEqual([`${anna} admin`]);
  expect(await membersOf(conversation)).toEqual(['bob admin']);
});

test('a conversation that cannot be left holds no other', async () => {
  const some: Statement[] = [];
  for (let i = 0; i < 3; i++) some.push(await hub.create(anna, 'Ropes', [alice]));
  const [, spoilt] = some;
  journal.join(async (_, { after }) => {
    if (after.conversation === spoilt?.conversation) throw new Error('spoilt');
  });
  accounts.delete(alice);
  await departures.sweep();
  expect(await conversationsOf(alice)).toBe(1);
  expect(faults).toEqual([new Error('spoilt')]);
});
