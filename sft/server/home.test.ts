import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { DomainName } from '#signalling/ids.ts';
import { Rpc } from '#signalling/rpc.ts';
import { SFT_HOME, SFT_HOME_PATH, SFT_HOME_V1 } from '#signalling/sft-home.ts';
import { until } from '#signalling/testing.ts';
import { acceptSockets, dialSocket } from '#signalling/websocket.ts';
import { Home } from './home.ts';

const END = 1_800_000_000_000;
const NOTHING = () => undefined;

/** Homeservers of before know no `draining`; a connection that brings one ends. */
const { draining: _later, ...known } = SFT_HOME.notifications;
const BEFORE = { ...SFT_HOME, protocol: SFT_HOME_V1, earlier: [], notifications: known };

async function homeserver(contract: typeof SFT_HOME | typeof BEFORE) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const said: number[] = [];
  const presence: string[] = [];
  const closings: string[] = [];
  const acceptor = acceptSockets({
    ...{ server, contract, path: SFT_HOME_PATH, maxConnections: 4 },
    onSocket: (socket) => {
      const common = {
        ...{ side: 'acceptor' as const, socket },
        requests: {
          hello: async () => ({ domain: 'alpha.example' as DomainName }),
          grant: async () => ({ grant: 'g', anchor: 'beta.example' as DomainName, link: 'wss://beta.example/link/v1' }),
        },
        onClose: ({ code }: { code: string }) => void closings.push(code),
      };
      const onPresence = ({ conference }: { conference: string }) => void presence.push(conference);
      if (contract === BEFORE) new Rpc({ ...common, contract: BEFORE, notifications: { presence: onPresence } });
      else {
        const draining = ({ until: at }: { until: number }) => void said.push(at);
        new Rpc({ ...common, contract: SFT_HOME, notifications: { presence: onPresence, draining } });
      }
    },
  });
  const { port } = server.address() as AddressInfo;
  return {
    ...{ said, closings, url: `ws://127.0.0.1:${port}${SFT_HOME_PATH}` },
    async [Symbol.asyncDispose]() {
      acceptor.close();
      server.close();
      await once(server, 'close');
    },
  };
}

function home(url: string, state: { drainsUntil?: number }) {
  const connections: boolean[] = [];
  const made = new Home({
    software: 'test',
    dial: () => dialSocket({ url, contract: SFT_HOME }),
    hosts: () => [],
    drainsUntil: () => state.drainsUntil,
    ...{ onAllowed: NOTHING, onPermissions: NOTHING, onMute: NOTHING, onEndConference: NOTHING },
    ...{ onRemoveParticipant: NOTHING, onFault: NOTHING },
    onState: (connected) => void connections.push(connected),
    now: () => 1,
  });
  return { home: made, connections };
}

it('says to its homeserver that it takes no new conferences, when it begins and on each new connection', async () => {
  await using there = await homeserver(SFT_HOME);
  const state: { drainsUntil?: number } = {};
  const first = home(there.url, state);
  await until(() => first.connections.length > 0, 'the connection');
  expect(there.said).toEqual([]);
  state.drainsUntil = END;
  first.home.draining();
  await until(() => there.said.length === 1, 'it is said');
  first.home.close();
  const second = home(there.url, state);
  await until(() => there.said.length === 2, 'it is said again');
  expect(there.said).toEqual([END, END]);
  second.home.close();
});

it('is not cut off by a homeserver of before, which it does not tell', async () => {
  await using there = await homeserver(BEFORE);
  const { home: made, connections } = home(there.url, { drainsUntil: END });
  await until(() => connections.length > 0, 'the connection');
  made.draining();
  // What is answered came after what was said.
  await made.grant('c'.repeat(22) as Parameters<Home['grant']>[0]);
  expect([connections, there.closings]).toEqual([[true], []]);
  made.close();
});
