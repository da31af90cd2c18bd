import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Contract } from './contract.ts';
import type { Socket } from './rpc.ts';
import { acceptSockets, dialSocket } from './websocket.ts';

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

/** @returns the URL of a door for two people at most, none of them eve */
async function open(): Promise<string> {
  const server = createServer();
  const sockets: Socket[] = [];
  acceptSockets({
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
  return `ws://127.0.0.1:${address.port}`;
}

it.each([
  ['of another version', '/door', 'door-v2', undefined, 'SIG_UNSUPPORTED_VERSION', '426'],
  ['that it has not learned yet', '/window', 'window-v1', undefined, 'SIG_UNSUPPORTED_VERSION', '404'],
  ['for somebody else', '/door', 'door-v1', 'https://eve.example', 'FED_REFUSED', '403'],
])('a door %s says so to whoever dials', async (_what, path, protocol, origin, code, status) => {
  const url = await open();
  const dialled = dialSocket({ url: `${url}${path}`, contract: contract(protocol), ...(origin && { origin }) });
  await expect(dialled).rejects.toMatchObject({ code, detail: expect.stringContaining(status) });
});

it('a door with too many people before it says so, and lets the next one in', async () => {
  const url = await open();
  const dial = () => dialSocket({ url: `${url}/door`, contract: contract('door-v1') });
  const [first] = [await dial(), await dial()];
  await expect(dial()).rejects.toMatchObject({ code: 'SIG_BUSY', detail: expect.stringContaining('503') });
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
