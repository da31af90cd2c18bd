import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { MOST_VOLLEYS, type ProbeSide, SFT_PROBE } from '#signalling/probe.ts';
import { Rpc } from '#signalling/rpc.ts';
import { serveContract, type TestServer, until } from '#signalling/testing.ts';
import { freePorts } from '#site/testing-ports.ts';
import { PortPool } from '../trunk/port-pool.ts';
import { ProbeDoor, type ProbeDoorOptions } from './probe-door.ts';
import { type ProberOptions, probe } from './prober.ts';

const HOST = '127.0.0.1';
const [alpha, beta] = ['alpha.example' as DomainName, 'beta.example' as DomainName];
const now = () => performance.now();
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const sideOf = (domain: DomainName, ports: PortPool) => (): ProbeSide => ({
  ...{ domain, software: 'test', links: { min: 1, max: 2 }, now: Date.now(), trunk: { ip: HOST, ports: ports.range } },
});

/** The SFT of beta on loopback, and what alpha's needs to try it. Ports are below those that the system gives out by itself. */
async function setUp(change: Partial<ProbeDoorOptions> = {}) {
  const [first = 0] = await freePorts(40);
  const pools = { alpha: new PortPool(first, first + 19), beta: new PortPool(first + 20, first + 39) };
  const door = new ProbeDoor({
    ...{ side: sideOf(beta, pools.beta), listenIp: HOST, ports: pools.beta, now },
    mayReach: (_peer, ip) => ip === HOST,
    mayCall: () => true,
    dialBack: async () => undefined,
    onFault: (error) => {
      throw error;
    },
    ...change,
  });
  const server: TestServer = await serveContract(SFT_PROBE, (socket) => door.accept(alpha, socket));
  undo.push(
    () => server[Symbol.asyncDispose](),
    () => door.close(),
  );
  const options: ProberOptions = {
    ...{
      side: sideOf(alpha, pools.alpha),
      link: 'wss://sft.alpha.example/link/v1',
      listenIp: HOST,
      ports: pools.alpha,
      mayReach: (_peer: DomainName, ip: string) => ip === HOST,
      now,
    },
    dial: () => server.dial(),
    wallClock: () => Date.now(),
  };
  return { server, pools, options };
}

/** @param greets whether it says who it is, as one has to */
async function dialled(server: TestServer, greets = true) {
  const rpc = new Rpc({
    contract: SFT_PROBE,
    side: 'dialler',
    socket: await server.dial(),
    requests: {},
    notifications: {},
  });
  undo.push(() => rpc.close());
  if (greets) await rpc.request('hello', sideOf(alpha, new PortPool(1, 2))());
  return rpc;
}

const LINK = 'wss://sft.beta.example/link/v1';
const NONE_LEFT = { busy: [], taken: [], late: [] };
const open = (ip: string, ports = [9]) => ({ ip, ports, key: Buffer.alloc(32).toString('base64') });
const codeOf = (error: unknown) => (error instanceof HawserError ? error.code : error);

it('tries every port of both sides in both directions, and gives all of them back', async () => {
  const { pools, options } = await setUp();
  const { path, left, ended, back, clockMs, far } = await probe(beta, LINK, options);
  expect([back, far.approved, far.calls, ended]).toEqual(['reached', true, true, undefined]);
  expect(left).toEqual({ own: NONE_LEFT, far: NONE_LEFT });
  expect(Math.abs(clockMs)).toBeLessThan(10_000);
  for (const way of [path?.out, path?.in]) {
    expect(way?.silent).toEqual([]);
    expect(way?.lostSizes).toEqual([]);
    // Two volleys of 10, of which the second one has the ports that the first one left to calls.
    expect(way?.tried).toBe(20);
    expect(way?.unsent).toBe(0);
    expect(way?.translated).toBeUndefined();
    expect(way?.stream.packets).toBeGreaterThan((way?.stream.sentPackets ?? 0) / 2);
  }
  expect(path?.rttMs).toBeGreaterThan(0);
  expect([pools.alpha.free, pools.beta.free]).toEqual([20, 20]);
}, 20_000);

it('sends nothing to an address that the other side names and nobody approved', async () => {
  const { options } = await setUp();
  const { path, far } = await probe(beta, 'wss://sft.beta.example/link/v1', { ...options, mayReach: () => false });
  expect([far.trunk.ip, far.approved, path]).toEqual([HOST, true, undefined]);
});

it('says which ports it left out, and why', async () => {
  const { pools, options } = await setUp();
  const [first, last] = [pools.alpha.range.from, pools.beta.range.to];
  const others = [createSocket('udp4'), createSocket('udp4')];
  for (const [index, port] of [first + 3, last].entries()) {
    const socket = others[index];
    if (!socket) continue;
    await new Promise<void>((resolve) => socket.bind(port, HOST, resolve));
    undo.push(() => socket.close());
  }
  expect([pools.alpha.take(), pools.beta.take()]).toEqual([first, first + 20]);
  const { path, left } = await probe(beta, LINK, options);
  expect(path?.out.silent).toEqual([]);
  expect(left).toEqual({
    own: { busy: [first], taken: [first + 3], late: [] },
    far: { busy: [first + 20], taken: [last], late: [] },
  });
}, 20_000);

it('keeps what it has seen when the other side ends it, and says that it was ended', async () => {
  const { options } = await setUp();
  let rpc: Rpc<typeof SFT_PROBE, 'acceptor'> | undefined;
  const impatient: TestServer = await serveContract(SFT_PROBE, (socket) => {
    rpc = new Rpc({
      contract: SFT_PROBE,
      side: 'acceptor',
      socket,
      requests: {
        hello: async () => ({ ...sideOf(beta, new PortPool(30_000, 30_009))(), approved: true, calls: true }),
        back: async () => ({}),
        open: async () => {
          rpc?.close('SIG_TIMEOUT', 'a probe is over by now');
          return { ports: [], busy: [] };
        },
        volley: async () => ({ unsent: 0 }),
        stream: async () => ({ packets: 0, bytes: 0 }),
        seen: async () => ({ pairs: [], packets: 0, bytes: 0 }),
        close: async () => ({}),
      },
      notifications: {},
    });
  });
  undo.push(() => impatient[Symbol.asyncDispose]());
  const report = await probe(beta, LINK, { ...options, dial: () => impatient.dial() });
  expect(report).toMatchObject({ back: 'reached', ended: 'SIG_TIMEOUT', left: { far: { busy: [], taken: [] } } });
  expect(report.path).toBeUndefined();
  expect(report.left?.far.late).toHaveLength(10);
});

it('begins no volley for which the time would not do', async () => {
  const { options } = await setUp();
  let ms = 0;
  const report = await probe(beta, LINK, { ...options, now: () => (ms += 20_000) });
  expect(report).toMatchObject({ back: 'reached', left: { own: { busy: [], taken: [] } } });
  expect([report.ended, report.path, report.left?.own.late.length]).toEqual([undefined, undefined, 20]);
});

it('comes to each port of a range in some turns, whatever is left out in each of them', () => {
  const pool = new PortPool(1, 300);
  const tried = new Set<number>();
  for (let turn = 0; turn < 3; turn++) {
    const lent = pool.lend(128);
    expect(pool.free).toBe(172);
    for (const port of lent) tried.add(port);
    for (const port of lent) pool.give(port);
  }
  expect(tried.size).toBe(300);
});

describe('the door', () => {
  it('sends nothing to an address that is not approved', async () => {
    const { server, pools } = await setUp({ mayReach: () => false });
    const rpc = await dialled(server);
    expect(await rpc.request('open', open('203.0.113.9')).catch(codeOf)).toBe('SFT_LINK_ADDRESS');
    expect(await rpc.request('volley', {}).catch(codeOf)).toBe('SIG_ORDER');
    expect(pools.beta.free).toBe(20);
  });

  it('takes one examination of a domain at a time, and a new one when that is over', async () => {
    const { server } = await setUp();
    const first = await dialled(server);
    await first.request('open', open(HOST));
    const second = await dialled(server, false);
    const greet = () => second.request('hello', sideOf(alpha, new PortPool(1, 2))()).catch(codeOf);
    expect(await greet()).toBe('SIG_BUSY');
    expect(await second.request('open', open(HOST)).catch(codeOf)).toBe('SIG_ORDER');
    first.close();
    await until(async () => (await greet()) !== 'SIG_BUSY', 'a free place');
  });

  it('leaves ports to calls, and gives back what it took when the other side is gone', async () => {
    const { server, pools } = await setUp();
    const rpc = await dialled(server);
    const { ports, busy } = await rpc.request('open', open(HOST));
    expect([ports.length, busy.length, pools.beta.free]).toEqual([10, 0, 10]);
    rpc.close();
    await until(() => pools.beta.free === 20, 'the ports');
  });

  it('says why it does not reach the other side', async () => {
    const { server } = await setUp({
      dialBack: async () => {
        throw new HawserError('SIG_UNREACHABLE', 'ECONNREFUSED');
      },
    });
    const rpc = await dialled(server);
    expect(await rpc.request('back', { link: 'wss://sft.alpha.example/link/v1' })).toEqual({
      code: 'SIG_UNREACHABLE',
      errno: 'ECONNREFUSED',
    });
  });

  it('takes ports once at a time, and gives all back whenever the other side goes', async () => {
    const { server, pools } = await setUp();
    const rpc = await dialled(server);
    const answers = await Promise.all([1, 2, 3].map(() => rpc.request('open', open(HOST)).catch(codeOf)));
    expect(answers.filter((answer) => answer === 'SIG_BUSY')).toHaveLength(2);
    expect(pools.beta.free).toBe(10);
    await rpc.request('close', {});
    expect(pools.beta.free).toBe(20);
    // In the middle of taking them.
    const opening = rpc.request('open', open(HOST)).catch(codeOf);
    const closing = rpc.request('close', {});
    await Promise.all([opening, closing]);
    expect(pools.beta.free).toBe(20);
    const last = rpc.request('open', open(HOST)).catch(codeOf);
    rpc.close();
    await last;
    await until(() => pools.beta.free === 20, 'the ports');
  });

  it('sends one stream, and one thing at a time', async () => {
    const { server } = await setUp();
    const rpc = await dialled(server);
    await rpc.request('open', open(HOST));
    const stream = () => rpc.request('stream', { kbps: 100, ms: 50 }).then(() => 'sent', codeOf);
    expect(await Promise.all([stream(), stream()])).toEqual(['sent', 'SIG_BUSY']);
    expect(await stream()).toBe('SIG_BUSY');
    const volley = () => rpc.request('volley', {}).then(() => 'sent', codeOf);
    expect(await Promise.all([volley(), volley()])).toEqual(['sent', 'SIG_BUSY']);
    for (let more = 1; more < MOST_VOLLEYS; more++) expect(await volley()).toBe('sent');
    expect(await volley()).toBe('SIG_BUSY');
  });

  it('dials back once, and nobody who has not said who he is', async () => {
    let count = 0;
    const { server } = await setUp({
      dialBack: async () => {
        count += 1;
      },
    });
    const link = 'wss://sft.alpha.example/link/v1';
    const stranger = await dialled(server, false);
    expect(await stranger.request('back', { link }).catch(codeOf)).toBe('SIG_ORDER');
    stranger.close();
    const rpc = await dialled(server);
    const twice = await Promise.all([1, 2].map(() => rpc.request('back', { link }).catch(codeOf)));
    expect(twice).toEqual([{}, 'SIG_BUSY']);
    expect(await rpc.request('back', { link }).catch(codeOf)).toBe('SIG_BUSY');
    expect(count).toBe(1);
  });

  it('believes nobody who says that he is another domain', async () => {
    const { server, pools } = await setUp();
    const rpc = await dialled(server, false);
    const side = sideOf('gamma.example' as DomainName, pools.alpha)();
    expect(await rpc.request('hello', side).catch(codeOf)).toBe('TRUST_WRONG_NAME');
  });
});
