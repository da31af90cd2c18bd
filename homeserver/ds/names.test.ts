/** A new name of somebody, in conversations here and over the border, whoever can be reached when. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { User } from '#signalling/client-home.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import { ask, type Person } from '../testing/person.ts';
import { until } from '../testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let alice: Person;
let anna: Person;
let bob: Person;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  [alice, anna] = [await alpha.person('alice', 'Alice'), await alpha.person('anna', 'Anna')];
  bob = await beta.person('bob', 'Bob');
});
afterAll(() => world[Symbol.asyncDispose]());

const rename = (person: Person, name: string) =>
  ask(alpha.url, 'POST', 'me/name', User, { body: { name }, accessToken: person.session.accessToken });
const isCalled = (name: string, of: Person, by: Person, where: ConversationId) =>
  until(
    async () => (await by.conversation(where)).members.some((each) => each.user === of.id && each.name === name),
    `${by.id} sees ${name}`,
  );

test('is told to whoever listens, at the own hub and at that of another domain', async () => {
  const own = await alice.create('Ropes', anna.id, bob.id);
  const theirs = await bob.create('Sails', alice.id);
  await rename(alice, 'Alice Näf');
  await until(
    () =>
      anna.events.some((event) => event.type === 'conversation' && event.conversation.members[0]?.name === 'Alice Näf'),
    'Anna is told',
  );
  for (const where of [own, theirs]) {
    for (const by of [alice, bob]) await isCalled('Alice Näf', alice, by, where.conversation);
  }
});

test('is told later to a hub that could not be reached, and to none that has nothing to do with it', async () => {
  const { conversation: theirs } = await bob.create('Spars', alice.id);
  const { conversation: own } = await alice.create('Masts', anna.id);
  await beta.stop();
  await rename(alice, 'Captain Alice');
  await isCalled('Captain Alice', alice, anna, own);
  expect((await alice.conversation(theirs)).members).toContainEqual(expect.objectContaining({ name: 'Alice Näf' }));
  // It ends before it is told; what was left is found at the next start.
  await alpha.stop();
  await beta.start();
  await alpha.start();
  await isCalled('Captain Alice', alice, bob, theirs);
  await isCalled('Captain Alice', alice, alice, theirs);
});
