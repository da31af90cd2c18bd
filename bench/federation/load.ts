/** The process of the devices of several organisations: the program of it, and what it can be asked. */
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Environment } from '#mls/library.ts';
import type { PeerReports } from '#signalling/administration.ts';
import { Conversations } from '#signalling/client-home.ts';
import { domainOf } from '#signalling/ids.ts';
import type { Delivery } from '#signalling/queue.ts';
import { answerCalls } from '../helper.ts';
import { BenchDevice } from '../messages/device.ts';
import { BenchGroup, environmentOf } from '../messages/group.ts';
import type { Seat } from '../messages/population.ts';
import { moments } from '../messages/traffic.ts';
import { inTurns } from '../people/crowd.ts';

/** Bytes of a message: a sentence or two with everything that mimi-content puts around them. */
const MESSAGE_BYTES = 200;
/** A device of the hub that writes, and one of another organisation that reads. */
interface Pair {
  readonly writer: BenchDevice;
  readonly reader: BenchDevice;
  readonly group: BenchGroup;
  readonly message: string;
  /** Moments at which messages were handed in that the reader does not have yet, in order. */
  readonly underWay: number[];
}

export interface Timed {
  /** From when a message was due to its arrival at the device of the other organisation, ms; by the reader's place in the list of homes. */
  readonly ms: readonly (readonly number[])[];
  /** Still under way at the end. */
  readonly missing: number;
}

let enrolled: BenchDevice[][] = [];
let environment: Environment | undefined;
/** Who is in all shared conversations. */
let shared: BenchDevice | undefined;
let pairs: Pair[] = [];
let homes: string[] = [];
const devices: BenchDevice[] = [];
/** Entries that readers got. */
let received = 0;

const methods = {
  /** Devices with a key and a certificate, of each home. */
  async enrol({ homes: all, seats }: { readonly homes: string[]; readonly seats: readonly Seat[][] }): Promise<void> {
    homes = all;
    enrolled = seats.map((some, at) =>
      some.map((seat, index) => new BenchDevice(all[at] ?? '', seat, at * 2_000 + index)),
    );
    devices.push(...enrolled.flat());
    await inTurns(devices, 8, (device) => device.setUp());
    const [first, ...far] = enrolled.map(([one]) => one);
    environment =
      first &&
      (await environmentOf(
        first,
        far.flatMap((one) => (one ? [domainOf(one.user)] : [])),
      ));
  },

  /** Pairs across the border: of each a device of the first home, the hub, writes, and one of the others reads. */
  async pair(): Promise<void> {
    const [writers = [], ...far] = enrolled;
    const readers = far.flat();
    if (readers.length !== writers.length) throw new Error('as many writers as readers');
    pairs = await inTurns([...writers.entries()], 4, async ([index, writer]) => {
      const reader = readers[index];
      if (!reader) throw new Error('nobody to read');
      return pairOf(writer, reader);
    });
  },

  /** Conversations of all but the `others`, half of each organisation, each with its group; and pairs of those others at home. */
  async share({
    conversations,
    members,
    others,
  }: {
    readonly conversations: number;
    readonly members: number;
    readonly others: number;
  }): Promise<void> {
    const [own = [], far = []] = enrolled;
    const crew = [...own.slice(0, members / 2), ...far];
    const [maker, ...rest] = crew;
    if (!maker) throw new Error('nobody');
    const packages = await inTurns(rest, 8, async (device) => (await device.bringKeyPackage()).bytes);
    for (let count = 0; count < conversations; count++) {
      // A homeserver takes ten commits a second of each device.
      await wait(COMMIT_PAUSE_MS);
      const group = await BenchGroup.make(maker, rest, surroundings());
      await group.add(packages);
    }
    shared = maker;
    const apart = own.slice(members / 2, members / 2 + others);
    await inTurns(apart, 8, (device) => device.connect());
    const writers = apart.filter((_, index) => index % 2 === 0);
    pairs = await inTurns([...writers.entries()], 4, async ([index, writer]) => {
      const reader = apart[index * 2 + 1];
      if (!reader) throw new Error('nobody to read');
      return pairOf(writer, reader);
    });
  },

  /** Others write until a homeserver has parted with another domain. @param admin where its administrator asks */
  async part({
    rate,
    began,
    timeoutMs,
    admin,
  }: {
    readonly rate: number;
    readonly began: number;
    readonly timeoutMs: number;
    readonly admin: string;
  }): Promise<{ readonly seconds: number; readonly ms: readonly number[] }> {
    const start = performance.now() - began;
    let isOver = false;
    const writing = timesOfWriting(rate, () => isOver);
    let seconds = 0;
    try {
      for (let hasBegun = false; ; await wait(100)) {
        const isParting = await isPartingAt(admin);
        seconds = (performance.now() - start) / 1_000;
        if (hasBegun && !isParting) break;
        hasBegun ||= isParting;
        if (seconds * 1_000 > timeoutMs) throw new Error('the organisations are not parted');
      }
    } finally {
      isOver = true;
      await writing;
    }
    const left = await stillShared();
    if (left > 0) throw new Error(`${left} conversations are still shared`);
    return { seconds, ms: await writing };
  },

  /** The same writing while nothing else goes on. */
  async write({ rate, seconds }: { readonly rate: number; readonly seconds: number }): Promise<readonly number[]> {
    const end = performance.now() + seconds * 1_000;
    return timesOfWriting(rate, () => performance.now() > end);
  },

  async connect(): Promise<void> {
    await inTurns(
      devices.filter((device) => !device.isConnected),
      16,
      (device) => device.connect(),
    );
    for (const pair of pairs) {
      pair.reader.onDelivery = (_, text) => {
        if (!text.includes('"kind":"message"')) return;
        const { entries } = (JSON.parse(text) as { params: Delivery }).params; // of the server under test
        received += entries.filter(({ kind }) => kind === 'message').length;
      };
    }
  },

  /** Writes at random moments to all pairs, or to those whose reader's home is not among `without`. */
  async pace({
    seconds,
    rate,
    without = [],
  }: {
    readonly seconds: number;
    readonly rate: number;
    readonly without?: readonly number[];
  }): Promise<Timed> {
    const ms: number[][] = homes.map(() => []);
    for (const pair of pairs) pair.reader.onDelivery = (_, text) => arrive(pair, text, ms[homeOf(pair.reader)] ?? []);
    for await (const { index, due } of moments({ seconds, rate })) {
      const pair = pairs[(index * 7) % pairs.length];
      if (!pair) throw new Error('nobody writes');
      // Counted from when it was due: a sender that is late must not hide it.
      pair.underWay.push(due);
      pair.writer.send(pair.group.conversation, pair.message).catch((error: unknown) => {
        failure ??= error;
      });
    }
    const isWaited = (pair: Pair) => !without.includes(homeOf(pair.reader)) && pair.underWay.length > 0;
    const end = performance.now() + 10_000;
    while (pairs.some(isWaited) && performance.now() < end) await wait(5);
    if (failure) throw failure;
    const missing = pairs.filter(isWaited).reduce((sum, { underWay }) => sum + underWay.length, 0);
    for (const { underWay } of pairs) underWay.splice(0);
    return { ms, missing };
  },

  /** Everybody writes as fast as it is taken. @returns how many were taken, and how many of them the readers have, once all have come */
  async flood({ seconds, toGo }: { readonly seconds: number; readonly toGo?: number }): Promise<Flooded> {
    const before = received;
    let accepted = 0;
    const began = performance.now();
    const end = began + seconds * 1_000;
    const goesOn = () => (toGo === undefined ? performance.now() < end : accepted < toGo);
    await Promise.all(
      pairs.map(async ({ writer, group, message }) => {
        for (let next = began; goesOn(); next = Math.max(next + PAUSE_MS, performance.now())) {
          const early = next - performance.now();
          if (early > 0) await wait(early);
          if (!goesOn()) break;
          await writer.send(group.conversation, message);
          accepted += 1;
        }
      }),
    );
    return { accepted, ms: performance.now() - began, before };
  },

  /** Resolves when readers have so many more than `before`. @returns ms of waiting */
  async arrived({
    count,
    before,
    timeoutMs,
  }: {
    readonly count: number;
    readonly before: number;
    readonly timeoutMs: number;
  }): Promise<number> {
    const began = performance.now();
    while (received - before < count) {
      if (performance.now() - began > timeoutMs) throw new Error(`${received - before} of ${count} messages arrived`);
      await wait(5);
    }
    await wait(300);
    if (received - before > count) throw new Error(`${received - before} messages arrived, of ${count}`);
    return performance.now() - began - 300;
  },

  async received(): Promise<number> {
    return received;
  },

  async leave(): Promise<void> {
    for (const device of devices.splice(0)) device.close();
    pairs = [];
  },
};

export interface Flooded {
  readonly accepted: number;
  readonly ms: number;
  /** What readers had got before. */
  readonly before: number;
}

export type FederationLoad = typeof methods;

/** Between two messages of one device: a homeserver takes 60 a second of each. */
const PAUSE_MS = 25;
/** Between two commits of one device. */
const COMMIT_PAUSE_MS = 110;
let failure: unknown;

function surroundings(): Environment {
  if (!environment) throw new Error('nobody is enrolled');
  return environment;
}

/** All pairs write in turn, at random moments. @returns from when each message was due to its acceptance, ms */
async function timesOfWriting(rate: number, isOver: () => boolean): Promise<number[]> {
  const asked: Promise<number>[] = [];
  for (let index = 0, due = performance.now(); !isOver(); index++) {
    due += (-Math.log(1 - Math.random()) / rate) * 1_000;
    const early = due - performance.now();
    if (early > 1) await wait(early);
    const pair = pairs[index % pairs.length];
    if (!pair) throw new Error('nobody writes');
    const from = due;
    asked.push(pair.writer.send(pair.group.conversation, pair.message).then(() => performance.now() - from));
  }
  return Promise.all(asked);
}

async function isPartingAt(admin: string): Promise<boolean> {
  const { peers } = (await (await fetch(`${admin}/admin/v1/peers`)).json()) as PeerReports; // of the server under test
  return peers.some(({ state }) => state === 'parting');
}

/** Conversations in which somebody of another organisation is. */
async function stillShared(): Promise<number> {
  if (!shared) throw new Error('nothing is shared');
  const own = domainOf(shared.user);
  const { conversations } = await shared.api.call({ method: 'GET', path: 'conversations', answer: Conversations });
  return conversations.filter(({ members }) => members.some(({ domain }) => domain !== own)).length;
}

async function pairOf(writer: BenchDevice, reader: BenchDevice): Promise<Pair> {
  const { bytes } = await reader.bringKeyPackage();
  const group = await BenchGroup.make(writer, [reader], surroundings());
  await group.add([bytes]);
  return { writer, reader, group, message: await group.message(MESSAGE_BYTES), underWay: [] };
}

function arrive({ underWay }: Pair, text: string, times: number[]): void {
  if (!text.includes('"kind":"message"')) return;
  const { entries } = (JSON.parse(text) as { params: Delivery }).params; // of the server under test
  for (const { kind } of entries) {
    if (kind !== 'message') continue;
    received += 1;
    const due = underWay.shift();
    if (due !== undefined) times.push(performance.now() - due);
  }
}

function homeOf(device: BenchDevice): number {
  return homes.indexOf(device.home);
}

answerCalls(methods, () => {
  for (const device of devices) device.close();
});
