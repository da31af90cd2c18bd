import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Contract } from './contract.ts';
import type { Socket } from './rpc.ts';
import { type Acceptor, acceptSockets, dialSocket } from './websocket.ts';

const contract = (protocol: string) =>
  ({
    protocol,
    maxLength: { dialler: 100, acceptor: 100 },
    requests: {},
    notifications: {},
  }) as const satisfies Contract;

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

/** A door for two people at most, none of them eve. */
async function open(): Promise<{ url: string; door: Acceptor }> {
  const server = createServer();
  const sockets: Socket[] = [];
  const door = acceptSockets({
    ...{ server, path: '/door', contract: contract('door-v1'), maxConnections: 2 },
    allow: ({ headers }) => headers.origin !== 'https://eve.example',
    onSocket: (socket) => sockets.push(socket),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => {
    for (const socket of sockets) socket.close(1000, '');
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `ws://127.0.0.1:${address.port}`, door };
}

it.each([
  ['of another version', '/door', 'door-v2', undefined, 'SIG_UNSUPPORTED_VERSION', 'HTTP 426'],
  ['that it has not learned yet', '/window', 'window-v1', undefined, 'SIG_UNSUPPORTED_VERSION', 'HTTP 404'],
  ['for somebody else', '/door', 'door-v1', 'https://eve.example', 'FED_REFUSED', 'HTTP 403'],
])('a door %s says so to whoever dials', async (_what, path, protocol, origin, code, detail) => {
  const { url } = await open();
  const dialled = dialSocket({ url: `${url}${path}`, contract: contract(protocol), ...(origin && { origin }) });
  await expect(dialled).rejects.toMatchObject({ code, detail });
});

it('a door with too many people before it says so, and lets the next one in', async () => {
  const { url } = await open();
  const dial = () => dialSocket({ url: `${url}/door`, contract: contract('door-v1') });
  const [first] = [await dial(), await dial()];
  await expect(dial()).rejects.toMatchObject({ code: 'SIG_BUSY', detail: 'HTTP 503' });
  first?.close(1000, '');
  await expect
    .poll(
      () =>
        dial().then(
          () => 'in',
          ({ code }) => code,
        ),
      { timeout: 5_000 },
    )
    .toBe('in');
});

it('a door that is closed while its server still answers is busy, and not one that there never was', async () => {
  const { url, door } = await open();
  door.close();
  const dialled = dialSocket({ url: `${url}/door`, contract: contract('door-v1') });
  await expect(dialled).rejects.toMatchObject({ code: 'SIG_BUSY', detail: 'HTTP 503' });
});
