/** Two and three organisations with real TLS: everything a conference needs of the homeservers, from look-up to hang-up. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FEDERATION_VERSIONS } from '#signalling/federation.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { checkGrant, checkTicket } from '#signalling/ticket.ts';
import { readTicketKey } from '#trust/tickets.ts';
import { DIRECTORY_PATH } from './federation/directory.ts';
import { type Organisation, organise, type World } from './testing/organisation.ts';
import type { Person } from './testing/person.ts';
import { until } from './testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let gamma: Organisation;
let alice: Person;
let bob: Person;
let carol: Person;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example', 'gamma.example');
  [alpha, beta, gamma] = world.organisations as [Organisation, Organisation, Organisation];
  alice = await alpha.person('alice', 'Alice');
  bob = await beta.person('bob', 'Bob');
  carol = await gamma.person('carol', 'Carol');
});
afterAll(() => world[Symbol.asyncDispose]());

const seen = (person: Person, id: ConversationId) =>
  until(async () => (await person.conversations()).find(({ conversation }) => conversation === id), 'conversation');
const call = async (person: Person, id: ConversationId) => (await person.conversation(id)).call;

describe('looking people up', () => {
  test('by exact address, at home and elsewhere', async () => {
    expect(await alice.find('@bob@beta.example')).toEqual(bob.session.user);
    expect(await bob.find('Bob@Beta.example')).toEqual(bob.session.user);
  });

  test.each([
    ['@nobody@beta.example', 404, 'HOME_NOT_FOUND'],
    ['@nobody@alpha.example', 404, 'HOME_NOT_FOUND'],
    ['@eve@evil.example', 403, 'FED_NOT_ALLOWED'],
    ['bob', 400, 'HOME_BAD_REQUEST'],
    ['@bob@127.0.0.1', 400, 'HOME_BAD_REQUEST'],
  ])('%s is answered with %i %s', async (address, status, code) => {
    await expect(alice.find(address)).rejects.toMatchObject({ status, code });
  });
});

test('each says at its web address where its homeserver is, as others look for it', async () => {
  const answer = await fetch(new URL(DIRECTORY_PATH, alpha.url));
  expect(await answer.json()).toMatchObject({
    ...{ domain: 'alpha.example', homeserver: alpha.site.homeserver.federation.address, protocol: FEDERATION_VERSIONS },
    feed: `https://${alpha.site.homeserver.federation.address}/federation/v2/feed/{domain}`,
  });
});

test('a call over two domains, from the click to the last one out', async () => {
  const { conversation } = await alice.create('Ropes', bob.id);
  await seen(bob, conversation);

  const started = performance.now();
  const ticket = await alice.call(conversation);
  const ringing = await bob.hear('ringing');
  const rungAfter = performance.now() - started;
  expect(ringing.call).toMatchObject({
    conference: ticket.call.conference,
    anchor: 'alpha.example',
    startedBy: alice.id,
  });

  const claims = await checkTicket(ticket.ticket, {
    issuer: alpha.domain,
    audience: 'sft.alpha.example',
    key: await readTicketKey(alpha.certificates.tickets.publicKey),
    now: Date.now(),
  });
  expect(claims).toMatchObject({ participant: ticket.participant, anchor: 'alpha.example' });
  expect(JSON.stringify(claims)).not.toContain('alice');
  expect(ticket.sft).toBe(alpha.site.sft.client.url);
  alpha.sft.presence(ticket.call.conference, [ticket.participant]);
  expect((await bob.hear('joined')).member).toMatchObject({ user: alice.id, name: 'Alice' });

  const other = await bob.ticket(conversation);
  expect(other.call.conference).toBe(ticket.call.conference);
  // Whose connection broke comes back under the name that he had, and under nobody else's.
  const again = await bob.ticket(conversation, other.participant);
  expect(again).toMatchObject({ participant: other.participant });
  expect(again.ticket).not.toBe(other.ticket);
  await expect(bob.ticket(conversation, ticket.participant)).rejects.toMatchObject({ code: 'HOME_NO_CALL' });
  const { grant, anchor, link } = await beta.sft.grant(other.call.conference);
  expect([anchor, link]).toEqual(['alpha.example', alpha.site.sft.link.url]);
  const granted = await checkGrant(grant, {
    issuer: alpha.domain,
    audience: 'sft.alpha.example',
    key: await readTicketKey(alpha.certificates.tickets.publicKey),
    now: Date.now(),
  });
  expect(granted).toMatchObject({ domain: 'beta.example', domains: ['alpha.example'] });

  beta.sft.presence(other.call.conference, [other.participant]);
  await until(async () => (await call(alice, conversation))?.members.length === 2, 'both are there');
  await until(async () => (await call(bob, conversation))?.members.length === 2, 'both are there for bob too');
  expect((await call(bob, conversation))?.members.map(({ name }) => name)).toEqual(['Alice', 'Bob']);

  alpha.sft.presence(ticket.call.conference, []);
  expect((await bob.hear('left')).member.user).toBe(alice.id);
  beta.sft.presence(ticket.call.conference, []);
  expect((await alice.hear('ended')).conference).toBe(ticket.call.conference);
  await bob.hear('ended');
  expect(await call(bob, conversation)).toBeUndefined();
  await expect(bob.ticket(conversation)).rejects.toMatchObject({ status: 410, code: 'HOME_NO_CALL' });
  // Far below what it would take to find out by asking now and then.
  expect(rungAfter).toBeLessThan(10_000);
});

test('the caller need not be at the hub: the call is anchored where it was started', async () => {
  const { conversation } = await alice.create('Knots', bob.id, carol.id);
  await seen(bob, conversation);
  await seen(carol, conversation);
  const ticket = await bob.call(conversation);
  expect(ticket.call.anchor).toBe('beta.example');
  await until(async () => call(carol, conversation), 'carol sees the call');
  const [forAlice, forCarol] = await Promise.all([alice.ticket(conversation), carol.ticket(conversation)]);
  const grants = await Promise.all([
    alpha.sft.grant(forAlice.call.conference),
    gamma.sft.grant(forCarol.call.conference),
  ]);
  for (const { anchor, link } of grants) expect([anchor, link]).toEqual(['beta.example', beta.site.sft.link.url]);
  for (const [organisation, { participant }] of [
    [alpha, forAlice],
    [beta, ticket],
    [gamma, forCarol],
  ] as const) {
    organisation.sft.presence(ticket.call.conference, [participant]);
  }
  for (const person of [alice, bob, carol]) {
    await until(async () => (await call(person, conversation))?.members.length === 3, 'all three are there');
  }
  await expect(carol.endCall(conversation)).rejects.toMatchObject({ status: 403, code: 'HOME_FORBIDDEN' });
  await bob.endCall(conversation);
  for (const { sft } of [alpha, beta, gamma]) {
    await until(() => sft.ended.includes(ticket.call.conference), 'each SFT is told the end');
  }
});

test('of two who start at the same moment in two domains both end up in one call', async () => {
  const { conversation } = await alice.create('Splices', bob.id, carol.id);
  await seen(bob, conversation);
  await seen(carol, conversation);
  const tickets = await Promise.all([bob.call(conversation), carol.call(conversation), alice.call(conversation)]);
  expect(new Set(tickets.map((ticket) => ticket.call.conference)).size).toBe(1);
  await alice.endCall(conversation);
});

test('administrators add people of other domains; who comes late is rung', async () => {
  const { conversation } = await alice.create('Bights', bob.id);
  await seen(bob, conversation);
  await expect(bob.addMember(conversation, carol.id)).rejects.toMatchObject({ status: 403, code: 'HOME_FORBIDDEN' });
  await alice.call(conversation);
  const { members } = await alice.addMember(conversation, carol.id);
  expect(members.map(({ name }) => name)).toEqual(['Alice', 'Bob', 'Carol']);
  await until(
    () => carol.events.some((event) => event.type === 'ringing' && event.conversation === conversation),
    'carol is rung',
  );
  await alice.endCall(conversation);
});

test('the anchor’s SFT is told who may be in a call, with each change, and all of it when it comes back', async () => {
  const { conversation } = await alice.create('Shrouds', bob.id);
  const { call: started } = await alice.call(conversation);
  const [a, b, c] = [alpha, beta, gamma].map(({ domain }) => domain);
  const said = () => alpha.sft.allowed.get(started.conference)?.domains;
  await until(said, 'who may be in');
  expect(said()).toEqual([{ domain: b, domains: [a] }]);
  await alice.addMember(conversation, carol.id);
  await until(() => said()?.length === 2, 'gamma too');
  const both = [
    { domain: b, domains: [a, c] },
    { domain: c, domains: [a, b] },
  ];
  expect(said()).toEqual(both);
  expect(beta.sft.allowed.has(started.conference)).toBe(false);

  alpha.sft.close();
  await alpha.connectSft();
  await until(said, 'all of it again');
  expect(said()).toEqual(both);
  await alice.endCall(conversation);
});

test('strangers see neither conversation nor call', async () => {
  const { conversation } = await alice.create('Hitches', bob.id);
  await expect(carol.conversation(conversation)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  await expect(carol.call(conversation)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  await expect(carol.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
});

test('no name, handle, title, token or user id of anybody is in a log', async () => {
  for (const organisation of [alpha, beta, gamma]) {
    const text = organisation.logged.join('\n');
    expect(text).toContain('"msg":"started"');
    for (const word of ['alice', 'Alice', 'bob', 'carol', 'Ropes', 'mimi://', alice.session.accessToken]) {
      expect(text).not.toContain(word);
    }
  }
});
