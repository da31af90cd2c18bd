/** What devices do while they are measured, whatever they talk to. */
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

/** Somebody who can write. Resolves when the server says that it has the message. */
export type Talk = () => Promise<void>;

export interface Flooded {
  /** Messages that the server said to have, and in which time, ms. */
  readonly accepted: number;
  readonly ms: number;
  /** What devices got of them, until all had come. */
  readonly delivered: number;
  readonly deliveredMs: number;
}

export interface Flood {
  readonly seconds: number;
  /** How many of the devices write. */
  readonly senders: number;
  /** How many devices get each message. */
  readonly receivers: number;
}

export interface Pace {
  readonly seconds: number;
  /** Messages a second of all devices together. */
  readonly rate: number;
}

const DELIVERED_MS = 60_000;
const QUIET_MS = 300;
/** Between two messages of one device: a homeserver takes 60 a second of each. */
const PAUSE_MS = 25;

/** Senders write as fast as they are answered, and not faster than one may. @param received how many messages all devices have got so far */
export async function flood(
  talks: readonly Talk[],
  { seconds, senders, receivers }: Flood,
  received: () => number,
): Promise<Flooded> {
  const before = await settled(received);
  let accepted = 0;
  const began = performance.now();
  const end = began + seconds * 1_000;
  await Promise.all(
    talks.slice(0, senders).map(async (talk) => {
      for (let due = began; performance.now() < end; due = Math.max(due + PAUSE_MS, performance.now())) {
        const early = due - performance.now();
        if (early > 0) await wait(early);
        await talk();
        accepted += 1;
      }
    }),
  );
  const ms = performance.now() - began;
  await arrived(before + accepted * receivers, received);
  return { accepted, ms, delivered: received() - before, deliveredMs: performance.now() - began };
}

/** Random moments, as of events that do not know of each other: comes when each is due, or at once where that is over. */
export async function* moments({
  seconds,
  rate,
}: Pace): AsyncGenerator<{ readonly index: number; readonly due: number }> {
  const began = performance.now();
  let due = began;
  for (let index = 0; due < began + seconds * 1_000; index++) {
    due += (-Math.log(1 - Math.random()) / rate) * 1_000;
    const early = due - performance.now();
    if (early > 1) await wait(early);
    yield { index, due };
  }
}

/** Senders write at random moments, whether they are answered or not. @returns times to the answers, ms */
export async function pace(talks: readonly Talk[], how: Pace): Promise<number[]> {
  const times: number[] = [];
  const asked: Promise<void>[] = [];
  for await (const { index, due } of moments(how)) {
    const talk = talks[(index * 7) % talks.length];
    if (!talk) throw new Error('nobody talks');
    // Counted from when it was due: a sender that is late must not hide it.
    asked.push(talk().then(() => void times.push(performance.now() - due)));
  }
  await Promise.all(asked);
  return times;
}

/** How many had come when nothing came any more: what waited for devices that have just connected. */
async function settled(received: () => number): Promise<number> {
  for (let before = -1; ; ) {
    const now = received();
    if (now === before) return now;
    before = now;
    await wait(QUIET_MS);
  }
}

async function arrived(count: number, received: () => number): Promise<void> {
  const end = performance.now() + DELIVERED_MS;
  while (received() < count) {
    if (performance.now() > end)
      throw new Error(`${received()} of ${count} messages arrived within ${DELIVERED_MS} ms`);
    await wait(2);
  }
  await wait(QUIET_MS);
  if (received() > count) throw new Error(`${received()} messages arrived, of ${count}`);
}
