/** What happens when servers are away, come back, or may no longer be talked to. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConversationId } from '#signalling/ids.ts';
import { makeTestDomain } from '#trust/testing.ts';
import { type Organisation, organise, PASSWORD, type World } from './testing/organisation.ts';
import { Person, Refused } from './testing/person.ts';
import { until } from './testing/world.ts';
import { WORLD } from './world.ts';

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

test('a domain that is blocked gets no more grants, and its people leave the calls', async () => {
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

test('who was blocked while the homeserver was not running is out of its calls when it starts', async () => {
  const own = (await alice.create('Ropes', bob.id)).conversation;
  const theirs = (await bob.create('Knots', alice.id)).conversation;
  await seen(bob, own);
  await seen(alice, theirs);
  const { call, participant } = await alice.call(own);
  alpha.sft.presence(call.conference, [participant]);
  await until(async () => (await bob.conversation(own)).call, 'bob sees the call');
  const other = await bob.ticket(own);
  beta.sft.presence(call.conference, [other.participant]);
  await bob.call(theirs);
  await until(async () => (await alice.conversation(own)).call?.members.length === 2, 'both are there');
  await until(async () => (await alice.conversation(theirs)).call, 'alice sees the other call');
  await alpha.stop();
  await alpha.allow({ organisation: beta, state: 'blocked' });
  await alpha.start();
  await until(async () => (await alice.conversation(own)).call?.members.length === 1, 'bob was taken out');
  await until(async () => (await alice.conversation(own)).members.length === 1, 'and of the conversation, in batches');
  await until(async () => (await alice.conversations()).length === 1, 'what his hub keeps is over for us');
  expect((await alice.conversations())[0]?.conversation).toBe(own);
});

test('where the hub is blocked its calls are over for us', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  const { call } = await alice.call(conversation);
  await bob.hear('ringing');
  await beta.allow({ organisation: alpha, state: 'blocked' });
  expect((await bob.hear('ended')).conference).toBe(call.conference);
  await until(() => beta.sft.ended.includes(call.conference), 'the SFT is told');
  await until(async () => (await bob.conversations()).length === 0, 'the conversation too');
  await beta.allow(alpha);
  await until(async () => (await alice.conversation(conversation)).members.length === 1, 'he has left', 15_000);
  await alice.endCall(conversation);
  await alice.addMember(conversation, bob.id);
  await alice.call(conversation);
  await until(async () => (await bob.conversation(conversation)).call, 'the next call is known again', 15_000);
});

test('who leaves while the hub is down is known to have left when it is back', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  const { call, participant } = await alice.call(conversation);
  alpha.sft.presence(call.conference, [participant]);
  await bob.hear('ringing');
  const other = await bob.ticket(conversation);
  beta.sft.presence(call.conference, [other.participant]);
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 2, 'both are there');
  await alpha.stop();
  beta.sft.presence(call.conference, []);
  await until(async () => (await outboxDepth(beta, 'alpha.example')) === 1, 'it waits in the outbox');
  await expect(bob.call(conversation)).resolves.toBeDefined();
  await alpha.start();
  const sft = await alpha.connectSft();
  sft.presence(call.conference, [participant]);
  const here = await until(async () => {
    const members = (await alice.conversation(conversation)).call?.members ?? [];
    return members.length === 1 && members;
  }, 'bob is gone');
  expect(here[0]?.user).toBe(alice.id);
});

test('while the hub is down its followers cannot start calls, and are told whose server is away', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  await seen(bob, conversation);
  await alpha.stop();
  await expect(bob.call(conversation)).rejects.toMatchObject({
    status: 533,
    problem: { unreachable_domains: ['alpha.example'] },
  });
});

test('the people of an SFT that does not come back have left', async () => {
  let later = 0;
  await alpha.stop();
  await alpha.start({ world: { ...WORLD, now: () => Date.now() + later } });
  await alpha.connectSft();
  const { conversation } = await alice.create('Ropes', bob.id);
  const { call, participant } = await alice.call(conversation);
  alpha.sft.presence(call.conference, [participant]);
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 1, 'alice is there');
  alpha.sft.close();
  await until(() => !alpha.homeserver.isSftConnected, 'the SFT is gone');
  expect((await alice.conversation(conversation)).call?.members).toHaveLength(1);
  later = 15_000;
  await until(async () => (await alice.conversation(conversation)).call === undefined, 'nobody is left');
});

test('two domains that do not federate are not brought together, and the pair is named', async () => {
  await using more = await organise('gamma.example');
  const [gamma] = more.organisations as [Organisation];
  const carol = await gamma.person('carol');
  await alpha.allow(beta, gamma);
  await gamma.allow(alpha, beta);
  const name = '@carol@gamma.example';
  await until(() => alice.find(name).catch(() => undefined), 'alpha and gamma federate');
  const creation = () => alice.create('Ropes', bob.id, carol.id);
  await expect(creation()).rejects.toMatchObject({ status: 409, code: 'FED_NON_FEDERATING' });
  await expect(creation()).rejects.toMatchObject({
    problem: { message: expect.stringContaining('beta.example and gamma.example') },
  });
  const { conversation } = await alice.create('Ropes', bob.id);
  await expect(alice.addMember(conversation, carol.id)).rejects.toMatchObject({ code: 'FED_NON_FEDERATING' });
});

test('a server that another authority certified is an error of its own', async () => {
  const impostor = await makeTestDomain(join(world.folder, 'elsewhere'), 'beta.example');
  await alpha.allow({ organisation: beta, of: impostor });
  const refusal = await until(async () => {
    const error = await alice.find('@bob@beta.example').catch((reason: unknown) => reason);
    return error instanceof Refused && error.code === 'FED_TLS' && error;
  }, 'the list is followed');
  expect(refusal.status).toBe(525);
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
