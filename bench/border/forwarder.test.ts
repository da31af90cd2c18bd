import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { testPlaces } from '#cli/demo/testing-places.ts';
import { until } from '#signalling/testing.ts';
import { monotonicMs } from '../measure/clock.ts';
import { dropsOf, lostAt } from './drops.ts';
import { addressesOf, type BorderSide, directionOf, Forwarder, type Outcome, waysOf } from './forwarder.ts';
import type { Impairment } from './line.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** What comes while this process is kept from the processor, bytes. */
const RECEIVE_BUFFER = 1 << 20;

interface Server {
  readonly socket: Socket;
  readonly heard: [address: string, port: number, text: string][];
  readonly port: number;
  /** Where the others send to. */
  readonly front: string;
}

async function endpoint(address: string, port: number): Promise<Pick<Server, 'socket' | 'heard'>> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER });
  const heard: Server['heard'] = [];
  socket.on('message', (packet, { address: from, port: fromPort }) => heard.push([from, fromPort, packet.toString()]));
  socket.bind(port, address);
  await once(socket, 'listening');
  open.push(socket);
  return { socket, heard };
}

/** Sides with a server each, at one of the ports that they were given. */
function border<const Name extends string>(...names: [Name, ...Name[]]) {
  return impairedBorder(undefined, ...names);
}

async function impairedBorder<const Name extends string>(
  impairment: Impairment | undefined,
  ...names: [Name, ...Name[]]
) {
  const places = await testPlaces(...names);
  const sides = names.map((name, index): BorderSide => {
    return { name, own: `127.0.3${index}.1`, front: `127.0.3${index}.2`, ports: places[name].trunk };
  });
  const forwarder = await Forwarder.open(sides, impairment);
  open.push(forwarder);
  const servers = {} as Record<Name, Server>;
  for (const [index, { name, own, front, ports }] of sides.entries()) {
    const port = ports.from + 1 + index;
    servers[name as Name] = { ...(await endpoint(own, port)), port, front };
  }
  return { forwarder, sides, ...servers };
}

function send(text: string | Buffer, { from, to }: { from: Pick<Server, 'socket'>; to: Server }): void {
  from.socket.send(text, to.port, to.front);
}

function outcomeOf(forwarder: Forwarder, direction: string): Outcome {
  const outcome = forwarder.outcomes[direction];
  if (!outcome) throw new Error(`no direction ${direction}`);
  return outcome;
}

it('carries packets both ways so that each side sees the address that it was told', async () => {
  const { forwarder, alpha, beta } = await border('alpha', 'beta');
  send('to beta', { from: alpha, to: beta });
  send('back', { from: beta, to: alpha });
  await until(() => alpha.heard.length + beta.heard.length === 2, 'both packets');
  expect(beta.heard).toEqual([[alpha.front, alpha.port, 'to beta']]);
  expect(alpha.heard).toEqual([[beta.front, beta.port, 'back']]);
  expect(forwarder.counts).toEqual({ 'alpha>beta': { bytes: 7, packets: 1 }, 'beta>alpha': { bytes: 4, packets: 1 } });
});

it('keeps three sides apart, though both others send to the one address of the anchor', async () => {
  const { forwarder, alpha, beta, gamma } = await border('alpha', 'beta', 'gamma');
  send('to beta', { from: alpha, to: beta });
  send('to gamma!', { from: alpha, to: gamma });
  send('beta', { from: beta, to: alpha });
  send('gamma', { from: gamma, to: alpha });
  await until(() => [alpha, beta, gamma].flatMap(({ heard }) => heard).length === 4, 'four packets');
  expect(beta.heard).toEqual([[alpha.front, alpha.port, 'to beta']]);
  expect(gamma.heard).toEqual([[alpha.front, alpha.port, 'to gamma!']]);
  expect(alpha.heard).toContainEqual([beta.front, beta.port, 'beta']);
  expect(alpha.heard).toContainEqual([gamma.front, gamma.port, 'gamma']);
  expect(forwarder.counts).toEqual({
    'alpha>beta': { bytes: 7, packets: 1 },
    'beta>alpha': { bytes: 4, packets: 1 },
    'alpha>gamma': { bytes: 9, packets: 1 },
    'gamma>alpha': { bytes: 5, packets: 1 },
  });
});

it('carries nothing between two sides of which neither is the anchor', async () => {
  const { forwarder, beta, gamma } = await border('alpha', 'beta', 'gamma');
  send('past the anchor', { from: beta, to: gamma });
  await until(() => forwarder.strays === 1, 'the packet');
  send('to myself', { from: beta, to: beta });
  await until(() => forwarder.strays === 2, 'the other packet');
  expect([...beta.heard, ...gamma.heard]).toEqual([]);
  expect(Object.values(forwarder.counts).map(({ packets }) => packets)).toEqual([0, 0, 0, 0]);
});

it('counts 40 Mbit/s from the anchor, half to each of two sides, exactly and loses nothing of it', async () => {
  const { forwarder, sides, alpha, beta, gamma } = await border('alpha', 'beta', 'gamma');
  const packet = Buffer.alloc(1_000, 1);
  const each = 1_000;
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      for (let burst = 0; burst < 10 && sent < each; burst++, sent++) {
        send(packet, { from: alpha, to: beta });
        send(packet, { from: alpha, to: gamma });
      }
      if (sent === each) resolve(clearInterval(timer));
    }, 4);
  });
  await until(() => beta.heard.length + gamma.heard.length === 2 * each, 'all packets');
  const count = { bytes: each * 1_000, packets: each };
  expect(forwarder.counts).toMatchObject({ 'alpha>beta': count, 'alpha>gamma': count });
  expect(await lostAt(sides.map(({ front }) => front))).toBe(0);
  expect([forwarder.refused, forwarder.strays]).toEqual([0, 0]);
});

it('carries nothing for strangers and does not count it', async () => {
  const { forwarder, beta } = await border('alpha', 'beta');
  const stranger = await endpoint('127.0.39.9', 0);
  send('let me in', { from: stranger, to: beta });
  await until(() => forwarder.strays === 1, 'the stranger');
  expect(beta.heard).toEqual([]);
  expect(forwarder.counts['alpha>beta']).toEqual({ bytes: 0, packets: 0 });
});

it('leaves no socket behind where one of its ports is taken', async () => {
  const { sides } = await border('alpha', 'beta', 'gamma');
  await expect(Forwarder.open(sides)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  open.splice(0, 1)[0]?.close();
  (await Forwarder.open(sides)).close();
});

it('loses the wanted part of each direction at random, the same with the same seed, and counts it apart', async () => {
  const total = 1_000;
  const heardWith = async (seed: number) => {
    const { forwarder, alpha, beta } = await impairedBorder({ lossPercent: 10, seed }, 'alpha', 'beta');
    for (let sent = 0; sent < total; sent += 20) {
      for (let burst = 0; burst < 20; burst++) send(`packet ${sent + burst}`, { from: alpha, to: beta });
      await until(() => forwarder.counts['alpha>beta']?.packets === sent + 20, 'the burst at the border');
    }
    const { carried, lost, limited } = outcomeOf(forwarder, 'alpha>beta');
    await until(() => beta.heard.length === carried.packets, 'all that was carried');
    expect(limited.packets).toBe(0);
    expect(carried.packets + lost.packets).toBe(total);
    expect(carried.bytes + lost.bytes).toBe(forwarder.counts['alpha>beta']?.bytes);
    expect(forwarder.outcomes['beta>alpha']?.lost.packets).toBe(0);
    return beta.heard.map(([, , text]) => text);
  };
  const heard = await heardWith(42);
  // Five standard deviations of 9.5 packets.
  expect(Math.abs(total - heard.length - 100)).toBeLessThan(48);
  expect(await heardWith(42)).toEqual(heard);
  expect(await heardWith(43)).not.toEqual(heard);
});

it('delays what is above the rate, then drops it, keeps the order, and leaves the other direction alone', async () => {
  // The queue holds 100 ms of 2 Mbit/s, 25 packets of 1000 bytes; 400 come at once.
  const limit = { lossPercent: 0, rateLimitMbit: 2, seed: 1 };
  const { forwarder, alpha, beta } = await impairedBorder(limit, 'alpha', 'beta');
  const begin = monotonicMs();
  for (let sent = 0; sent < 400; sent++) send(String(sent).padEnd(1_000), { from: alpha, to: beta });
  await until(() => forwarder.counts['alpha>beta']?.packets === 400, 'all packets at the border');
  send('back', { from: beta, to: alpha });
  await until(() => alpha.heard.length === 1, 'the other direction');
  await until(
    () => beta.heard.length === 400 - outcomeOf(forwarder, 'alpha>beta').limited.packets,
    'the queue to be empty',
  );
  const took = monotonicMs() - begin;
  const { carried, lost, limited } = outcomeOf(forwarder, 'alpha>beta');
  expect(lost.packets).toBe(0);
  expect(carried.packets + limited.packets).toBe(400);
  // What waits 100 ms and the burst; more where the machine lets them come slowly.
  expect(carried.packets).toBeGreaterThanOrEqual(25);
  expect(limited.packets).toBeGreaterThan(0);
  expect(carried.bytes).toBe(carried.packets * 1_000);
  // 250 bytes a millisecond and a burst of 5 ms.
  expect(took).toBeGreaterThan(carried.packets * 4 - 10);
  const order = beta.heard.map(([, , text]) => Number(text));
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(forwarder.outcomes['beta>alpha']).toMatchObject({ carried: { packets: 1 }, limited: { packets: 0 } });
});

it('gives each side addresses of its own, and ways to the anchor and back only', () => {
  expect([0, 1].map(addressesOf)).toEqual([
    { own: '127.0.1.1', front: '127.0.1.2' },
    { own: '127.0.2.1', front: '127.0.2.2' },
  ]);
  expect(waysOf(['a', 'b', 'c']).map(([from, to]) => directionOf(from, to))).toEqual(['a>b', 'b>a', 'a>c', 'c>a']);
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
