/** A domain is blocked: what becomes of what three organisations share, on the side that blocks and on the other one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { Parting } from './federation/partings.ts';
import { placeOf } from './store/place.ts';
import { inParts } from './store/rows.ts';
import { openStore } from './store/store.ts';
import { type Organisation, organise, PASSWORD, type World } from './testing/organisation.ts';
import { Person } from './testing/person.ts';
import { until } from './testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let gamma: Organisation;
let alice: Person;
let anna: Person;
let bob: Person;
let carol: Person;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example', 'gamma.example');
  [alpha, beta, gamma] = world.organisations as [Organisation, Organisation, Organisation];
  [alice, anna] = [await alpha.person('alice', 'Alice'), await alpha.person('anna', 'Anna')];
  [bob, carol] = [await beta.person('bob', 'Bob'), await gamma.person('carol', 'Carol')];
});
afterAll(() => world[Symbol.asyncDispose]());

const seen = (person: Person, id: ConversationId) =>
  until(async () => (await person.conversations()).find(({ conversation }) => conversation === id), 'conversation');
const has = async (person: Person, id: ConversationId) =>
  (await person.conversations()).some(({ conversation }) => conversation === id);
const membersOf = async (person: Person, id: ConversationId) =>
  (await person.conversation(id)).members.map(({ user }) => user);
const partingsOf = async ({ admin }: Organisation) =>
  ((await (await fetch(`${admin}/admin/v1/partings`)).json()) as { partings: Parting[] }).partings;
const parted = (one: Organisation, other: Organisation, count: number) =>
  until(async () => {
    const parting = (await partingsOf(one)).find(({ domain }) => domain === other.domain);
    return parting?.endedAt !== undefined && parting.done === count && parting;
  }, 'parted');

test('its people leave ours, ours are out of its own, and allowing it again brings nobody back', {
  timeout: 30_000,
}, async () => {
  const own = (await alice.create('Ropes', anna.id, bob.id, carol.id)).conversation;
  const theirs = (await bob.create('Knots', alice.id, carol.id)).conversation;
  const third = (await carol.create('Masts', alice.id, bob.id)).conversation;
  for (const [person, id] of [
    [bob, own],
    [carol, own],
    [alice, theirs],
    [carol, theirs],
    [alice, third],
    [bob, third],
  ] as const)
    await seen(person, id);
  const { call, participant } = await bob.call(own);
  beta.sft.presence(call.conference, [participant]);
  await until(async () => (await alice.conversation(own)).call?.members.length === 1, 'bob is in the call');

  await alpha.allow({ organisation: beta, state: 'blocked' }, gamma);
  await parted(alpha, beta, 2);
  expect(await membersOf(alice, own)).toEqual([alice.id, anna.id, carol.id]);
  expect((await alice.conversation(own)).call).toBeUndefined();
  expect(await has(alice, theirs)).toBe(false);
  await until(() => alice.events.some(({ type }) => type === 'conversationRemoved'), 'alice is told');
  await until(async () => (await membersOf(carol, own)).length === 3, 'carol’s organisation is told');
  // A third domain’s conversation is that one’s to decide, and so is beta’s for the others.
  expect(await membersOf(alice, third)).toHaveLength(3);
  expect(await membersOf(carol, theirs)).toEqual([bob.id, alice.id, carol.id]);
  // Over there it is shown as it was, and takes nothing any more.
  expect(await membersOf(bob, own)).toHaveLength(4);
  await expect(bob.changeTitle(own, 'Lines')).rejects.toMatchObject({ code: 'FED_REFUSED' });
  await expect(alice.addMember(own, bob.id)).rejects.toMatchObject({ code: 'FED_NOT_ALLOWED' });
  await alice.changeTitle(own, 'Said since');

  await alpha.allow(beta, gamma);
  await until(async () => !(await has(bob, own)), 'bob learns that he is out');
  await until(async () => (await membersOf(bob, theirs)).length === 2, 'alice has left over there');
  await until(async () => (await membersOf(carol, theirs)).length === 2, 'carol is told');
  expect(await has(alice, theirs)).toBe(false);
  await bob.changeTitle(theirs, 'Bends');
  await until(async () => (await carol.conversation(theirs)).title === 'Bends', 'it goes on without her');
  expect(await has(alice, theirs)).toBe(false);

  // Let in anew, both are in.
  await alice.addMember(own, bob.id);
  expect((await seen(bob, own)).title).toBe('Said since');
  await bob.addMember(theirs, alice.id);
  expect((await seen(alice, theirs)).title).toBe('Bends');
});

test('of many conversations each is parted with, and others are served meanwhile', { timeout: 60_000 }, async () => {
  const count = 100;
  await alpha.stop();
  await fill(count);
  await alpha.start();
  await alpha.connectSft();
  const again = await Person.signIn(alpha.url, 'alice', PASSWORD);
  await until(async () => (await again.conversations()).length >= count, 'all are there');
  const before = (await partingsOf(alpha))[0];
  await alpha.allow({ organisation: beta, state: 'blocked' }, gamma);
  // How far it was whenever somebody asked.
  const seen = new Set<number>();
  const parting = await until(
    async () => {
      await again.conversation(conversationAt(0));
      const [newest] = await partingsOf(alpha);
      if (!newest || newest.begunAt === before?.begunAt) return undefined;
      seen.add(newest.done);
      return newest.endedAt !== undefined && newest;
    },
    'parted',
    50_000,
  );
  expect(parting.done).toBe(parting.conversations);
  expect(parting.done).toBeGreaterThanOrEqual(count);
  expect(seen.size).toBeGreaterThan(5);
  const foreign = (await again.conversations()).filter(
    ({ hub, members }) => hub === 'alpha.example' && members.some((each) => each.domain === 'beta.example'),
  );
  expect(foreign).toEqual([]);
  again.close();
});

function conversationAt(index: number): ConversationId {
  return `mimi://alpha.example/r/${`${index}`.padStart(22, 'A')}` as ConversationId;
}

/** Conversations of 50, half of them of beta, as if they had been made one by one. */
async function fill(count: number): Promise<void> {
  const store = await openStore(await placeOf(alpha.site));
  await store.transaction(async (tx) => {
    for (let i = 0; i < count; i++) {
      const id = conversationAt(i);
      await tx
        .insertInto('conversations')
        .values({ id, title: 'Ropes', seq: 1, group_id: null, created_at: 0 })
        .execute();
      const people = [
        alice.id,
        ...Array.from(
          { length: 49 },
          (_, index) => `mimi://${index < 25 ? 'beta' : 'alpha'}.example/u/p${index}` as UserId,
        ),
      ];
      const rows = people.map((user_id, position) => ({
        conversation_id: id,
        user_id,
        name: 'Somebody',
        role: position === 0 ? ('admin' as const) : ('member' as const),
        position,
      }));
      for (const part of inParts(rows))
        await tx
          .insertInto('members')
          .values([...part])
          .execute();
    }
  });
  await store.close();
}
