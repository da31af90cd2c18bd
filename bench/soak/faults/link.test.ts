import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { until } from '#signalling/testing-until.ts';
import { Link } from './link.ts';

/** A server that answers each line with the same line in capitals, and what it heard; it may end its connections. */
async function set(undo: AsyncDisposableStack) {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heard.push(String(bytes));
      socket.write(String(bytes).toUpperCase());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.defer(() => new Promise((resolve) => server.close(() => resolve())));
  const link = await Link.open((server.address() as AddressInfo).port);
  undo.use(link);
  const die = () => {
    for (const socket of sockets) socket.destroy();
  };
  return { link, heard, die };
}

async function dial({ port }: Link) {
  const socket: Socket = connect(port, '127.0.0.1');
  const got: string[] = [];
  let isOver = false;
  socket.on('data', (bytes) => got.push(String(bytes)));
  socket.on('error', () => undefined);
  socket.once('close', () => {
    isOver = true;
  });
  await once(socket, 'connect');
  return { socket, got, isOver: () => isOver };
}

test('a link that is cut in silence brings late what was on its way', async () => {
  await using undo = new AsyncDisposableStack();
  const { link, heard } = await set(undo);
  const { socket, got } = await dial(link);
  socket.write('one');
  await until(() => got.join('') === 'ONE', 'the first answer');
  link.cut('silent');
  socket.write('two');
  const other = await dial(link);
  other.socket.write('three');
  await until(() => other.socket.bytesWritten === 5, 'the third');
  expect(heard).toEqual(['one']);
  link.heal();
  await until(() => got.join('') === 'ONETWO' && other.got.join('') === 'THREE', 'all answers');
});

test('a link that loses answers lets requests through, and ends their connections', async () => {
  await using undo = new AsyncDisposableStack();
  const { link, heard } = await set(undo);
  link.cut('answers');
  const { socket, got, isOver } = await dial(link);
  socket.write('one');
  await until(() => heard.length === 1, 'the request');
  await until(() => {
    link.heal();
    link.cut('answers');
    return isOver();
  }, 'the end of the connection');
  expect(got).toEqual([]);
});

test.each(['silent', 'answers'] as const)(
  'who died behind a link that was cut (%s) is gone when it is healed',
  async (how) => {
    await using undo = new AsyncDisposableStack();
    const { link, die } = await set(undo);
    const { socket, got, isOver } = await dial(link);
    socket.write('one');
    await until(() => got.length === 1, 'the first answer');
    link.cut(how);
    die();
    // The link has heard of it by then.
    const other = await dial(link);
    other.socket.destroy();
    await until(other.isOver, 'the other connection');
    expect(isOver()).toBe(false);
    link.heal();
    await until(isOver, 'the end of the connection');
  },
);

test('a link that is cut by resets ends what is open and takes nothing new, until it is healed', async () => {
  await using undo = new AsyncDisposableStack();
  const { link } = await set(undo);
  const before = await dial(link);
  link.cut('reset');
  await until(before.isOver, 'the end of the connection');
  const during = connect(link.port, '127.0.0.1');
  during.on('error', () => undefined);
  await new Promise((resolve) => during.once('close', resolve));
  link.heal();
  const after = await dial(link);
  after.socket.write('one');
  await until(() => after.got.join('') === 'ONE', 'the answer');
});

test('a side that goes on after the other one closed leaves nothing behind with each of its chunks', async () => {
  await using undo = new AsyncDisposableStack();
  const warnings: Error[] = [];
  const warn = (warning: Error) => void warnings.push(warning);
  process.on('warning', warn);
  undo.defer(() => void process.off('warning', warn));
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.defer(() => new Promise((resolve) => server.close(() => resolve())));
  const link = await Link.open((server.address() as AddressInfo).port);
  undo.use(link);
  const accepted = once(server, 'connection');
  const { socket, isOver } = await dial(link);
  const [busy]: Socket[] = await accepted;
  if (!busy) throw new Error('nobody came');
  undo.defer(() => void busy.destroy());
  // It reads nothing, and this is more than the buffers on the way take: what the link has to pass on is not finished.
  busy.on('error', () => undefined);
  socket.write('a'.repeat(32 << 20));
  await until(() => socket.writableLength === 0, 'all is sent');
  socket.resetAndDestroy();
  await until(isOver, 'the end of the connection');
  for (let count = 0; count < 20; count++) {
    busy.write('on');
    await new Promise((resolve) => setImmediate(resolve));
  }
  const other = await dial(link);
  other.socket.destroy();
  await until(other.isOver, 'the other connection');
  expect(warnings.map(({ name }) => name)).toEqual([]);
});

test('a slow link takes its time each way', async () => {
  await using undo = new AsyncDisposableStack();
  const { link } = await set(undo);
  link.delay(40);
  const { socket, got } = await dial(link);
  const began = performance.now();
  socket.write('one');
  await until(() => got.length > 0, 'the answer');
  expect(performance.now() - began).toBeGreaterThan(75);
});
