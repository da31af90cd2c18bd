/** The door for other servers, knocked at by hand: what a domain may not say, and what is no protocol at all. */
import { readFile } from 'node:fs/promises';
import { Agent, type AgentOptions, request as httpsRequest } from 'node:https';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FEDERATION_PATHS, type Statement } from '#signalling/federation.ts';
import type { ConferenceId, ConversationId, ParticipantId } from '#signalling/ids.ts';
import { SFT_HOME } from '#signalling/sft-home.ts';
import { dialSocket } from '#signalling/websocket.ts';
import { makeTestDomain, type TestCertificate } from '#trust/testing.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import type { Person } from '../testing/person.ts';
import { signerOf } from '../testing/signer.ts';
import { until, user } from '../testing/world.ts';
import { digestOf, type RequestSigner, signRequest } from './signature.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let alice: Person;
let bob: Person;
let conversation: ConversationId;
let asBeta: Knock;
let signer: RequestSigner;

const conference = 'c'.repeat(22) as ConferenceId;
const participant = 'p'.repeat(22) as ParticipantId;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  await beta.stop();
  signer = await signerOf(beta);
  await beta.start();
  alice = await alpha.person('alice', 'Alice');
  bob = await beta.person('bob', 'Bob');
  ({ conversation } = await alice.create('Ropes', bob.id));
  asBeta = await knock(beta.certificates.homeserver);
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

type Knock = (path: string, body?: string) => Promise<{ status: number; code: string; body: unknown }>;

/** Requests to alpha's door with a certificate; those of version 2 are signed by beta. */
async function knock(certificate?: TestCertificate, options: AgentOptions = { keepAlive: false }): Promise<Knock> {
  const agent = new Agent({
    ...options,
    ca: await readFile(alpha.certificates.authority),
    servername: 'alpha.example',
    ...(certificate && { cert: await readFile(certificate.certificate), key: await readFile(certificate.key) }),
  });
  return (path, body) =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const said = { method, path, digest: digestOf(body ?? ''), from: beta.domain, to: alpha.domain };
      const request = httpsRequest({
        ...{ agent, host: '127.0.0.1', port: alpha.homeserver.ports.federation, path, method },
        headers: {
          ...(path.startsWith('/federation/v2/') && signRequest(said, signer, Date.now())),
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
        },
      });
      request.on('error', reject);
      request.on('response', async (response) => {
        const chunks = await response.toArray();
        const text = Buffer.concat(chunks as Buffer[]).toString();
        const value = JSON.parse(text) as { code?: string };
        resolve({ status: response.statusCode ?? 0, code: value.code ?? 'ok', body: value });
      });
      request.end(body);
    });
}

const path = (call: keyof typeof FEDERATION_PATHS, parameter = '') =>
  FEDERATION_PATHS[call].replace(/:[a-z]+$/, encodeURIComponent(parameter));
const say = async (call: keyof typeof FEDERATION_PATHS, parameter: string, body: unknown) =>
  (await asBeta(path(call, parameter), JSON.stringify(body))).code;

const statement = (): Statement => ({
  conversation: 'mimi://beta.example/r/BBBBBBBBBBBBBBBBBBBBBB' as ConversationId,
  seq: 5,
  title: 'Knots',
  members: [
    { user: bob.id, domain: beta.domain, name: 'Bob', role: 'admin' },
    { user: alice.id, domain: alpha.domain, name: 'Alice', role: 'member' },
  ],
});

describe('who comes in', () => {
  test('an allowed domain, which is told the versions', async () => {
    const { status, body } = await asBeta(FEDERATION_PATHS.versions);
    expect([status, body]).toEqual([200, { domain: 'alpha.example', versions: { min: 1, max: 2 } }]);
  });

  test.each(['no certificate', 'a domain that is not allowed', 'another authority', 'a self-signed one'])(
    '%s: refused before a byte of HTTP, counted',
    async (who) => {
      const gamma = await makeTestDomain(world.folder, 'gamma.example');
      const certificates: Record<string, TestCertificate | undefined> = {
        'no certificate': undefined,
        'a domain that is not allowed': gamma.homeserver,
        'another authority': await gamma.issue({ names: ['beta.example'] }),
        'a self-signed one': await beta.certificates.issue({ selfSigned: true }),
      };
      const refused = async () =>
        [
          ...(await (await fetch(`${alpha.admin}/metrics`)).text()).matchAll(/connections_refused_total\{.*\} (\d+)/g),
        ].reduce((sum, [, count]) => sum + Number(count), 0);
      const before = await refused();
      const stranger = await knock(certificates[who]);
      await expect(stranger(FEDERATION_PATHS.versions)).rejects.toThrow();
      expect(await refused()).toBe(before + 1);
    },
  );

  test('an SFT, also our own, is not a homeserver', async () => {
    const ownSft = await knock(alpha.certificates.sft);
    expect(await ownSft(FEDERATION_PATHS.versions)).toMatchObject({ status: 403, code: 'FED_NOT_ALLOWED' });
    const farSft = await knock(beta.certificates.sft);
    await expect(farSft(FEDERATION_PATHS.versions)).rejects.toThrow();
  });

  test('a homeserver is not our SFT', async () => {
    const dialled = dialSocket({
      url: alpha.site.sft.homeserver,
      contract: SFT_HOME,
      tls: {
        ca: await readFile(alpha.certificates.authority),
        cert: await readFile(beta.certificates.homeserver.certificate),
        key: await readFile(beta.certificates.homeserver.key),
        servername: 'alpha.example',
      },
    });
    await expect(dialled).rejects.toMatchObject({ code: 'FED_REFUSED' });
  });
});

describe('what a domain may not say', () => {
  test('anything in the name of another domain’s people', async () => {
    const operations = [
      { type: 'startCall', actor: alice.id, conference },
      { type: 'endCall', actor: alice.id, conference },
      { type: 'addMember', actor: alice.id, user: bob.id },
      { type: 'presence', conference, seq: 1, participants: [{ participant, user: alice.id }] },
    ];
    for (const operation of operations) expect(await say('update', conversation, operation)).toBe('FED_FOREIGN');
    expect((await alice.conversation(conversation)).call).toBeUndefined();
  });

  test('anything about a conversation whose hub it is not', async () => {
    const theft = { ...statement(), conversation, title: 'Theft' };
    expect(await say('notify', conversation, theft)).toBe('FED_FOREIGN');
    const thirds = { ...theft, conversation: 'mimi://gamma.example/r/CCCCCCCCCCCCCCCCCCCCCC' };
    expect(await say('notify', thirds.conversation, thirds)).toBe('FED_FOREIGN');
    expect((await alice.conversation(conversation)).title).toBe('Ropes');
  });

  test('anything for devices of another domain, or of its own people who are not in a conversation', async () => {
    const [device, own] = [`${alice.id}/d/phone`, `${bob.id}/d/phone`];
    for (const call of ['groupInfo', 'turn', 'endTurn'] as const) {
      expect(await say(call, conversation, { device })).toBe('FED_FOREIGN');
    }
    expect(await say('tree', conversation, { device, epoch: 1 })).toBe('FED_FOREIGN');
    expect(await say('goneDevices', 'alpha.example', { devices: [own, device] })).toBe('FED_FOREIGN');
    expect(await say('goneDevices', 'gamma.example', { devices: [own] })).toBe('FED_WRONG_DESTINATION');
    expect(await say('groupInfo', 'mimi://gamma.example/r/CCCCCCCCCCCCCCCCCCCCCC', { device: own })).toBe(
      'FED_WRONG_DESTINATION',
    );
    const alone = await alice.create('Alone');
    expect(await say('groupInfo', alone.conversation, { device: own })).toBe('HOME_NOT_FOUND');
    expect(await say('keyMaterial', 'alpha.example', { by: alice.id, user: alice.id })).toBe('FED_FOREIGN');
    expect(await say('keyMaterial', 'alpha.example', { by: bob.id, user: bob.id })).toBe('FED_WRONG_DESTINATION');
  });

  test('what is meant for somebody else', async () => {
    expect(await say('identifierQuery', 'gamma.example', { handle: 'carol' })).toBe('FED_WRONG_DESTINATION');
    expect(await say('peersQuery', 'gamma.example', { domains: [] })).toBe('FED_WRONG_DESTINATION');
    const feed = { order: 'one', after: 0, statements: [], entries: [] };
    expect(await say('feed', 'gamma.example', feed)).toBe('FED_WRONG_DESTINATION');
    const startCall = { type: 'startCall', actor: bob.id, conference };
    expect(await say('update', 'mimi://gamma.example/r/CCCCCCCCCCCCCCCCCCCCCC', startCall)).toBe(
      'FED_WRONG_DESTINATION',
    );
    const nobodyOfUs = { ...statement(), members: statement().members.slice(0, 1) };
    expect(await say('notify', nobodyOfUs.conversation, nobodyOfUs)).toBe('FED_WRONG_DESTINATION');
  });

  test('anything in a conversation that it is not in', async () => {
    const own = await alice.create('Alone');
    const startCall = { type: 'startCall', actor: bob.id, conference };
    expect(await say('update', own.conversation, startCall)).toBe('HOME_NOT_FOUND');
    const { call } = await alice.call(own.conversation);
    expect(await say('grant', call.conference, { conversation: own.conversation })).toBe('HOME_NOT_FOUND');
    await alice.endCall(own.conversation);
  });

  test('a statement that is late, repeated or reordered changes nothing', async () => {
    const newest = statement();
    const older = { ...newest, seq: 4, title: 'Old' };
    for (const one of [newest, older, newest, older]) {
      const { body } = await asBeta(path('notify', one.conversation), JSON.stringify(one));
      expect(body).toEqual({ seq: 5 });
    }
    expect((await alice.conversation(newest.conversation)).title).toBe('Knots');
    const told = alice.events.filter(
      (event) => event.type === 'conversation' && event.conversation.conversation === newest.conversation,
    );
    expect(told).toHaveLength(1);
  });
});

describe('what is no protocol', () => {
  test.each<[string, string, number, string]>([
    ['no JSON', '{', 400, 'SIG_MALFORMED'],
    ['deep nesting', '['.repeat(100_000), 400, 'SIG_TOO_DEEP'],
    ['an unknown operation', '{"type":"becomeAdmin","actor":"mimi://beta.example/u/bob"}', 400, 'HOME_BAD_REQUEST'],
    [
      'an unknown member',
      '{"type":"startCall","actor":"mimi://beta.example/u/bob","conference":"cccccccccccccccccccccc","x":1}',
      400,
      'HOME_BAD_REQUEST',
    ],
  ])('%s', async (_what, body, status, code) => {
    expect(await asBeta(path('update', conversation), body)).toMatchObject({ status, code });
  });

  test('10 MB', async () => {
    const answer = await asBeta(path('update', conversation), 'x'.repeat(10_000_000)).catch(() => ({ code: 'closed' }));
    expect(['SIG_TOO_LARGE', 'closed']).toContain(answer.code);
  });

  test('whatever JSON is sent to whatever call: refused with a code, without a fault', {
    timeout: 30_000,
  }, async () => {
    const calls = fc.constantFrom(
      path('identifierQuery', 'alpha.example'),
      path('peersQuery', 'alpha.example'),
      path('update', conversation),
      path('notify', conversation),
      path('grant', conference),
    );
    await fc.assert(
      fc.asyncProperty(calls, fc.jsonValue({ maxDepth: 4 }), async (where, value) => {
        const { status } = await asBeta(where, JSON.stringify(value));
        expect([400, 403, 404, 429]).toContain(status);
      }),
      { numRuns: 100 },
    );
    expect(alpha.logged.join('')).not.toContain('"msg":"fault"');
  });

  test('more than its share: refused, and the others are served', { timeout: 30_000 }, async () => {
    const asMany = await knock(beta.certificates.homeserver, { keepAlive: true, maxSockets: 64 });
    const codes = new Set<string>();
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: 400 }, () => asMany(FEDERATION_PATHS.versions)));
      for (const { code } of answers) codes.add(code);
      return codes.has('FED_LIMIT');
    }, 'its share is used up');
    expect(codes).toEqual(new Set(['ok', 'FED_LIMIT']));
    await until(() => bob.find('@alice@alpha.example').catch(() => undefined), 'its own turn comes again');
    expect((await alice.find('@bob@beta.example')).user).toBe(user('@bob@beta.example'));
  });
});

describe('the SFT', () => {
  const dialSft = async () =>
    dialSocket({
      url: alpha.site.sft.homeserver,
      contract: SFT_HOME,
      tls: {
        ca: await readFile(alpha.certificates.authority),
        cert: await readFile(alpha.certificates.sft.certificate),
        key: await readFile(alpha.certificates.sft.key),
        servername: 'alpha.example',
      },
    });

  test('says hello first', async () => {
    alpha.sft.close();
    const socket = await dialSft();
    const closed = new Promise<string>((resolve) => socket.addEventListener('close', ({ reason }) => resolve(reason)));
    socket.send(JSON.stringify({ method: 'presence', params: { conference, seq: 1, participants: [] } }));
    expect(await closed).toContain('SIG_ORDER');
    await alpha.connectSft();
  });

  test('whatever it sends, the homeserver goes on', async () => {
    alpha.sft.close();
    const message = fc.oneof(
      fc.string(),
      fc.json({ maxDepth: 3 }),
      fc
        .record({
          id: fc.nat(),
          method: fc.constantFrom('hello', 'grant', 'presence'),
          params: fc.jsonValue({ maxDepth: 3 }),
        })
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 4 }), async (messages) => {
        const socket = await dialSft();
        const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
        for (const one of messages) socket.send(one);
        socket.close();
        await closed;
      }),
      { numRuns: 25 },
    );
    expect(alpha.logged.join('')).not.toContain('"msg":"fault"');
    await alpha.connectSft();
  });

  test('late and repeated presence, and pseudonyms without a ticket, change nothing', async () => {
    const { call, participant: own } = await alice.call(conversation);
    const present = async () => (await alice.conversation(conversation)).call?.members.length;
    alpha.sft.presence(call.conference, [own, participant], 10);
    await until(async () => (await present()) === 1, 'alice is there, and nobody else');
    alpha.sft.presence(call.conference, [], 9);
    alpha.sft.presence(call.conference, [], 10);
    alpha.sft.presence(call.conference, [own], 11);
    await alpha.sft.grant('d'.repeat(22) as ConferenceId).catch(() => undefined);
    expect(await present()).toBe(1);
    await alice.endCall(conversation);
  });

  test('gets no grant for a conference that it anchors, or that is none', async () => {
    const { call } = await alice.call(conversation);
    await expect(alpha.sft.grant(call.conference)).rejects.toMatchObject({ code: 'SIG_ORDER' });
    await expect(alpha.sft.grant(conference)).rejects.toMatchObject({ code: 'HOME_NO_CALL' });
    await alice.endCall(conversation);
  });
});

test('whoever goes as the last of his domain is answered what his domain is told', async () => {
  const { conversation: left } = await alice.create('Knots', bob.id);
  const body = JSON.stringify({ type: 'leave', actor: bob.id });
  const answer = await asBeta(path('update', left), body);
  expect(answer.body).toEqual({ conversation: left, seq: expect.any(Number), title: '-', members: [] });
});
