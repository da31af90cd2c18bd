import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CLIENT_SFT } from '#signalling/client-sft.ts';
import type { HawserError } from '#signalling/errors.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from '../testing.ts';

const folder = temporaryFolder();
let sft: TestSft;
beforeAll(async () => {
  sft = await TestSft.start(folder, 'alpha');
});
afterAll(() => sft.close());

async function raw(options: { origin?: string } = {}) {
  const socket = new WebSocket(sft.signallingUrl, [CLIENT_SFT.protocol], options);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_, { statusCode }) => reject(new Error(String(statusCode))));
  });
  return { socket, closed };
}

async function joined() {
  const conference = newConferenceId();
  const client = await sft.connect();
  await client.rpc.request('join', { conference, ticket: await sft.ticket({ conference }) });
  return client;
}

it('refuses the page of a foreign origin', async () => {
  await expect(raw({ origin: 'https://evil.example' })).rejects.toThrow('403');
  const { socket } = await raw({ origin: sft.site.sft.client.origins[0] ?? '' });
  socket.terminate();
});

it('answers a path that it does not have with 404, and plain HTTP with a sentence', async () => {
  const url = sft.signallingUrl.replace('ws:', 'http:');
  const response = await fetch(url);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('media server');
});

it.each([
  [
    'publish',
    {
      kind: 'camera',
      muted: false,
      renditions: [
        { layers: [0], rtpParameters: { codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }] } },
      ],
    },
  ],
  ['receive', { capabilities: { codecs: [], headerExtensions: [] } }],
  ['leave', {}],
  ['ready', { consumer: 'c' }],
] as const)('refuses `%s` before a join', async (method, params) => {
  const { rpc } = await sft.connect();
  await expect(rpc.request(method as 'leave', params as Record<string, never>)).rejects.toMatchObject({
    code: 'SIG_ORDER',
  });
  rpc.close();
});

it('refuses a second join, `receive` and `connect`', async () => {
  const client = await joined();
  const code = (call: Promise<unknown>) =>
    call.then(
      () => 'no error',
      (error: HawserError) => error.code,
    );
  const capabilities = { codecs: [], headerExtensions: [] };
  expect(await code(client.rpc.request('receive', { capabilities }))).toBe('no error');
  expect(await code(client.rpc.request('receive', { capabilities }))).toBe('SIG_ORDER');
  const dtlsParameters = {
    role: 'client' as const,
    fingerprints: [{ algorithm: 'sha-256' as const, value: Array(32).fill('AB').join(':') }],
  };
  expect(await code(client.rpc.request('connect', { transport: 'send', dtlsParameters }))).toBe('no error');
  expect(await code(client.rpc.request('connect', { transport: 'send', dtlsParameters }))).toBe('SIG_ORDER');
  client.rpc.close();
  await sft.idle();
});

/** As a source of one layer. */
const alone = (rtpParameters: object) => [{ layers: [0], rtpParameters: rtpParameters as never }];
const VP8 = { mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 };
it.each([
  ['no encodings', 'camera', { codecs: [VP8] }],
  ['an unknown codec', 'camera', { codecs: [{ ...VP8, mimeType: 'video/H265' }], encodings: [{ ssrc: 1 }] }],
  ['a codec of the wrong kind', 'microphone', { codecs: [VP8], encodings: [{ ssrc: 1 }] }],
  ['an encoding without SSRC and RID', 'camera', { codecs: [VP8], encodings: [{}] }],
  ['two screens in one', 'screen', { codecs: [VP8], encodings: [{ ssrc: 1 }, { ssrc: 2 }] }],
  [
    'a repair codec alone',
    'camera',
    { codecs: [{ mimeType: 'video/rtx', payloadType: 97, clockRate: 90_000 }], encodings: [{ ssrc: 1 }] },
  ],
  ['a mime type that is none', 'camera', { codecs: [{ ...VP8, mimeType: '🙂' }], encodings: [{ ssrc: 1 }] }],
] as const)('refuses a source with %s to that client alone', async (_, kind, rtpParameters) => {
  const other = await joined();
  const client = await joined();
  const publish = client.rpc.request('publish', { kind, muted: false, renditions: alone(rtpParameters) });
  await expect(publish).rejects.toMatchObject({ code: expect.stringMatching(/^SFT_(MEDIA|CODEC)_REFUSED$/) });
  const good = { codecs: [VP8], encodings: [{ ssrc: 4_711 }] };
  expect(await client.rpc.request('publish', { kind: 'camera', muted: false, renditions: alone(good) })).toHaveProperty(
    'source',
  );
  expect(other.rpc.isOpen).toBe(true);
  for (const { rpc } of [client, other]) rpc.close();
  await sft.idle();
});

it.each([
  ['all layers in one rendition', [[0, 1, 2]]],
  ['with two layers in one rendition', [[0], [1, 2]]],
  ['without its smallest layer', [[1], [2]]],
  ['with a layer left out', [[0], [2]]],
  ['with a layer twice', [[0], [0]]],
  ['in the wrong order', [[1], [0]]],
])('refuses a camera that comes %s', async (_, layers) => {
  const { rpc } = await joined();
  let ssrc = 1;
  const renditions = layers.map((each) => ({
    layers: each,
    rtpParameters: { codecs: [VP8], encodings: each.map(() => ({ ssrc: ssrc++ })) },
  }));
  const publish = rpc.request('publish', { kind: 'camera', muted: false, renditions });
  await expect(publish).rejects.toMatchObject({ code: 'SFT_MEDIA_REFUSED' });
  rpc.close();
  await sft.idle();
});

it('refuses what the ticket does not permit', async () => {
  const conference = newConferenceId();
  const { rpc } = await sft.connect();
  await rpc.request('join', { conference, ticket: await sft.ticket({ conference, may: ['audio'] }) });
  const publish = rpc.request('publish', {
    kind: 'camera',
    muted: false,
    renditions: alone({ codecs: [VP8], encodings: [{ ssrc: 1 }] }),
  });
  await expect(publish).rejects.toMatchObject({ code: 'SFT_NOT_PERMITTED' });
  rpc.close();
});

it('stands whatever is sent to it, before and after a join, and leaves nothing behind', async () => {
  const name = fc.constantFrom(
    ...Object.keys(CLIENT_SFT.requests),
    ...Object.keys(CLIENT_SFT.notifications),
    '__proto__',
    'x',
  );
  const message = fc.oneof(
    { weight: 4, arbitrary: fc.record({ id: fc.nat(), method: name, params: fc.anything() }) },
    { weight: 2, arbitrary: fc.record({ method: name, params: fc.anything() }) },
    { weight: 1, arbitrary: fc.anything() },
  );
  const text = (value: unknown) => {
    try {
      return JSON.stringify(value) ?? '';
    } catch {
      return '{"a":';
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 6 }), fc.boolean(), async (messages, joins) => {
      const { socket, closed } = await raw();
      if (joins) {
        const conference = newConferenceId();
        socket.send(text({ id: 0, method: 'join', params: { conference, ticket: await sft.ticket({ conference }) } }));
      }
      for (const each of messages) socket.send(text(each));
      socket.close(1000);
      expect(await closed).toBeGreaterThanOrEqual(1000);
    }),
    { numRuns: 60 },
  );
  await sft.idle();
  const client = await joined();
  expect(client.rpc.isOpen).toBe(true);
  client.rpc.close();
  await sft.idle();
  expect(await sft.metric('hawser_sft_faults_total')).toBe(0);
});

it.each([
  ['10 MB', 'x'.repeat(10_000_000)],
  ['deep nesting', `{"id":1,"method":"join","params":${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}}`],
])('closes on %s', async (_, message) => {
  const { socket, closed } = await raw();
  socket.send(message);
  expect([1009, 4400]).toContain(await closed);
});

it('does not wait for ever for a ticket', async () => {
  const { closed } = await raw();
  expect(await closed).toBe(4409);
});
