/** What crossed the border over time: readings taken at a steady beat, and the points that they make. */
import { setTimeout as wait } from 'node:timers/promises';
import type { BorderCounts } from '../border/forwarder.ts';
import { type Account, passedBetween } from './account.ts';

/** All that was counted up to one moment. */
export interface Moment {
  readonly border: { readonly at: number; readonly counts: BorderCounts };
  /** By direction, of the sending server. */
  readonly accounts: Readonly<Record<string, Account>>;
}

/** Mbit/s in one direction, as `Crossing` has them; `border` is the sum as the border counts. */
export interface Flow {
  readonly layer0: number;
  readonly layer1: number;
  readonly layer2: number;
  readonly microphone: number;
  readonly screen: number;
  readonly overhead: number;
  readonly border: number;
}

/** What crossed since the point before. */
export interface Point {
  /** Seconds since the first reading, to the middle between the two readings. */
  readonly at: number;
  readonly directions: Readonly<Record<string, Flow>>;
}

/** However long a run is; readings are sums, so that leaving some out makes longer steps and loses nothing. */
const MOST_POINTS = 300;

/** Pure. A part that is read a moment after the sum may be ahead of it, so that `overhead` may be a little below zero. */
export function timelineOf(moments: readonly Moment[], most = MOST_POINTS): Point[] {
  const step = Math.max(1, Math.ceil((moments.length - 1) / most));
  const kept = moments.filter((_, index) => index % step === 0 || index === moments.length - 1);
  const begin = moments[0]?.border.at ?? 0;
  return kept.slice(1).flatMap((now, index) => {
    const then = kept[index];
    if (!then || now.border.at <= then.border.at) return [];
    const seconds = (now.border.at - then.border.at) / 1_000;
    const directions = Object.entries(now.accounts).flatMap(([direction, account]) => {
      const old = then.accounts[direction];
      if (!old) return [];
      const crossed = (now.border.counts[direction]?.bytes ?? 0) - (then.border.counts[direction]?.bytes ?? 0);
      return [[direction, flowOf(old, account, crossed, seconds)] as const];
    });
    const middle = (then.border.at + now.border.at) / 2 - begin;
    return [{ at: round(middle / 1_000), directions: Object.fromEntries(directions) }];
  });
}

function flowOf(before: Account, after: Account, crossed: number, seconds: number): Flow {
  const { bytes, streams } = passedBetween(before, after);
  const mbps = (count: number) => round((count * 8) / 1e6 / seconds);
  const sum = (of: typeof streams) => of.reduce((total, each) => total + each.bytes, 0);
  const layer = (wanted: number) =>
    mbps(sum(streams.filter(({ kind, layer }) => kind === 'camera' && layer === wanted)));
  const kind = (wanted: string) => mbps(sum(streams.filter((each) => each.kind === wanted)));
  return {
    layer0: layer(0),
    layer1: layer(1),
    layer2: layer(2),
    microphone: kind('microphone'),
    screen: kind('screen'),
    overhead: mbps(bytes - sum(streams)),
    border: mbps(crossed),
  };
}

/** To the kbit/s, and to the millisecond. */
function round(value: number): number {
  return Number(value.toFixed(3));
}

/** Takes a reading at once and then at each beat, until it is stopped; a reading that takes longer delays the next. */
export class Recorder {
  readonly #ended = new AbortController();
  readonly #work: Promise<readonly Moment[]>;

  /** @param signal ends it too; nobody has to call `stop` then */
  constructor(read: () => Promise<Moment>, everyMs: number, signal: AbortSignal) {
    this.#work = record(read, everyMs, AbortSignal.any([signal, this.#ended.signal]));
    this.#work.catch(() => undefined); // whoever stops hears of it
  }

  /**
   * Takes a last reading.
   * @throws what `read` threw
   */
  stop(): Promise<readonly Moment[]> {
    this.#ended.abort();
    return this.#work;
  }
}

async function record(read: () => Promise<Moment>, everyMs: number, ended: AbortSignal): Promise<Moment[]> {
  const moments = [await read()];
  const begin = performance.now();
  for (let beat = 1; !ended.aborted; beat++) {
    const left = () => begin + beat * everyMs - performance.now();
    await wait(Math.max(0, left()), undefined, { signal: ended }).catch(() => undefined);
    // Right after a beat a step would be too short for a rate; what it counts goes to the step before.
    if (left() > everyMs / 2 && moments.length > 1) moments.pop();
    moments.push(await read());
  }
  return moments;
}
