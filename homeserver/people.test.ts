/** People of two organisations who ask each other for a connection, block, and find each other. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FoundPeople } from '#signalling/client-home.ts';
import { Connection, type ConnectionOperation, Connections } from '#signalling/connections.ts';
import type { Site } from '#site/schema.ts';
import { type Organisation, organise, type World } from './testing/organisation.ts';
import { ask, type Person } from './testing/person.ts';
import { until } from './testing/world.ts';

let world: World;
let [alpha, beta] = [] as unknown as [Organisation, Organisation];
let [alice, bob] = [] as unknown as [Person, Person];
let handles = 0;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  handles += 1;
  alice = await alpha.person(`alice${handles}`, 'Alice');
  bob = await beta.person(`bob${handles}`, 'Bob Miller');
});
afterEach(() => {
  for (const person of [alice, bob]) person.close();
});

const as = ({ session }: Person) => ({ accessToken: session.accessToken });
const act = (one: Person, operation: ConnectionOperation, other: Person) =>
  ask(one.url, 'POST', 'connections', Connection, { ...as(one), body: { user: other.id, operation } });
const list = async (one: Person) => (await ask(one.url, 'GET', 'connections', Connections, as(one))).connections;
const is = (one: Person, state: string) =>
  until(async () => ((await list(one))[0]?.state ?? 'none') === state, `${one.id} sees ${state}`);
const find = async (one: Person, text: string) =>
  (await ask(one.url, 'GET', `people/search?text=${encodeURIComponent(text)}`, FoundPeople, as(one))).people;

async function connect(): Promise<void> {
  await act(alice, 'request', bob);
  await is(bob, 'received');
  await act(bob, 'accept', alice);
  await is(alice, 'connected');
}

async function withRule(organisation: Organisation, rule: Partial<Site['homeserver']>): Promise<void> {
  await organisation.stop();
  Object.assign(organisation.site.homeserver, rule);
  await organisation.start();
  await organisation.connectSft();
}

describe('a request to somebody of another organisation', () => {
  test('is shown there with its name, and both hear when it is accepted', async () => {
    expect(await act(alice, 'request', bob)).toMatchObject({
      state: 'sent',
      name: 'Bob Miller',
      domain: 'beta.example',
    });
    expect((await bob.hear('connection')).connection).toMatchObject({
      user: alice.id,
      name: 'Alice',
      state: 'received',
    });
    await act(bob, 'accept', alice);
    await is(alice, 'connected');
    expect(await list(alice)).toMatchObject([{ name: 'Bob Miller' }]);
    await act(alice, 'cancel', bob);
    await is(bob, 'sent');
  });

  test('to nobody is refused as at home', async () => {
    const request = ask(alice.url, 'POST', 'connections', Connection, {
      ...as(alice),
      body: { user: 'mimi://beta.example/u/nobody', operation: 'request' },
    });
    await expect(request).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });

  test('is made while the other homeserver is down, and arrives when it is back', async () => {
    await beta.stop();
    expect(await act(alice, 'request', bob)).toMatchObject({ state: 'sent' });
    await beta.start();
    await beta.connectSft();
    await until(async () => (await list(bob))[0]?.state === 'received', 'it arrived', 20_000);
  }, 30_000);

  test('ends when the account of whoever made it is deleted', async () => {
    await connect();
    await fetch(`${alpha.admin}/admin/v1/accounts/${alice.session.user.handle}`, { method: 'DELETE' });
    await is(bob, 'sent');
  });
});

describe('whoever blocks somebody of another organisation', () => {
  test('leaves at once what that one puts him in, and nobody else does', async () => {
    const carol = await beta.person(`carol${handles}`, 'Carol');
    await act(bob, 'block', alice);
    const { conversation } = await alice.create('Unwanted', bob.id, carol.id);
    const membersOf = async () => (await alice.conversation(conversation)).members.map(({ user }) => user);
    await until(async () => (await membersOf()).length === 2, 'he is out');
    expect(await membersOf()).toEqual([alice.id, carol.id]);
    expect(await bob.conversations()).toEqual([]);
    await until(async () => (await carol.conversations()).length === 1, 'she is in it');
    carol.close();
  });

  test('is not found by them', async () => {
    const { handle } = bob.session.user;
    expect(await find(alice, `@${handle}@beta.example`)).toMatchObject([{ user: bob.id, name: 'Bob Miller', handle }]);
    await act(bob, 'block', alice);
    expect(await find(alice, `@${handle}@beta.example`)).toEqual([]);
  });
});

describe('people are found', () => {
  test('at home by the beginning of a name, elsewhere by the whole handle', async () => {
    const { handle } = bob.session.user;
    const found = async (who: Person, text: string) => (await find(who, text)).map(({ user }) => user);
    const [other] = await Promise.all([beta.person(`dave${handles}`, `Dave Mill${handles}`)]);
    expect(await found(bob, `mill${handles}`)).toEqual([other.id]);
    expect(await found(bob, `@dave${handles}@beta.example`)).toEqual([other.id]);
    expect(await found(alice, `@${handle}@beta.example`)).toEqual([bob.id]);
    expect(await found(alice, `@${handle.slice(0, -1)}@beta.example`)).toEqual([]);
    expect(await found(alice, `mill${handles}@beta.example`)).toEqual([]);
    expect(await found(alice, '@bob@bet')).toEqual([]);
    await expect(find(alice, '@bob@gamma.example')).rejects.toMatchObject({ code: 'FED_NOT_ALLOWED' });
    other.close();
  });
});

test('where only the connected reach each other, others are refused on either side', async () => {
  await withRule(alpha, { foreignPeople: 'connected' });
  try {
    await expect(alice.create('No', bob.id)).rejects.toMatchObject({ code: 'HOME_NOT_CONNECTED' });
    // Bob's homeserver lets him; hers does not.
    const { conversation } = await bob.create('No', alice.id);
    await until(async () => (await bob.conversation(conversation)).members.length === 1, 'she is out');
    await connect();
    expect((await alice.create('Yes', bob.id)).members).toHaveLength(2);
    const again = await bob.create('Yes', alice.id);
    await until(async () => (await alice.conversations()).length === 2, 'she stays in both');
    expect((await bob.conversation(again.conversation)).members).toHaveLength(2);
  } finally {
    await withRule(alpha, { foreignPeople: 'open' });
  }
}, 60_000);
