import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Statement } from '#signalling/federation.ts';
import type { ConferenceId, ConversationId, GroupId, ParticipantId } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, testWorld, user } from '../testing/world.ts';
import { created } from './conversation.ts';
import { accept, contradicts } from './follower.ts';
import { Journal } from './journal.ts';
import { load } from './repository.ts';

const [alpha, beta] = [domain('alpha.example'), domain('beta.example')];
const alice = user('@alice@alpha.example');
const bob = user('@bob@beta.example');
const conversation = `mimi://${alpha}/r/AAAAAAAAAAAAAAAAAAAAAA` as ConversationId;
const conference = 'c'.repeat(22) as ConferenceId;
const first = created({
  conversation,
  title: 'Ropes',
  creator: { user: alice, name: 'Alice' },
  others: [{ user: bob, name: 'Bob' }],
});
const participant = 'p'.repeat(22) as ParticipantId;
const inCall: Statement = {
  ...first,
  seq: 2,
  call: {
    conference,
    anchor: alpha,
    startedBy: alice,
    startedAt: 1,
    members: [{ participant, user: bob, domain: beta, name: 'Bob' }],
  },
};

let store: Store;
let journal: Journal;
beforeEach(async () => {
  store = await openTestStore();
  journal = new Journal(store, beta, testWorld());
});
afterEach(() => store.close());

test('what the hub states is taken over whole', async () => {
  await accept(journal, beta, alpha, first);
  await accept(journal, beta, alpha, inCall);
  expect(await load(store.db, conversation)).toEqual(inCall);
});

test('a hub that says something else under a number is found out, and what it said first stands', async () => {
  let count = 0;
  const hear = (statement: Statement) => accept(journal, beta, alpha, statement, () => count++);
  await hear(first);
  await hear(first);
  await hear({ ...first, members: first.members.toReversed() });
  expect(count).toBe(0);
  expect(await hear({ ...first, title: 'Knots' })).toEqual(first);
  expect(count).toBe(1);
  const [admin, member] = first.members;
  if (!admin || !member) throw new Error('two people');
  await hear({ ...first, members: [admin] });
  await hear({ ...first, members: [admin, { ...member, role: 'admin' }] });
  expect(count).toBe(3);
  await hear(inCall);
  // Of older numbers nothing is known any more.
  await hear({ ...first, title: 'Knots' });
  expect([count, await load(store.db, conversation)]).toEqual([3, inCall]);
});

test('what may be missing on one side is no contradiction', () => {
  const { call, ...rest } = inCall;
  if (!call) throw new Error('a call');
  const group = `mimi://${alpha}/g/AAAAAAAAAAAAAAAAAAAAAA` as GroupId;
  expect(contradicts(rest, inCall)).toBe(false);
  expect(contradicts(inCall, rest)).toBe(false);
  expect(contradicts(inCall, { ...inCall, group })).toBe(false);
  expect(contradicts({ ...inCall, members: [] }, inCall)).toBe(false);
  expect(contradicts(inCall, { ...inCall, call: { ...call, conference: 'd'.repeat(22) as ConferenceId } })).toBe(true);
  const other = `mimi://${alpha}/g/BBBBBBBBBBBBBBBBBBBBBB` as GroupId;
  expect(contradicts({ ...inCall, group }, { ...inCall, group: other })).toBe(true);
});

test('in whatever order and however often statements come, the newest stands', { timeout: 60_000 }, async () => {
  const statements = [1, 2, 3, 4].map(
    (seq): Statement => ({ ...(seq % 2 ? first : inCall), seq, title: `Ropes ${seq}` }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...statements), { minLength: 1, maxLength: 12 }), async (arrivals) => {
      const fresh = await openTestStore();
      const own = new Journal(fresh, beta, testWorld());
      let last = 0;
      own.subscribe(({ after }) => {
        expect(after.seq).toBeGreaterThan(last);
        last = after.seq;
      });
      for (const statement of arrivals) await accept(own, beta, alpha, statement);
      const newest = Math.max(...arrivals.map(({ seq }) => seq));
      expect((await load(fresh.db, conversation))?.title).toBe(`Ropes ${newest}`);
      await fresh.close();
    }),
    { numRuns: 30 },
  );
});

const gamma = domain('gamma.example');
const withMembers = (members: Statement['members']): Statement => ({ ...first, members });
const withCall = (call: Partial<NonNullable<Statement['call']>>): Statement => ({
  ...inCall,
  ...(inCall.call && { call: { ...inCall.call, ...call } }),
});
const mallory = user('@mallory@gamma.example');

test.each<[string, Statement]>([
  [
    'a member under another domain’s name',
    withMembers([...first.members, { user: mallory, domain: beta, name: 'M', role: 'member' }]),
  ],
  ['a member twice', withMembers([...first.members, ...first.members])],
  ['a call that a stranger started', withCall({ startedBy: mallory, anchor: gamma })],
  ['a call with another anchor than its starter’s domain', withCall({ anchor: beta })],
  [
    'somebody in the call who is no member',
    withCall({ members: [{ participant, user: mallory, domain: gamma, name: 'M' }] }),
  ],
  [
    'somebody in the call under another domain’s name',
    withCall({ members: [{ participant, user: bob, domain: alpha, name: 'Bob' }] }),
  ],
])('a hub may not state %s', async (_what, statement) => {
  await expect(accept(journal, beta, alpha, statement)).rejects.toMatchObject({ code: 'FED_FOREIGN' });
  expect(await load(store.db, conversation)).toBeUndefined();
});

test('only the hub speaks about its conversation', async () => {
  await expect(accept(journal, beta, gamma, first)).rejects.toMatchObject({ code: 'FED_FOREIGN' });
});

test('a conversation without anybody of this domain is not taken in', async () => {
  const others = withMembers(first.members.filter(({ domain: of }) => of !== beta));
  await expect(accept(journal, beta, alpha, others)).rejects.toMatchObject({ code: 'FED_WRONG_DESTINATION' });
});

test('a hub cannot lay hands on another hub’s call by naming its conference', async () => {
  await accept(journal, beta, alpha, first);
  await accept(journal, beta, alpha, inCall);
  const own = `mimi://${gamma}/r/BBBBBBBBBBBBBBBBBBBBBB` as ConversationId;
  const theft: Statement = {
    conversation: own,
    seq: 1,
    title: 'Theft',
    members: [
      { user: mallory, domain: gamma, name: 'M', role: 'admin' },
      { user: bob, domain: beta, name: 'Bob', role: 'member' },
    ],
    call: { conference, anchor: gamma, startedBy: mallory, startedAt: 1, members: [] },
  };
  await expect(accept(journal, beta, gamma, theft)).rejects.toMatchObject({ code: 'FED_FOREIGN' });
  expect(await load(store.db, own)).toBeUndefined();
  expect(await load(store.db, conversation)).toEqual(inCall);
});
