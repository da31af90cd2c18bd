/** A server that says what Prosody says, in pieces of any length. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '#signalling/testing.ts';
import { rivalOf } from './against.ts';
import { XmppDevice } from './xmpp-device.ts';

const server = createServer();
let other: Socket;
let piece = 1;

/** Everything that is said, in pieces. */
const say = async (text: string) => {
  for (let at = 0; at < text.length; at += piece) {
    other.write(text.slice(at, at + piece));
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const ANSWERS: readonly [RegExp, string][] = [
  [/<stream:stream /, '<stream:stream><stream:features></stream:features>'],
  [/id='account'/, "<iq id='account' type='result'/>"],
  [/<auth /, "<success xmlns='x'/>"],
  [/id='bind'/, "<iq id='bind' type='result'/>"],
  [/<enable /, "<enabled xmlns='urn:xmpp:sm:3'/>"],
  [/<presence\/>/, "<presence from='a'/><a h='1' xmlns='urn:xmpp:sm:3'/>"],
];

beforeAll(async () => {
  server.on('connection', (socket) => {
    other = socket;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const [asked, answer] of ANSWERS) if (asked.test(String(data))) void say(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test.each([1, 7, 1_000])('messages and acknowledgements are counted once, in pieces of %i', async (length) => {
  piece = length;
  const { port } = server.address() as AddressInfo;
  const device = new XmppDevice({ host: '127.0.0.1', port, domain: 'alpha.example' }, 'p0');
  await device.connect(true);
  const written = [
    device.write('p1@alpha.example', 'chat', 'hello'),
    device.write('p1@alpha.example', 'chat', 'hello'),
  ];
  await say(
    "<message from='x'><body>one</body></message><message from='x'><body>two</body></message><a h='2' xmlns='y'/>",
  );
  await written[0];
  expect(device.received).toBe(2);
  const done = written[1]?.then(() => true);
  expect(await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 20, false))])).toBe(false);
  await say("<a h='3' xmlns='y'/>");
  expect(await done).toBe(true);
  device.close();
  await until(() => !device.isConnected, 'it is gone');
});

test('another server is named by its address', () => {
  expect(rivalOf('prosody')).toBe('prosody');
  expect(rivalOf('xmpp://127.0.0.1:5333/alpha.example')).toEqual({
    host: '127.0.0.1',
    port: 5333,
    domain: 'alpha.example',
  });
  expect(rivalOf('xmpp://127.0.0.1/alpha.example')).toMatchObject({ port: 5222 });
  for (const wrong of ['', 'ejabberd', 'http://127.0.0.1/x', 'xmpp://127.0.0.1'])
    expect(rivalOf(wrong)).toBeUndefined();
});
