/** The process of the devices: the program of it, and what it can be asked. The processor time of the server is not its own. */
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Group } from '#mls/group.ts';
import type { Environment } from '#mls/library.ts';
import { fromBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Delivery, Entry } from '#signalling/queue.ts';
import { answerCalls } from '../helper.ts';
import { inTurns } from '../people/crowd.ts';
import { BenchDevice } from './device.ts';
import { BenchGroup, environmentOf, joinAsFollower } from './group.ts';
import type { Seat } from './population.ts';
import { type Flood, type Flooded, flood, type Pace, pace, type Talk } from './traffic.ts';

/** Bytes of a message: a sentence or two with everything that mimi-content puts around them. */
const MESSAGE_BYTES = 200;
/** Devices of the large group that are real to the end: they join by the Welcome and follow each commit. */
const FOLLOWERS = 4;
const DELIVERED_MS = 30_000;
/** Between two commits of one device: a homeserver takes ten a second of each. */
const COMMIT_PAUSE_MS = 110;

export interface Changed {
  /** From the commit's departure to its arrival at the last device: server and network, ms. */
  readonly ms: readonly number[];
  /** Time of the device that makes the commit, and of each follower that takes it, ms. */
  readonly committerMs: readonly number[];
  readonly followerMs: readonly number[];
}

let devices: BenchDevice[] = [];
let talks: Talk[] = [];
let environment: Environment | undefined;
let large:
  | { readonly group: BenchGroup; readonly newcomer: BenchDevice; readonly followers: readonly Group[] }
  | undefined;

const methods = {
  /** Devices with a key, a certificate and, where they shall join groups, a key package. */
  async enrol({ home, seats }: { readonly home: string; readonly seats: readonly Seat[] }): Promise<void> {
    devices = seats.map((seat, index) => new BenchDevice(home, seat, index));
    await inTurns(devices, 8, (device) => device.setUp());
    const [first] = devices;
    if (first) environment = await environmentOf(first);
  },

  async connect(): Promise<void> {
    await inTurns(devices, 16, (device) => device.connect());
  },

  /** Two by two in conversations of their own; both write. */
  async pair(): Promise<void> {
    const firsts = devices.filter((_, index) => index % 2 === 0);
    const made = await inTurns([...firsts.entries()], 4, async ([index, first]) => {
      const second = devices[index * 2 + 1];
      if (!second) throw new Error('nobody to talk to');
      const { bytes } = await second.bringKeyPackage();
      const group = await BenchGroup.make(first, [second], surroundings());
      await group.add([bytes]);
      const message = await group.message(MESSAGE_BYTES);
      return [first, second].map((sender) => () => sender.send(group.conversation, message));
    });
    talks = made.flat();
  },

  /** Everybody in one conversation, and all but the last in its group. */
  async gather(): Promise<void> {
    const [maker, ...others] = devices;
    const newcomer = others.pop();
    if (!maker || !newcomer) throw new Error('too few');
    const group = await BenchGroup.make(maker, [...others, newcomer], surroundings());
    const brought = await inTurns(others, 8, (device) => device.bringKeyPackage());
    const last = others.slice(-FOLLOWERS);
    await group.add(brought.slice(0, -FOLLOWERS).map(({ bytes }) => bytes));
    const welcomes = last.map((device) => nextEntry(device, 'welcome'));
    await group.add(brought.slice(-FOLLOWERS).map(({ bytes }) => bytes));
    const followers: Group[] = [];
    for (const [index, device] of last.entries()) {
      const { secrets } = brought[brought.length - FOLLOWERS + index] ?? {};
      const welcome = payloadOf(await (welcomes[index] ?? Promise.reject(new Error('no welcome'))));
      if (!secrets) throw new Error('no key package');
      followers.push(await joinAsFollower(device, group, { welcome, secrets }, surroundings()));
    }
    large = { group, newcomer, followers };
    const message = await group.message(MESSAGE_BYTES);
    talks = devices
      .filter((device) => device !== newcomer)
      .map((sender) => () => sender.send(group.conversation, message));
  },

  flood: (how: Flood): Promise<Flooded> => flood(talks, how, received),

  pace: (how: Pace): Promise<number[]> => pace(talks, how),

  /** Adds one device to the large group and removes it again, so many times. */
  async change({ rounds }: { readonly rounds: number }): Promise<Changed> {
    if (!large) throw new Error('no group');
    const { group, newcomer, followers } = large;
    const { bytes } = await newcomer.bringKeyPackage();
    const members = devices.filter((device) => device !== newcomer);
    const figures = { ms: [] as number[], committerMs: [] as number[], followerMs: [] as number[] };
    for (let round = 0; round < rounds * 2; round++) {
      const isAdd = round % 2 === 0;
      await wait(COMMIT_PAUSE_MS);
      figures.committerMs.push(await timed(() => group.prepare(isAdd ? { add: [bytes] } : { remove: [newcomer.id] })));
      const commits = members.map((device) => nextEntry(device, 'commit'));
      const began = performance.now();
      const [entries] = await Promise.all([Promise.all(commits), group.send()]);
      figures.ms.push(performance.now() - began);
      await group.accept();
      const [entry] = entries;
      if (!entry) throw new Error('no commit');
      const commit = payloadOf(entry);
      for (const follower of followers) {
        figures.followerMs.push(await timed(() => follower.receive(commit)));
        if (follower.epoch !== group.epoch) throw new Error('a device is in another epoch');
      }
    }
    return figures;
  },

  /** How many are connected. */
  async connected(): Promise<number> {
    return devices.filter((device) => device.isConnected).length;
  },

  async leave(): Promise<void> {
    for (const device of devices) device.close();
    devices = [];
  },
};

export type LoadMethods = typeof methods;

function surroundings(): Environment {
  if (!environment) throw new Error('nobody is enrolled');
  return environment;
}

function received(): number {
  return devices.reduce((sum, device) => sum + device.received, 0);
}

/** The next entry of a kind that a device gets. */
function nextEntry(device: BenchDevice, kind: Entry['kind']): Promise<Entry> {
  const { promise, resolve, reject } = Promise.withResolvers<Entry>();
  const timer = setTimeout(() => reject(new HawserError('SIG_TIMEOUT', kind)), DELIVERED_MS);
  device.onDelivery = (_, text) => {
    if (!text.includes(`"kind":"${kind}"`)) return;
    const { entries } = (JSON.parse(text) as { params: Delivery }).params; // of the server under test
    const entry = entries.find((each) => each.kind === kind);
    if (!entry) return;
    device.onDelivery = undefined;
    clearTimeout(timer);
    resolve(entry);
  };
  return promise;
}

function payloadOf({ payload }: Entry): Uint8Array {
  const bytes = fromBase64Url(payload);
  if (!bytes) throw new HawserError('SIG_SCHEMA', 'payload');
  return bytes;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

answerCalls(methods, () => {
  for (const device of devices) device.close();
});
