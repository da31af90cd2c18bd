/** From readings to the figures of a run. Pure: the same readings give the same report. */
import { type Impaired, impairedBetween } from '../border/impaired.ts';
import type { BorderLoss, BorderReading } from '../border/process.ts';
import { type Account, passedBetween } from '../measure/account.ts';
import type { Point } from '../measure/timeline.ts';
import { lookingOf } from '../people/seat.ts';
import type { First, StreamReading, ViewerReading } from '../people/viewer.ts';
import type { Phase } from '../scenario/phases.ts';

/** What crossed in one direction as the sending server counts it, Mbit/s of UDP payload. */
export interface Crossing {
  readonly mbps: number;
  /** Cameras by layer, RTP with its headers. */
  readonly byLayer: Readonly<Record<'0' | '1' | '2', number>>;
  /** RTP with its headers; `overhead` is the rest: SRTP's 16 bytes a packet, RTCP, and what was sent again. */
  readonly byKind: Readonly<Record<'camera' | 'microphone' | 'screen' | 'overhead', number>>;
}

export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly p95: number;
  readonly most: number;
}

export const PICTURE_SIZES = ['small', 'middle', 'large', 'screen'] as const;
export type PictureSize = (typeof PICTURE_SIZES)[number];

export interface ViewersFigures {
  readonly count: number;
  /** Viewers who had everything that they asked for and heard everybody who spoke, in every phase. */
  readonly satisfied: number;
  /** Each picture and each voice counts once in each phase. */
  readonly pictures: { readonly wanted: number; readonly good: number; readonly framesPerSecond: Spread };
  readonly voices: { readonly wanted: number; readonly good: number };
  /** Each viewer's traffic, SRTP and SRTCP as UDP payload. */
  readonly kbps: Spread;
  readonly packetsPerSecond: Spread;
  /** RTP packets that never came, of all, in per cent. */
  readonly lostPercent: number;
  /** From the wish to the first whole picture of the right size, ms; what nobody wanted is not there. */
  readonly firstPictureMs: Readonly<Partial<Record<PictureSize, Spread>>>;
  /** From the begin of a turn inside the window to its first sound, ms; absent where no turn began in it. */
  readonly firstSoundMs?: Spread;
  readonly joinMs: Spread;
  /** Packets that the kernel threw away on the way because a process was late, in the window; absent where it does not tell. */
  readonly lostOnTheWay: { readonly atBorder?: number; readonly atTrunkEnds?: number; readonly atPeople?: number };
  /** Moments that publishers left out because they were late. */
  readonly skippedByPublishers: number;
}

export interface Run {
  readonly mode: string;
  readonly seconds: number;
  readonly border: Readonly<Record<string, Crossing>>;
  readonly independent: Readonly<Record<string, { readonly mbps: number }>>;
  /** What had to cross by direction, Mbit/s of UDP payload, of the scenario alone; see `scenario/floor.ts`. */
  readonly floor: Readonly<Record<string, number>>;
  /** What crossed as the border counted, by the floor; a direction in which nothing had to cross has none. */
  readonly ratio: Readonly<Record<string, number>>;
  /** What the border did on purpose, by direction; absent where it carried everything at once. */
  readonly impaired?: Readonly<Record<string, Impaired>>;
  readonly viewers: ViewersFigures;
  /** What crossed over time; absent where it was not recorded. */
  readonly timeline?: readonly Point[];
  /** Per cent of one core, by process; `sum` of them all, `others`: what else ran on the machine. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** Everything that was read at one moment. */
export interface Reading {
  readonly border: BorderReading;
  readonly loss: BorderLoss;
  /** By direction, of the sending server. */
  readonly accounts: Readonly<Record<string, Account>>;
  readonly viewers: readonly ViewerReading[];
  readonly skipped: number;
  /** Processor seconds by process. */
  readonly processor: Readonly<Record<string, number>>;
  /** Processor seconds of the whole machine; absent where the system does not tell. */
  readonly busy?: number;
}

/** What the viewers had at the begin and at the end of one judged part of the window. */
export interface Part {
  readonly before: readonly ViewerReading[];
  readonly after: readonly ViewerReading[];
}

export interface Expectation {
  readonly mode: string;
  readonly framesPerSecond: number;
  readonly voicesPerSecond: number;
  readonly phases: readonly Phase[];
  /** One for each phase. */
  readonly parts: readonly Part[];
  readonly floor: Readonly<Record<string, number>>;
}

/** The part of the frames that must arrive for a picture to be good: a window cuts off a frame at either end. */
const GOOD = 0.95;

export function runOf(before: Reading, after: Reading, expected: Expectation): Run {
  const seconds = (after.border.at - before.border.at) / 1_000;
  const border: Record<string, Crossing> = {};
  const independent: Record<string, { mbps: number }> = {};
  for (const [direction, account] of Object.entries(after.accounts)) {
    const then = before.accounts[direction];
    if (then) border[direction] = crossingOf(then, account, seconds);
    const bytes = (reading: Reading) => reading.border.counts[direction]?.bytes ?? 0;
    independent[direction] = { mbps: mbps(bytes(after) - bytes(before), seconds) };
  }
  const impaired = impairedBetween(before.border, after.border);
  return {
    mode: expected.mode,
    seconds: round(seconds, 3),
    border,
    independent,
    floor: expected.floor,
    ratio: ratioOf(independent, expected.floor),
    ...(impaired && { impaired }),
    viewers: viewersOf(before, after, expected),
    cpu: processorOf(before, after, seconds),
  };
}

export function crossingOf(before: Account, after: Account, seconds: number): Crossing {
  const { bytes, streams } = passedBetween(before, after);
  const sum = (of: (typeof streams)[number][]) =>
    mbps(
      of.reduce((total, each) => total + each.bytes, 0),
      seconds,
    );
  const layer = (wanted: number) => sum(streams.filter((each) => each.kind === 'camera' && each.layer === wanted));
  const kind = (wanted: string) => sum(streams.filter((each) => each.kind === wanted));
  const known = streams.reduce((total, each) => total + each.bytes, 0);
  return {
    mbps: mbps(bytes, seconds),
    byLayer: { '0': layer(0), '1': layer(1), '2': layer(2) },
    byKind: {
      camera: kind('camera'),
      microphone: kind('microphone'),
      screen: kind('screen'),
      overhead: mbps(bytes - known, seconds),
    },
  };
}

function ratioOf(measured: Run['independent'], floor: Run['floor']): Record<string, number> {
  const ratios = Object.entries(floor).filter(([, least]) => least > 0);
  return Object.fromEntries(
    ratios.map(([direction, least]) => [direction, round((measured[direction]?.mbps ?? 0) / least, 3)]),
  );
}

function viewersOf(before: Reading, after: Reading, expected: Expectation): ViewersFigures {
  const viewers = pairs(before.viewers, after.viewers).map(([then, now]) => changeOf(then, now));
  const streams = viewers.flatMap((viewer) => viewer.streams);
  const lost = streams.reduce((sum, each) => sum + each.lost, 0);
  const came = streams.reduce((sum, each) => sum + each.packets, 0);
  const judged = expected.phases.flatMap((phase, index) => {
    const part = expected.parts[index];
    return part ? pairs(part.before, part.after).map(([then, now]) => judge(then, now, phase, expected)) : [];
  });
  const pictures = judged.flatMap((each) => each.pictures);
  const voices = judged.flatMap((each) => each.voices);
  const unhappy = new Set(
    judged.filter((each) => ![...each.pictures, ...each.voices].every(({ good }) => good)).map(({ name }) => name),
  );
  const firsts = after.viewers.flatMap((viewer) => viewer.firsts);
  const waited = (size: PictureSize | 'sound') => firsts.filter((first) => sizeOf(first) === size).map(({ ms }) => ms);
  const sizes = PICTURE_SIZES.filter((size) => waited(size).length > 0);
  return {
    count: viewers.length,
    satisfied: viewers.length - unhappy.size,
    pictures: {
      wanted: pictures.length,
      good: pictures.filter(({ good }) => good).length,
      framesPerSecond: spreadOf(pictures.map(({ rate }) => rate)),
    },
    voices: { wanted: voices.length, good: voices.filter(({ good }) => good).length },
    kbps: spreadOf(viewers.map(({ bytes, seconds }) => (bytes * 8) / 1_000 / seconds)),
    packetsPerSecond: spreadOf(viewers.map(({ packets, seconds }) => packets / seconds)),
    lostPercent: came + lost === 0 ? 0 : round((100 * lost) / (came + lost), 3),
    firstPictureMs: Object.fromEntries(sizes.map((size) => [size, spreadOf(waited(size))])),
    ...(waited('sound').length > 0 && { firstSoundMs: spreadOf(waited('sound')) }),
    joinMs: spreadOf(after.viewers.flatMap(({ joinMs }) => joinMs ?? [])),
    lostOnTheWay: lostBetween(before.loss, after.loss),
    skippedByPublishers: after.skipped - before.skipped,
  };
}

function sizeOf({ kind, layer }: First): PictureSize | 'sound' {
  if (kind === 'microphone') return 'sound';
  return kind === 'screen' ? 'screen' : (PICTURE_SIZES[layer] ?? 'large');
}

interface Judged {
  readonly rate: number;
  readonly good: boolean;
}

/** Whether a viewer had what he wanted in one phase, whichever rendition brought it. */
function judge(
  then: ViewerReading,
  now: ViewerReading,
  phase: Phase,
  { framesPerSecond, voicesPerSecond }: Expectation,
): { readonly name: string; readonly pictures: readonly Judged[]; readonly voices: readonly Judged[] } {
  const { streams } = changeOf(then, now);
  const looking = lookingOf(now.name, phase);
  const judged = (rate: number, full: number): Judged => ({ rate, good: rate >= full * GOOD });
  const best = (rates: readonly number[]) => Math.max(0, ...rates);
  return {
    name: now.name,
    pictures: looking.pictures.map(({ who, kind, width }) => {
      const right = streams.filter((each) => each.who === who && each.kind === kind && each.width === width);
      return judged(best(right.map((each) => each.framesPerSecond)), framesPerSecond);
    }),
    voices: looking.voices.map((who) => {
      const own = streams.filter((each) => each.who === who && each.kind === 'microphone');
      return judged(best(own.map((each) => each.voicesPerSecond)), voicesPerSecond);
    }),
  };
}

/** The same viewers in two readings; one who is in the later only counts from nothing. */
function pairs(before: readonly ViewerReading[], after: readonly ViewerReading[]) {
  const earlier = new Map(before.map((each) => [each.name, each]));
  return after.map((now) => [earlier.get(now.name) ?? now, now] as const);
}

/** A socket that was closed takes its count with it, hence never less than nothing. */
function lostBetween(before: BorderLoss, after: BorderLoss): ViewersFigures['lostOnTheWay'] {
  const lost = (where: 'border' | 'trunk' | 'people') => {
    const [then, now] = [before[where], after[where]];
    return then === undefined || now === undefined ? undefined : Math.max(0, now - then);
  };
  const [atBorder, atTrunkEnds, atPeople] = [lost('border'), lost('trunk'), lost('people')];
  return {
    ...(atBorder !== undefined && { atBorder }),
    ...(atTrunkEnds !== undefined && { atTrunkEnds }),
    ...(atPeople !== undefined && { atPeople }),
  };
}

interface StreamChange extends Pick<StreamReading, 'who' | 'kind' | 'width'> {
  readonly framesPerSecond: number;
  readonly voicesPerSecond: number;
  readonly packets: number;
  readonly lost: number;
}

function changeOf(before: ViewerReading, after: ViewerReading) {
  const seconds = Math.max(0.001, (after.at - before.at) / 1_000);
  const earlier = new Map(before.streams.map((each) => [each.consumer, each]));
  const streams = after.streams.map((now): StreamChange => {
    const then = earlier.get(now.consumer);
    return {
      ...now,
      framesPerSecond: (now.frames - (then?.frames ?? 0)) / seconds,
      voicesPerSecond: (now.spoken - (then?.spoken ?? 0)) / seconds,
      packets: now.packets - (then?.packets ?? 0),
      lost: Math.max(0, now.lost - (then?.lost ?? 0)),
    };
  });
  return { seconds, bytes: after.bytes - before.bytes, packets: after.packets - before.packets, streams };
}

function processorOf(before: Reading, after: Reading, seconds: number): Record<string, number> {
  const percent = Object.entries(after.processor).map(
    ([name, used]) => [name, round((100 * (used - (before.processor[name] ?? 0))) / seconds, 1)] as const,
  );
  const sum = round(
    percent.reduce((total, [, each]) => total + each, 0),
    1,
  );
  const { busy } = after;
  const all = busy === undefined || before.busy === undefined ? undefined : (100 * (busy - before.busy)) / seconds;
  return {
    ...Object.fromEntries(percent),
    sum,
    ...(all !== undefined && { others: round(Math.max(0, all - sum), 1) }),
  };
}

/** How far the two counts of one direction are apart, per cent of the independent one. */
export function differencePercent(run: Run, direction: string): number {
  const own = run.border[direction]?.mbps ?? 0;
  const other = run.independent[direction]?.mbps ?? 0;
  return other === 0 ? (own === 0 ? 0 : 100) : (100 * (own - other)) / other;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0, 1);
  return { least: at(0), median: at(0.5), p95: at(0.95), most: at(1) };
}

/** The four figures of a row, in the order of `least`, `median`, `95 %`, `most`. */
export function spreadCells({ least, median, p95, most }: Spread, digits = 0): string[] {
  return [least, median, p95, most].map((each) => each.toFixed(digits));
}

/** To the bit a second, so that small directions keep their difference. */
function mbps(bytes: number, seconds: number): number {
  return round((bytes * 8) / 1e6 / seconds, 6);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
