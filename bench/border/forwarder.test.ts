import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { freePlaces } from '#cli/demo/places.ts';
import { until } from '#signalling/testing.ts';
import { dropsOf, lostAt } from './drops.ts';
import { type BorderSide, Forwarder } from './forwarder.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function endpoint(address: string, port: number): Promise<{ socket: Socket; heard: [string, number, string][] }> {
  const socket = createSocket('udp4');
  const heard: [string, number, string][] = [];
  socket.on('message', (packet, { address: from, port: fromPort }) => heard.push([from, fromPort, packet.toString()]));
  socket.bind(port, address);
  await once(socket, 'listening');
  open.push(socket);
  return { socket, heard };
}

async function border() {
  const { a, b } = await freePlaces('a', 'b');
  const sides: [BorderSide, BorderSide] = [
    { name: 'alpha', own: '127.0.3.1', front: '127.0.3.2', ports: a.trunk },
    { name: 'beta', own: '127.0.4.1', front: '127.0.4.2', ports: b.trunk },
  ];
  const forwarder = await Forwarder.open(sides);
  open.push(forwarder);
  const alpha = await endpoint('127.0.3.1', a.trunk.from + 1);
  const beta = await endpoint('127.0.4.1', b.trunk.from + 3);
  return { forwarder, sides, alpha, beta, alphaPort: a.trunk.from + 1, betaPort: b.trunk.from + 3 };
}

it('carries packets both ways so that each side sees the address that it was told', async () => {
  const { forwarder, alpha, beta, alphaPort, betaPort } = await border();
  alpha.socket.send('to beta', betaPort, '127.0.4.2');
  beta.socket.send('back', alphaPort, '127.0.3.2');
  await until(() => alpha.heard.length + beta.heard.length === 2, 'both packets');
  expect(beta.heard).toEqual([['127.0.3.2', alphaPort, 'to beta']]);
  expect(alpha.heard).toEqual([['127.0.4.2', betaPort, 'back']]);
  expect(forwarder.counts).toEqual({ 'alpha>beta': { bytes: 7, packets: 1 }, 'beta>alpha': { bytes: 4, packets: 1 } });
});

it('counts 40 Mbit/s exactly and loses nothing of it', async () => {
  const { forwarder, sides, alpha, beta, betaPort } = await border();
  const packet = Buffer.alloc(1_000, 1);
  const total = 2_000;
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      for (let burst = 0; burst < 20 && sent < total; burst++, sent++) alpha.socket.send(packet, betaPort, '127.0.4.2');
      if (sent === total) resolve(clearInterval(timer));
    }, 4);
  });
  await until(() => beta.heard.length === total, 'all packets');
  expect(forwarder.counts['alpha>beta']).toEqual({ bytes: total * 1_000, packets: total });
  expect(await lostAt(sides.map(({ front }) => front))).toBe(0);
  expect([forwarder.refused, forwarder.strays]).toEqual([0, 0]);
});

it('carries nothing for strangers and does not count it', async () => {
  const { forwarder, beta, betaPort } = await border();
  const stranger = await endpoint('127.0.3.9', 0);
  stranger.socket.send('let me in', betaPort, '127.0.4.2');
  await until(() => forwarder.strays === 1, 'the stranger');
  expect(beta.heard).toEqual([]);
  expect(forwarder.counts['alpha>beta']).toEqual({ bytes: 0, packets: 0 });
});

it('leaves no socket behind where one of its ports is taken', async () => {
  const { sides } = await border();
  await expect(Forwarder.open(sides)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  open.splice(0, 1)[0]?.close();
  (await Forwarder.open(sides)).close();
});

it('reads the losses of certain addresses from the table of the kernel', () => {
  const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  1: 0201007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 7
  2: 0202007F:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 5
  3: 0100007F:1F92 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4713 2 0000000000000000 9
`;
  expect(dropsOf(table, ['127.0.1.2', '127.0.2.2'])).toBe(12);
  expect(dropsOf(table, ['127.0.9.9'])).toBe(0);
});
