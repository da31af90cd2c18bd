/** What happens when servers are away, come back, or may no longer be talked to. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConversationId } from '#signalling/ids.ts';
import { makeTestDomain } from '#trust/testing.ts';
import { type Organisation, organise, PASSWORD, type World } from './testing/organisation.ts';
import { Person } from './testing/person.ts';
import { until } from './testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let alice: Person;
let bob: Person;

beforeEach(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  alice = await alpha.person('alice', 'Alice');
  bob = await beta.person('bob', 'Bob');
});
afterEach(() => world[Symbol.asyncDispose]());

const seen = (person: Person, id: ConversationId) =>
  until(async () => (await person.conversations()).find(({ conversation }) => conversation === id), 'conversation');
const outboxDepth = async ({ admin }: Organisation, peer: string) =>
  Number(
    new RegExp(`outbox_depth\\{peer="${peer}"\\} (\\d+)`).exec(await (await fetch(`${admin}/metrics`)).text())?.[1] ??
      0,
  );

test('while a domain is down nothing with its people is begun, and nothing half-made is left', async () => {
  await beta.stop();
  await expect(alice.create('Ropes', bob.id)).rejects.toMatchObject({
    status: 533,
    problem: { code: 'FED_UNREACHABLE', retry: true, unreachable_domains: ['beta.example'] },
  });
  expect(await alice.conversations()).toEqual([]);
  expect(await outboxDepth(alpha, 'beta.example')).toBe(0);
  const { conversation } = await alice.create('Alone');
  await expect(alice.addMember(conversation, bob.id)).rejects.toMatchObject({ status: 533 });
  expect((await alice.conversation(conversation)).members).toHaveLength(1);
});

test('what a domain missed it is told when it is back, and its people are rung', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  await seen(bob, conversation);
  await beta.stop();
  const { call } = await alice.call(conversation);
  await until(async () => (await outboxDepth(alpha, 'beta.example')) === 1, 'the call waits in the outbox');
  await beta.start();
  const again = await Person.signIn(beta.url, 'bob', PASSWORD);
  const known = await until(async () => (await again.conversation(conversation)).call, 'the call is known');
  expect(known.conference).toBe(call.conference);
  await until(async () => (await outboxDepth(alpha, 'beta.example')) === 0, 'the outbox is empty');
  again.close();
});

test('a restart loses nothing: accounts, sessions, conversations, the call and who is in it', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  const { call, participant } = await alice.call(conversation);
  alpha.sft.presence(call.conference, [participant]);
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 1, 'alice is there');
  const before = await alice.conversations();
  await alpha.stop();
  await alpha.start();
  expect(await alice.conversations()).toEqual(before);
  const sft = await alpha.connectSft();
  sft.presence(call.conference, [participant]);
  const ticket = await until(() => bob.ticket(conversation).catch(() => undefined), 'a ticket');
  expect((await beta.sft.grant(ticket.call.conference)).anchor).toBe('alpha.example');
  sft.presence(call.conference, []);
  await until(async () => (await alice.conversation(conversation)).call === undefined, 'the call ends');
});

test('without its SFT a domain gives no tickets, and says so', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  alpha.sft.close();
  await until(() => !alpha.homeserver.isSftConnected, 'the SFT is gone');
  await expect(alice.call(conversation)).rejects.toMatchObject({ status: 503, code: 'HOME_SFT_UNREACHABLE' });
  expect((await alice.conversation(conversation)).call).toBeUndefined();
});

test('an SFT that comes back with a call that ended meanwhile is told so', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  const { call, participant } = await alice.call(conversation);
  alpha.sft.close();
  await until(() => !alpha.homeserver.isSftConnected, 'the SFT is gone');
  await alice.endCall(conversation);
  const sft = await alpha.connectSft();
  sft.presence(call.conference, [participant]);
  await until(() => sft.ended.includes(call.conference), 'told the end');
});

test('a domain that is blocked gets no more grants, and its people leave the calls', { timeout: 20_000 }, async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  await seen(bob, conversation);
  const { call, participant } = await alice.call(conversation);
  alpha.sft.presence(call.conference, [participant]);
  await until(async () => (await bob.conversation(conversation)).call, 'bob sees the call');
  const other = await bob.ticket(conversation);
  beta.sft.presence(call.conference, [other.participant]);
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 2, 'both are there');

  await alpha.allow({ organisation: beta, state: 'blocked' });
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 1, 'bob was taken out');
  await expect(alice.find('@bob@beta.example')).rejects.toMatchObject({ status: 403, code: 'FED_NOT_ALLOWED' });
  await expect(bob.find('@alice@alpha.example')).rejects.toMatchObject({ status: 521, code: 'FED_REFUSED' });

  await alpha.allow(beta);
  await until(() => alice.find('@bob@beta.example').catch(() => undefined), 'allowed again');
});

test('a server that another authority certified is an error of its own', { timeout: 20_000 }, async () => {
  const impostor = await makeTestDomain(join(world.folder, 'elsewhere'), 'beta.example');
  await alpha.allow({ organisation: beta, of: impostor });
  const code = () => alice.find('@bob@beta.example').catch((error: { code: string }) => error.code);
  await until(async () => (await code()) === 'FED_TLS', 'the list is followed');
  await expect(alice.find('@bob@beta.example')).rejects.toMatchObject({ status: 525, code: 'FED_TLS' });
});

test('after the end nothing is left alive', async () => {
  const count = () => process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout|FSEvent/.test(name)).length;
  const before = count();
  const more = await organise('gamma.example', 'delta.example');
  const [gamma, delta] = more.organisations as [Organisation, Organisation];
  const carol = await gamma.person('carol');
  const dave = await delta.person('dave');
  const { conversation } = await carol.create('Ropes', dave.id);
  await carol.call(conversation);
  await more[Symbol.asyncDispose]();
  await until(() => count() <= before, 'everything is closed');
});
