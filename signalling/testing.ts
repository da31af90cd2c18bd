/** For tests: a real WebSocket server on a free port of loopback, with one contract. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Contract } from './contract.ts';
import type { Socket } from './rpc.ts';
import { acceptSockets, dialSocket } from './websocket.ts';

export { until } from './testing-until.ts';

export interface TestServer {
  readonly url: string;
  readonly server: Server;
  dial(): Promise<Socket>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function serveContract(contract: Contract, onSocket: (socket: Socket) => void): Promise<TestServer> {
  const server = createServer();
  const acceptor = acceptSockets({ server, path: '/test', contract, maxConnections: 100, onSocket });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/test`;
  return {
    url,
    server,
    dial: () => dialSocket({ url, contract }),
    async [Symbol.asyncDispose]() {
      acceptor.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
