/** From readings to the figures of a run. Pure: the same readings give the same report. */
import { type Impaired, impairedBetween } from '../border/impaired.ts';
import type { BorderLoss, BorderReading } from '../border/process.ts';
import { type Account, passedBetween } from '../measure/account.ts';
import type { Point } from '../measure/timeline.ts';
import type { StreamReading, ViewerReading } from '../people/viewer.ts';
import { LARGE_LAYER, SMALL_LAYER } from '../scenario/scenario.ts';

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

export interface ViewersFigures {
  readonly count: number;
  /** Viewers who had everything that they asked for, all the time. */
  readonly satisfied: number;
  readonly pictures: { readonly wanted: number; readonly good: number; readonly framesPerSecond: Spread };
  readonly voices: { readonly wanted: number; readonly good: number };
  /** Each viewer's traffic, SRTP and SRTCP as UDP payload. */
  readonly kbps: Spread;
  readonly packetsPerSecond: Spread;
  /** RTP packets that never came, of all, in per cent. */
  readonly lostPercent: number;
  /** From the wish to the first whole picture of the right size, ms. */
  readonly firstPictureMs: { readonly large: Spread; readonly small: Spread };
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

export interface Expectation {
  readonly mode: string;
  readonly framesPerSecond: number;
  readonly voicesPerSecond: number;
  readonly pictures: number;
  readonly voices: number;
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

function viewersOf(before: Reading, after: Reading, expected: Expectation): ViewersFigures {
  const viewers = after.viewers.map((now, index) => deltaOf(before.viewers[index] ?? now, now));
  const isGoodPicture = ({ rate, isRightSize }: StreamDelta) => isRightSize && rate >= expected.framesPerSecond * GOOD;
  const isGoodVoice = ({ rate }: StreamDelta) => rate >= expected.voicesPerSecond * GOOD;
  const pictures = viewers.flatMap((viewer) => viewer.pictures);
  const voices = viewers.flatMap((viewer) => viewer.voices);
  const all = [...pictures, ...voices];
  const lost = all.reduce((sum, each) => sum + each.lost, 0);
  const came = all.reduce((sum, each) => sum + each.packets, 0);
  return {
    count: viewers.length,
    satisfied: viewers.filter(
      (viewer) =>
        viewer.pictures.length >= expected.pictures &&
        viewer.voices.length >= expected.voices &&
        viewer.pictures.every(isGoodPicture) &&
        viewer.voices.every(isGoodVoice),
    ).length,
    pictures: {
      wanted: viewers.length * expected.pictures,
      good: pictures.filter(isGoodPicture).length,
      framesPerSecond: spreadOf(pictures.map(({ rate }) => rate)),
    },
    voices: { wanted: viewers.length * expected.voices, good: voices.filter(isGoodVoice).length },
    kbps: spreadOf(viewers.map(({ bytes, seconds }) => (bytes * 8) / 1_000 / seconds)),
    packetsPerSecond: spreadOf(viewers.map(({ packets, seconds }) => packets / seconds)),
    lostPercent: came + lost === 0 ? 0 : round((100 * lost) / (came + lost), 3),
    firstPictureMs: { large: firstPictures(after, LARGE_LAYER), small: firstPictures(after, SMALL_LAYER) },
    joinMs: spreadOf(after.viewers.flatMap(({ joinMs }) => joinMs ?? [])),
    lostOnTheWay: lostBetween(before.loss, after.loss),
    skippedByPublishers: after.skipped - before.skipped,
  };
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

function firstPictures({ viewers }: Reading, layer: number): Spread {
  const pictures = viewers.flatMap((viewer) => viewer.pictures).filter((each) => each.layer === layer);
  return spreadOf(pictures.flatMap(({ firstPictureMs }) => firstPictureMs ?? []));
}

interface StreamDelta {
  /** Pictures or packets a second. */
  readonly rate: number;
  readonly packets: number;
  readonly lost: number;
  readonly isRightSize: boolean;
}

function deltaOf(before: ViewerReading, after: ViewerReading) {
  const seconds = Math.max(0.001, (after.at - before.at) / 1_000);
  const streams = (then: readonly StreamReading[], now: readonly StreamReading[]): StreamDelta[] =>
    now.map((stream, index) => {
      const old = then[index];
      const packets = stream.packets - (old?.packets ?? 0);
      const units = stream.kind === 'camera' ? stream.frames - (old?.frames ?? 0) : packets;
      const lost = Math.max(0, stream.lost - (old?.lost ?? 0));
      return { rate: units / seconds, packets, lost, isRightSize: stream.isRightSize };
    });
  return {
    seconds,
    bytes: after.bytes - before.bytes,
    packets: after.packets - before.packets,
    pictures: streams(before.pictures, after.pictures),
    voices: streams(before.voices, after.voices),
  };
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

/** To the bit a second, so that small directions keep their difference. */
function mbps(bytes: number, seconds: number): number {
  return round((bytes * 8) / 1e6 / seconds, 6);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
