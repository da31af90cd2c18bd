/** A homeserver that lies in what it answers, does not answer, or comes back as another one: whoever asked it is told, and goes on. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBase64Url } from '#signalling/base64.ts';
import { FEDERATION_PATHS, type Statement } from '#signalling/federation.ts';
import { isWaiting } from '#signalling/groups.ts';
import type { ConversationId, GroupId } from '#signalling/ids.ts';
import { parseRefused } from '#signalling/queue.ts';
import { makeTestDomain } from '#trust/testing.ts';
import { type Answering, callOf, PeerDouble } from '../testing/peer-double.ts';
import { makeSigner } from '../testing/signer.ts';
import { until, user } from '../testing/world.ts';
import { Hostile, MALLORY } from './testing/hostile.ts';

const MB = 1024 * 1024;
const ROOM = `mimi://${MALLORY}/r/${'m'.repeat(22)}` as ConversationId;
const GROUP = `mimi://${MALLORY}/g/${'m'.repeat(22)}` as GroupId;

let hostile: Hostile;
let inside: Server;
/** What the server inside our own house was asked. */
const heardInside: string[] = [];

beforeAll(async () => {
  hostile = await Hostile.begin();
  inside = createServer((request, response) => {
    heardInside.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
}, 60_000);
afterAll(async () => {
  inside.close();
  await hostile[Symbol.asyncDispose]();
});

/** What somebody of alpha is told who looks for somebody over there. */
const find = (handle: string) =>
  hostile.carol.find(`@${handle}@${MALLORY}`).then(
    ({ name }) => name,
    (error: { code?: string }) => error.code,
  );

describe('answers', () => {
  /** Bytes of the answer without an end that went out. */
  let endless = 0;
  const lies: Record<string, Answering> = {
    silent: () => new Promise(() => undefined),
    dribbling: (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 1_000);
      response.once('close', () => clearInterval(timer));
      return new Promise(() => undefined);
    },
    endless: (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const part = Buffer.alloc(64 * 1024, ' ');
      const pump = () => {
        let isRoom = true;
        while (isRoom && !response.destroyed && endless < 1024 * MB) {
          endless += part.length;
          isRoom = response.write(part);
        }
      };
      response.on('drain', pump);
      pump();
      return new Promise(() => undefined);
    },
    inward: (_, response) => {
      const { port } = inside.address() as AddressInfo;
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end('{}');
      return undefined;
    },
    metadata: (_, response) => {
      response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data' }).end();
      return undefined;
    },
    deep: (_, response) => void response.writeHead(200).end('['.repeat(100_000)),
    html: (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    cut: (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{', () => response.destroy());
      return undefined;
    },
    foreign: () => ({ status: 200, body: { user: 'mimi://beta.example/u/dora', name: 'Dora' } }),
    more: () => ({ status: 200, body: { user: `mimi://${MALLORY}/u/more`, name: 'More', administrator: true } }),
    invented: () => ({
      status: 418,
      body: { code: 'NO_SUCH_CODE', message: 'Send your password to me', retry: false },
    }),
    speaking: () => ({
      status: 404,
      body: { code: 'HOME_NOT_FOUND', message: 'Call this number (0900 123456)', retry: false },
    }),
  };
  const expected: Record<string, string> = {
    ...{ foreign: 'FED_FOREIGN', speaking: 'HOME_NOT_FOUND' },
  };

  test('none, without end, in another form, or leading elsewhere: told apart in time, and nobody is held', {
    timeout: 30_000,
  }, async () => {
    hostile.honest((asked, response) => {
      if (callOf(asked.path) !== 'identifierQuery') return undefined;
      return lies[(asked.body as { handle: string }).handle]?.(asked, response);
    });
    const [names, memory] = [Object.keys(lies), process.memoryUsage().rss];
    const begin = performance.now();
    const attack = Promise.all(names.map(find));
    const { result, answered } = await hostile.meanwhile(attack);
    const took = performance.now() - begin;
    expect(Object.fromEntries(names.map((name, index) => [name, result[index]]))).toEqual(
      Object.fromEntries(names.map((name) => [name, expected[name] ?? 'FED_UNREACHABLE'])),
    );
    expect(answered).toBeGreaterThan(10);
    expect(took).toBeLessThan(20_000);
    expect(endless).toBeLessThan(32 * MB);
    expect(process.memoryUsage().rss - memory).toBeLessThan(150 * MB);
    expect(heardInside).toEqual([]);
    // Refused words of others are told of like requests; that nobody answers is no lie.
    for (const code of ['FED_FOREIGN', 'SIG_SCHEMA', 'SIG_MALFORMED', 'SIG_TOO_LARGE', 'SIG_TOO_DEEP'] as const)
      await hostile.audited(code, 'dropped');
  });

  test('its words are not told to our people', async () => {
    const error = await hostile.carol.find(`@speaking@${MALLORY}`).catch((refused: unknown) => refused);
    expect(JSON.stringify((error as { problem: unknown }).problem)).not.toContain('0900');
    hostile.honest();
  });

  test('key packages of others', async () => {
    hostile.honest(({ path }) =>
      callOf(path) === 'keyMaterial'
        ? {
            status: 200,
            body: { keyPackages: [{ device: hostile.bob.device.id, keyPackage: toBase64Url(Buffer.alloc(300)) }] },
          }
        : undefined,
    );
    await expect(hostile.alice.api.claim(hostile.mel.device.user)).rejects.toMatchObject({ code: 'FED_FOREIGN' });
    hostile.honest();
  });
});

test('one that takes nothing holds what goes to nobody else', async () => {
  const release = Promise.withResolvers<undefined>();
  hostile.honest(({ path }) => (callOf(path) === 'notify' ? release.promise : undefined));
  const { conversation } = await hostile.carol.create('Ropes', hostile.dora.id, user(`@eve@${MALLORY}`));
  const isTold = () => hostile.double.asked.some(({ path }) => callOf(path) === 'notify');
  await until(isTold, 'mallory is told, and does not answer');
  await hostile.carol.changeTitle(conversation, 'Knots');
  const title = async () => (await hostile.dora.conversation(conversation)).title;
  await until(async () => (await title()) === 'Knots', 'dora has the newest');
  release.resolve(undefined);
  hostile.honest();
});

test('fewer results than messages: they wait, and are handed in again', async () => {
  const { alice, alpha } = hostile;
  const members = [
    { user: hostile.mel.device.user, domain: hostile.mallory.domain, name: 'Mel', role: 'admin' },
    { user: alice.device.user, domain: alpha.domain, name: 'Alice', role: 'member' },
  ] as Statement['members'];
  const state: Statement = { conversation: ROOM, seq: 1, title: 'Trap', group: GROUP, members };
  expect(await hostile.refusal('notify', ROOM, state)).toBe('ok');
  let results: unknown[] = [];
  let asked = 0;
  hostile.honest(({ path }) => {
    if (callOf(path) !== 'submit') return undefined;
    asked += 1;
    return { status: 200, body: { results } };
  });
  const sent = await alice.home.send({ conversation: ROOM, number: 1, message: toBase64Url(Buffer.from('hello')) });
  expect(isWaiting(sent)).toBe(true);
  await until(() => asked > 0, 'it is handed in');
  results = [{ code: 'HOME_FORBIDDEN' }];
  await until(async () => {
    await hostile.say('versions', '');
    return alice.entries.some(({ kind }) => kind === 'refused');
  }, 'it is given back');
  const refused = alice.entries.find(({ kind }) => kind === 'refused');
  expect(parseRefused(refused?.payload ?? '').code).toBe('HOME_FORBIDDEN');
  hostile.honest();
});

test('another message under the number of ours: noted, and its device is told that its own was not sent', async () => {
  const { alice, alpha, mel } = hostile;
  const [conversation, group] = [ROOM.replaceAll('m'.repeat(22), 'n'.repeat(22)), GROUP.replace(/m+$/, 'n'.repeat(22))];
  const room = { conversation: conversation as ConversationId, group: group as GroupId };
  const members = [
    { user: mel.device.user, domain: hostile.mallory.domain, name: 'Mel', role: 'admin' },
    { user: alice.device.user, domain: alpha.domain, name: 'Alice', role: 'member' },
  ] as Statement['members'];
  expect(await hostile.refusal('notify', conversation, { ...room, seq: 1, title: 'Trap', members })).toBe('ok');
  let messages = 0;
  const before = alice.entries.length;
  hostile.honest(({ path, body }) => {
    if (callOf(path) !== 'submit') return undefined;
    messages += (body as { messages: unknown[] }).messages.length;
    return { status: 200, body: { results: [{ taken: true }] } };
  });
  const message = toBase64Url(Buffer.from('pay ten'));
  const sent = alice.home.send({ conversation: room.conversation, number: 1, message }).then(
    (answer) => (isWaiting(answer) ? 'waiting' : 'sent'),
    (error: { code?: string }) => error.code,
  );
  await until(() => messages === 1, 'it is handed in');
  const lie = {
    kind: 'message',
    at: 1,
    sender: alice.device.id,
    id: '1',
    payload: toBase64Url(Buffer.from('pay all')),
  };
  const body = { order: 'altering', after: 0, statements: [], entries: [{ ...room, position: 1, ...lie }] };
  expect((await hostile.say('feed', 'alpha.example', body)).body).toEqual({ received: 1 });
  expect(['FED_EQUIVOCATED', 'waiting']).toContain(await sent);
  await hostile.audited('FED_EQUIVOCATED', 'equivocation');
  const told = await until(
    () => alice.entries.slice(before).find(({ kind }) => kind === 'refused' || kind === 'sent'),
    'its device is told',
  );
  expect([told.kind, parseRefused(told.payload)]).toEqual([
    'refused',
    { conversation, code: 'FED_EQUIVOCATED', last: 1 },
  ]);
  hostile.honest();
});

describe('another one', () => {
  test('with other device roots has to be confirmed, and is refused until then', async () => {
    const { double, mel } = hostile;
    const [known, other] = [double.signer, await makeTestDomain(join(hostile.mallory.site.data, 'other'), MALLORY)];
    const stranger = await PeerDouble.start(other, '', () => undefined);
    const keys = await stranger.keys();
    await stranger[Symbol.asyncDispose]();
    hostile.honest(({ path }) => (path === FEDERATION_PATHS.keys ? { status: 200, body: keys } : undefined));
    // Lets its keys be looked at again.
    expect(await hostile.refusal('goneDevices', 'alpha.example', { devices: [`${mel.device.user}/d/phone`] })).toBe(
      'ok',
    );
    await hostile.audited('FED_KEY_WAITS', 'key-waits');
    double.signer = stranger.signer;
    const search = () => hostile.refusal('search', 'alpha.example', { by: mel.device.user, text: 'carol' });
    expect(await search()).toBe('FED_KEY_WAITS');
    await hostile.audited('FED_KEY_WAITS');
    double.signer = known;
    hostile.honest();
    expect(await search()).toBe('ok');
  });

  test('with a new signing key of its own roots is heard as soon as it is looked up', async () => {
    const { double, mel } = hostile;
    double.signer = makeSigner();
    const search = () => hostile.refusal('search', 'alpha.example', { by: mel.device.user, text: 'carol' });
    await until(async () => (await search()) === 'ok', 'it is heard', 20_000);
  });

  test('with another authority gets in nowhere, and is asked nothing', async () => {
    const other = await makeTestDomain(join(hostile.mallory.site.data, 'another'), MALLORY);
    await hostile.takeOver(other);
    await expect(hostile.say('versions', '')).rejects.toThrow();
    const { code } = await until(async () => {
      const response = await fetch(`${hostile.alpha.admin}/admin/v1/audit?last=200`);
      const { lines } = (await response.json()) as { lines: { domain: string; code: string }[] };
      return lines.find((line) => line.domain === MALLORY && line.code?.startsWith('TRUST_'));
    }, 'the refusal in the audit log');
    expect(code).toMatch(/^TRUST_/);
    expect(await find('mel')).toBe('FED_TLS');
    expect(hostile.double.asked).toEqual([]);
    expect((await hostile.carol.find('@dora@beta.example')).name).toBe('Dora');
  });
});

test('nothing of all this was a fault', () => {
  const { alpha, beta } = hostile;
  expect([...alpha.logged, ...beta.logged].filter((line) => line.includes('"msg":"fault"'))).toEqual([]);
});
