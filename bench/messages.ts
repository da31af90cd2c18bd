/** `hawser bench messages`: what one homeserver takes, delivers and needs. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Errand, type Guard, guarded } from './guarded.ts';
import { Helper } from './helper.ts';
import { residentMb } from './measure/memory.ts';
import { withProcessor } from './measure/processor.ts';
import { type AgainstReport, measureAgainst, type Rival } from './messages/against.ts';
import type { Changed, LoadMethods } from './messages/load.ts';
import { populate, type Seat } from './messages/population.ts';
import { BenchServer, type Storage } from './messages/server.ts';
import { aligned } from './report/aligned.ts';
import { type Spread, spreadOf } from './report/figures.ts';

export interface MessagesOptions {
  readonly storage: Storage;
  /** How long each load lasts. */
  readonly seconds: number;
  /** Connected devices, two in each conversation. */
  readonly devices: number;
  /** Devices of the large group. */
  readonly group: number;
  /** Connected devices that do nothing. */
  readonly idle: number;
  /** Another server, to be measured by the same traffic. */
  readonly rival?: Rival | undefined;
}

export interface MessagesReport {
  readonly storage: Storage;
  /** Messages between two that were on disk, a second. */
  readonly acceptedPerSecond: number;
  /** From the moment that a message was due to its acceptance, at `pacePerSecond`. */
  readonly acceptP99Ms: number;
  readonly acceptP50Ms: number;
  readonly pacePerSecond: number;
  /** Entries that devices of the large group got, a second. */
  readonly deliveriesPerSecond: number;
  readonly rssStartMb: number;
  readonly rssIdleDevicesMb: number;
  /** From the start of the process to its first answer, with an empty database that is made before. */
  readonly coldStartMs: number;
  /** One more or one fewer in the large group, from the commit's departure to its arrival at the last device. */
  readonly changeMs: Spread;
  /** What devices do meanwhile: the one that makes the commit, and each one that takes it. */
  readonly committerMs: Spread;
  readonly followerMs: Spread;
  /** Per cent of one core, of the homeserver's process. */
  readonly cpu: { readonly flood: number; readonly pace: number; readonly fanOut: number };
  readonly devices: number;
  readonly group: number;
  readonly idle: number;
  readonly against?: AgainstReport;
}

/** The figures to reach. */
export const FIGURES = {
  acceptedPerSecond: 3_000,
  acceptP99Ms: 50,
  deliveriesPerSecond: 60_000,
  rssStartMb: 150,
  rssIdleDevicesMb: 400,
  coldStartMs: 1_000,
  changeP95Ms: 2_000,
} as const;

const COLD_STARTS = 5;
/** Of the large group: enough that what they write is taken together, few enough that each keeps to his rate. */
const WRITERS = 60;
const CHANGES = 20;
/** After the start and after everybody came: until what was needed for that alone is given back, ms. */
const SETTLED_MS = 3_000;

/** @throws Error with a plain sentence where it was stopped or something ended by itself */
export async function measureMessages(
  options: MessagesOptions,
  { signal, say, onProgress }: Errand,
): Promise<MessagesReport> {
  const { storage } = options;
  const steps = options.rival === undefined ? 4 : 5;
  const start = await guarded(signal, (guard) => measureStart(storage, guard));
  onProgress(1, steps);
  say(`${options.devices} devices write to each other`);
  const talk = await guarded(signal, (guard) => measureTalk(options, guard));
  onProgress(2, steps);
  say(`a group of ${options.group} devices`);
  const group = await guarded(signal, (guard) => measureGroup(options, guard));
  onProgress(3, steps);
  say(`${options.idle} devices are connected and do nothing`);
  const rssIdleDevicesMb = await guarded(signal, (guard) => measureIdle(options, guard));
  onProgress(4, steps);
  const { rival, ...same } = options;
  const rate = FIGURES.acceptedPerSecond / 2;
  const against =
    rival &&
    (await measureAgainst({ ...same, rival, rate, senders: WRITERS }, { signal, say, onProgress: () => undefined }));
  onProgress(steps, steps);
  const { cpu: fanOut, ...grouped } = group;
  return {
    ...{ storage, ...start, ...talk, ...grouped, rssIdleDevicesMb },
    cpu: { ...talk.cpu, fanOut },
    ...{ devices: options.devices, group: options.group, idle: options.idle, ...(against && { against }) },
  };
}

async function measureStart(storage: Storage, guard: Guard) {
  const server = await BenchServer.prepare(storage, guard);
  // The first one makes the tables.
  await server.start();
  await server.stop();
  const starts: number[] = [];
  let memory = 0;
  for (let count = 0; count < COLD_STARTS; count++) {
    starts.push(await server.start());
    if (count === COLD_STARTS - 1) {
      await wait(SETTLED_MS);
      memory = await residentMb(server.pid);
    }
    await server.stop();
  }
  return { coldStartMs: Math.round(spreadOf(starts).median), rssStartMb: memory };
}

async function measureTalk({ storage, seconds, devices }: MessagesOptions, guard: Guard) {
  const { server, load } = await enrolled(storage, devices, guard);
  await load.call('pair', undefined);
  await load.call('connect', undefined);
  await load.call('flood', { seconds: 1, senders: devices, receivers: 1 }); // until everything is compiled
  const flood = await withProcessor(server.pid, () => load.call('flood', { seconds, senders: devices, receivers: 1 }));
  const rate = FIGURES.acceptedPerSecond / 2;
  const pace = await withProcessor(server.pid, () => load.call('pace', { seconds, rate }));
  const times = pace.result.toSorted((a, b) => a - b);
  return {
    acceptedPerSecond: Math.round((flood.result.accepted / flood.result.ms) * 1_000),
    acceptP99Ms: round(times[Math.floor(times.length * 0.99)] ?? Number.NaN),
    acceptP50Ms: round(times[Math.floor(times.length * 0.5)] ?? Number.NaN),
    pacePerSecond: rate,
    cpu: { flood: flood.percent, pace: pace.percent },
  };
}

async function measureGroup({ storage, seconds, group }: MessagesOptions, guard: Guard) {
  // One more, who comes and goes.
  const { server, load } = await enrolled(storage, group + 1, guard);
  await load.call('connect', undefined);
  await load.call('gather', undefined);
  const senders = Math.min(WRITERS, group);
  await load.call('flood', { seconds: 1, senders, receivers: group - 1 });
  const flood = await withProcessor(server.pid, () => load.call('flood', { seconds, senders, receivers: group - 1 }));
  const changed: Changed = await load.call('change', { rounds: CHANGES });
  return {
    deliveriesPerSecond: Math.round((flood.result.delivered / flood.result.deliveredMs) * 1_000),
    changeMs: spreadOf(changed.ms),
    committerMs: spreadOf(changed.committerMs),
    followerMs: spreadOf(changed.followerMs),
    cpu: flood.percent,
  };
}

async function measureIdle({ storage, idle }: MessagesOptions, guard: Guard): Promise<number> {
  const { server, load } = await enrolled(storage, idle, guard);
  await load.call('connect', undefined);
  await wait(SETTLED_MS);
  const connected = await load.call('connected', undefined);
  if (connected !== idle) throw new Error(`Only ${connected} of ${idle} devices stayed connected.`);
  return residentMb(server.pid);
}

/** A server of its own with people in it, and the process of their devices. */
async function enrolled(storage: Storage, count: number, guard: Guard) {
  const server = await BenchServer.prepare(storage, guard);
  const seats: Seat[] = await populate(server.site, count);
  await server.start();
  const program = join(import.meta.dirname, 'messages', 'load.ts');
  const load = Helper.start<LoadMethods>('devices', program, guard.undo, guard.onDied);
  await load.call('enrol', { home: server.home, seats });
  return { server, load };
}

export function messagesTable(report: MessagesReport): string[] {
  const { changeMs, committerMs, followerMs, cpu, against } = report;
  const of = (value: number | undefined, unit: string) =>
    value === undefined ? '' : `${value.toLocaleString('en')} ${unit}`;
  const core = (percent: number | undefined) => (percent === undefined ? '' : ` (${percent} % of a core)`);
  const rows: [string, string, string, string?][] = [
    [`On ${report.storage}`, 'measured', 'to reach', against?.title],
    [
      `messages accepted, ${report.devices} devices in pairs`,
      `${of(report.acceptedPerSecond, 'a second')}${core(cpu.flood)}`,
      `at least ${of(FIGURES.acceptedPerSecond, 'a second')}`,
      `${of(against?.acceptedPerSecond, 'a second')}${core(against?.cpu?.flood)}`,
    ],
    [
      `time to acceptance at ${of(report.pacePerSecond, 'a second')}, 99 %`,
      `${of(report.acceptP99Ms, 'ms')} (half: ${of(report.acceptP50Ms, 'ms')})${core(cpu.pace)}`,
      `below ${of(FIGURES.acceptP99Ms, 'ms')}`,
      of(against?.acceptP99Ms, 'ms'),
    ],
    [
      `deliveries to a group of ${report.group} devices`,
      `${of(report.deliveriesPerSecond, 'a second')}${core(cpu.fanOut)}`,
      `at least ${of(FIGURES.deliveriesPerSecond, 'a second')}`,
      `${of(against?.deliveriesPerSecond, 'a second')}${core(against?.cpu?.fanOut)}`,
    ],
    [
      'memory after the start',
      of(report.rssStartMb, 'MB'),
      `below ${of(FIGURES.rssStartMb, 'MB')}`,
      of(against?.rssStartMb, 'MB'),
    ],
    [
      `memory with ${of(report.idle, 'idle devices')}`,
      of(report.rssIdleDevicesMb, 'MB'),
      `below ${of(FIGURES.rssIdleDevicesMb, 'MB')}`,
      of(against?.rssIdleDevicesMb, 'MB'),
    ],
    ['from start to serving', of(report.coldStartMs, 'ms'), `below ${of(FIGURES.coldStartMs, 'ms')}`],
    ['one more or fewer in the group, 95 %', of(changeMs.p95, 'ms'), `below ${of(FIGURES.changeP95Ms, 'ms')}`],
    ['  besides, the device that changes it, 95 %', of(committerMs.p95, 'ms'), ''],
    ['  besides, each device that follows, 95 %', of(followerMs.p95, 'ms'), ''],
  ];
  return aligned(
    rows.map(([name, measured, toReach, other = '']) => [name, measured, toReach, ...(against ? [other] : [])]),
  );
}

/** Empty where all figures are reached. */
export function complaintsAboutMessages(report: MessagesReport): string[] {
  const { changeMs, ...rest } = report;
  const figures = { ...rest, changeP95Ms: changeMs.p95 };
  const atLeast = ['acceptedPerSecond', 'deliveriesPerSecond'] as const;
  const below = ['acceptP99Ms', 'rssStartMb', 'rssIdleDevicesMb', 'coldStartMs', 'changeP95Ms'] as const;
  return [
    ...atLeast
      .filter((name) => figures[name] < FIGURES[name])
      .map((name) => `${name} is ${figures[name]}; at least ${FIGURES[name]} was expected.`),
    ...below
      .filter((name) => figures[name] >= FIGURES[name])
      .map((name) => `${name} is ${figures[name]}; below ${FIGURES[name]} was expected.`),
  ];
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
