/** What is measured between organisations, each with servers of its own. Every function starts what it needs, and all of it ends with the guard. */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Guard } from '../guarded.ts';
import { Helper } from '../helper.ts';
import { residentMb } from '../measure/memory.ts';
import { processorSeconds, withProcessor } from '../measure/processor.ts';
import { populate, type Seat } from '../messages/population.ts';
import { BenchServer, type Storage } from '../messages/server.ts';
import type { FederationLoad } from './load.ts';

/** Devices that write, and as many that read. */
const PAIRS = 100;
/** For as many messages as one pair of domains takes, and for a queue that is soon full. */
const MANY_PAIRS = 250;
const WARM_S = 2;

export interface Delivery {
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Messages accepted at one organisation, at the devices of another. */
export async function delivery(storage: Storage, seconds: number, rate: number, guard: Guard): Promise<Delivery> {
  const { load } = await paired(['alpha', 'beta'], PAIRS, storage, guard);
  await load.call('pace', { seconds: WARM_S, rate });
  const { ms, missing } = await load.call('pace', { seconds, rate });
  if (missing > 0) throw new Error(`${missing} messages did not arrive.`);
  const times = ms.flat();
  return { ratePerSecond: rate, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
}

export interface Throughput {
  /** On disk at both, and at the devices of the other organisation. */
  readonly messagesPerSecond: number;
  /** Per cent of one core, of each homeserver. */
  readonly cpu: { readonly hub: number; readonly follower: number };
  /** For each core that the busier of the two homeservers used. */
  readonly messagesPerSecondAndCore: number;
}

export async function throughput(storage: Storage, seconds: number, guard: Guard): Promise<Throughput> {
  const { load, servers } = await paired(['alpha', 'beta'], MANY_PAIRS, storage, guard);
  await drained(await load.call('flood', { seconds: WARM_S }), load);
  const [hub, follower] = servers;
  const measured = await withProcessor(hub?.pid, () =>
    withProcessor(follower?.pid, async () => {
      const began = performance.now();
      const flooded = await load.call('flood', { seconds });
      const settled = await drained(flooded, load);
      return { ...flooded, ms: settled - began };
    }),
  );
  const { result, percent } = measured.result;
  const messagesPerSecond = Math.round((result.accepted / result.ms) * 1_000);
  const cpu = { hub: measured.percent, follower: percent };
  const busier = Math.max(cpu.hub, cpu.follower) / 100;
  return { messagesPerSecond, cpu, messagesPerSecondAndCore: Math.round(messagesPerSecond / busier) };
}

export interface Outage {
  readonly seconds: number;
  /** To the nine others, while all are up and while one is down. */
  readonly upP50Ms: number;
  readonly downP50Ms: number;
  readonly downP99Ms: number;
  /** By how much the second is longer than the first, in per cent. */
  readonly slowerPercent: number;
  /** Of the hub: when the outage begins, and at its end. */
  readonly rssBeforeMb: number;
  readonly rssAfterMb: number;
}

const OUTAGE_RATE = 200;
/** With all up there is half as much to do on each side of the outage, so that a machine that changes meanwhile shows. */
const AROUND = 5;

/** One of ten other organisations is down. */
export async function outage(storage: Storage, seconds: number, guard: Guard): Promise<Outage> {
  const names = ['alpha', ...Array.from({ length: 10 }, (_, index) => `beta${index}`)];
  const { load, servers } = await paired(names, PAIRS, storage, guard);
  const down = names.length - 1;
  const around = Math.max(2, Math.round(seconds / AROUND));
  const nine = async (length: number) => {
    const { ms, missing } = await load.call('pace', { seconds: length, rate: OUTAGE_RATE, without: [down] });
    if (missing > 0) throw new Error(`${missing} messages did not arrive at the others.`);
    return ms.filter((_, home) => home !== down).flat();
  };
  await nine(Math.min(10, around));
  const before = await nine(around);
  await servers[down]?.stop();
  // Its connections end, and the hub finds that out.
  await nine(Math.min(5, around));
  const rssBeforeMb = await residentMb(servers[0]?.pid ?? 0);
  const during = await nine(seconds);
  const rssAfterMb = await residentMb(servers[0]?.pid ?? 0);
  await servers[down]?.start();
  await wait(3_000);
  await load.call('connect', undefined);
  await wait(5_000);
  const after = await nine(around);
  const upP50Ms = quantile([...before, ...after], 0.5);
  const downP50Ms = quantile(during, 0.5);
  return {
    ...{ seconds, upP50Ms, downP50Ms, downP99Ms: quantile(during, 0.99), rssBeforeMb, rssAfterMb },
    slowerPercent: round((downP50Ms / upP50Ms - 1) * 100),
  };
}

export interface Heal {
  readonly queued: number;
  /** From the start of the homeserver that was down until its devices have all. */
  readonly seconds: number;
  /** Of each meanwhile, s; of the one that came back with its start. */
  readonly processorS: { readonly hub: number; readonly follower: number };
  /** Most that each held meanwhile. */
  readonly hubMb: number;
  readonly followerMb: number;
}

export async function heal(storage: Storage, queued: number, guard: Guard): Promise<Heal> {
  const { load, servers } = await paired(['alpha', 'beta'], MANY_PAIRS, storage, guard);
  const [hub, follower] = servers;
  if (!hub || !follower) throw new Error('two homeservers');
  await drained(await load.call('flood', { seconds: WARM_S }), load);
  await follower.stop();
  const { accepted, before } = await load.call('flood', { seconds: 0, toGo: queued });
  const most = { hub: 0, follower: 0 };
  const look = async () => {
    most.hub = Math.max(most.hub, await residentMb(hub.pid));
    most.follower = Math.max(most.follower, await residentMb(follower.pid).catch(() => 0));
  };
  const spent = async (pid: number) => (await processorSeconds(pid)) ?? 0;
  const [began, spentBefore] = [performance.now(), await spent(hub.pid)];
  await follower.start();
  const timer = setInterval(() => void look(), 100);
  guard.undo.defer(() => clearInterval(timer));
  await load.call('connect', undefined);
  await load.call('arrived', { count: accepted, before, timeoutMs: 300_000 });
  const seconds = round((performance.now() - began - 300) / 1_000);
  clearInterval(timer);
  await look();
  const processorS = { hub: round((await spent(hub.pid)) - spentBefore), follower: round(await spent(follower.pid)) };
  return { queued: accepted, seconds, processorS, hubMb: most.hub, followerMb: most.follower };
}

export interface Parting {
  readonly conversations: number;
  readonly members: number;
  /** From the change of the allow list until nobody of the other domain is in any of them. */
  readonly seconds: number;
  /** Of the homeserver that parts, for all that it did meanwhile: s. */
  readonly processorS: number;
  /** Messages of people who have nothing to do with it, meanwhile: time to their acceptance. */
  readonly othersP99Ms: number;
  /** The same before: what is beyond that is of the parting. */
  readonly beforeP99Ms: number;
}

const OTHERS = 20;
const OTHERS_RATE = 100;

/** An organisation takes another one off its allow list. */
export async function parting(
  storage: Storage,
  conversations: number,
  members: number,
  guard: Guard,
): Promise<Parting> {
  const { load, servers } = await populated(['alpha', 'beta'], [members / 2 + OTHERS, members / 2], storage, guard);
  const [hub] = servers;
  if (!hub) throw new Error('nobody parts');
  await load.call('share', { conversations, members, others: OTHERS });
  const beforeP99Ms = quantile(await load.call('write', { rate: OTHERS_RATE, seconds: 5 }), 0.99);
  const spent = async () => (await processorSeconds(hub.pid)) ?? 0;
  const [began, before] = [performance.now(), await spent()];
  await hub.allow([]);
  const { seconds, ms } = await load.call('part', {
    rate: OTHERS_RATE,
    began: performance.now() - began,
    timeoutMs: 300_000,
    admin: hub.admin,
  });
  const processorS = round((await spent()) - before);
  const othersP99Ms = quantile(ms, 0.99);
  return { conversations, members, seconds: round(seconds), processorS, othersP99Ms, beforeP99Ms };
}

async function paired(names: readonly string[], pairs: number, storage: Storage, guard: Guard) {
  const far = names.length - 1;
  const counts = names.map((_, index) => (index === 0 ? pairs : pairs / far));
  const { load, servers } = await populated(names, counts, storage, guard);
  await load.call('pair', undefined);
  await load.call('connect', undefined);
  return { load, servers };
}

async function populated(names: readonly string[], counts: readonly number[], storage: Storage, guard: Guard) {
  const servers = await BenchServer.federate(names, storage, guard);
  const seats: Seat[][] = [];
  for (const [index, server] of servers.entries()) seats.push(await populate(server.site, counts[index] ?? 0));
  await Promise.all(servers.map((server) => server.start()));
  const load = Helper.start<FederationLoad>('devices', join(import.meta.dirname, 'load.ts'), guard.undo, guard.onDied);
  const homes = servers.map(({ home }) => home);
  await load.call('enrol', { homes, seats });
  return { load, servers };
}

/** Resolves when all that was written is at its readers. @returns the moment */
async function drained({ accepted, before }: { accepted: number; before: number }, load: Helper<FederationLoad>) {
  await load.call('arrived', { count: accepted, before, timeoutMs: 60_000 });
  return performance.now() - 300;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return round(sorted[Math.floor(sorted.length * part)] ?? Number.NaN);
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
