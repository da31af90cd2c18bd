import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TrunkId } from '#signalling/ids.ts';
import { freePorts } from '#site/testing-ports.ts';
import { PortPool } from '../trunk/port-pool.ts';
import { Trunk } from './trunk.ts';
import { type MediaWorker, MediaWorkers } from './worker.ts';

const listenIp = '127.0.0.1';
const onFault = (error: unknown) => {
  throw error;
};

const [port = 0] = await freePorts(3);
const others: Socket[] = [];
let workers: MediaWorkers;
let ports: PortPool;

beforeEach(async () => {
  workers = await MediaWorkers.start({ workers: 1, listenIp, port }, { onDied: () => undefined, onFault });
  ports = new PortPool(port + 1, port + 2);
});

afterEach(async () => {
  await workers.close();
  for (const socket of others.splice(0)) socket.close();
});

/** Another program has the port. */
async function take(taken: number): Promise<void> {
  const socket = createSocket('udp4');
  others.push(socket);
  socket.bind(taken, listenIp);
  await once(socket, 'listening');
}

const open = () => Trunk.open('trunk' as TrunkId, workers.all[0] as MediaWorker, { listenIp, ports, onFault });

it('takes the next port where another program has the first one', async () => {
  await take(port + 1);
  const trunk = await open();
  expect(trunk.address).toEqual({ ip: listenIp, port: port + 2 });
  expect(ports.inUse).toEqual([port + 2]);
});

it('is not opened where others have all ports, and keeps none of them', async () => {
  await take(port + 1);
  await take(port + 2);
  await expect(open()).rejects.toThrow('address already in use');
  expect(ports.inUse).toEqual([]);
});
