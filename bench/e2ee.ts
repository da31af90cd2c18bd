/** `hawser bench e2ee`: what it costs that a call is encrypted from device to device, and how soon its keys follow who is in it. */
import { FREEZE_MS, type KeyChange, keyChange } from './e2ee/change.ts';
import { type LargeGroup, largeGroup } from './e2ee/group.ts';
import { type Joining, joining } from './e2ee/join.ts';
import { type PictureQuality, pictureQuality } from './e2ee/picture.ts';
import * as rows from './e2ee/rows.ts';
import { type WorkerCost, workerCost } from './e2ee/worker-cost.ts';
import { type Errand, guarded } from './guarded.ts';
import { aligned } from './report/aligned.ts';

export const E2EE_ROWS = ['join', 'crowd', 'group', 'removal', 'change', 'frames', 'picture'] as const;
export type E2eeRow = (typeof E2EE_ROWS)[number];

export interface E2eeOptions {
  readonly rows: readonly E2eeRow[];
  /** People in the call that a browser joins. */
  readonly present: number;
  /** Devices that come at once. */
  readonly crowd: number;
  /** People in the conference from which some are taken out. */
  readonly people: number;
  /** How often the keys change while a picture is looked at. */
  readonly changes: number;
  /** Devices of a large group. */
  readonly group: number;
  /** Pictures that a browser shows at once. */
  readonly videos: number;
  /** Pictures of the clip that is played with and without encryption, and how often with each. */
  readonly clip: number;
  readonly pairs: number;
}

export interface E2eeReport {
  readonly crowd?: rows.Crowd;
  readonly removal?: rows.Removal;
  readonly change?: KeyChange;
  readonly join?: Joining;
  readonly frames?: WorkerCost;
  readonly group?: LargeGroup;
  readonly picture?: PictureQuality;
}

/** The figures to reach. */
export const E2EE_FIGURES = {
  joinMs: { median: 700, p95: 1_500 },
  workerPercent: 5,
  crowdMs: 3_000,
  removalMs: 1_500,
  commitMs: { chromium: 10, node: 15 },
  externalJoinMs: 120,
  churnedJoinMs: 500,
} as const;

const REMOVALS = 10;
const JOINS = 20;

/** @throws Error with a plain sentence where it was stopped or something ended by itself */
export async function measureE2ee(
  { rows: wanted, present, crowd, people, changes, group, videos, clip, pairs }: E2eeOptions,
  { signal, say, onProgress }: Errand,
): Promise<E2eeReport> {
  const measure = {
    join: () => guarded(signal, (guard) => joining(present, JOINS, guard, say)),
    frames: () => guarded(signal, (guard) => workerCost(videos, guard, say)),
    crowd: () => guarded(signal, (guard) => rows.crowd(crowd, guard)),
    removal: () => guarded(signal, (guard) => rows.removal(people, REMOVALS, guard)),
    change: () => guarded(signal, (guard) => keyChange(changes, guard, say)),
    group: () => guarded(signal, (guard) => largeGroup(group, guard)),
    picture: () => guarded(signal, (guard) => pictureQuality(clip, pairs, guard, say)),
  };
  const titles: Record<E2eeRow, string> = {
    join: `a browser joins a call of ${present}`,
    frames: `a browser shows ${videos} pictures`,
    crowd: `${crowd} devices come into a call within a second`,
    removal: `people are taken out of a conference of ${people}`,
    change: `the keys change ${changes} times while a picture is looked at`,
    group: `what a group of ${group} devices costs one of them`,
    picture: `a clip is played ${pairs} times with encryption and ${pairs} times without`,
  };
  let report: E2eeReport = {};
  for (const [index, row] of wanted.entries()) {
    say(titles[row]);
    report = { ...report, [row]: await measure[row]() };
    onProgress(index + 1, wanted.length);
  }
  return report;
}

interface Judged {
  readonly name: string;
  readonly measured: string;
  readonly toReach: string;
  readonly isReached: boolean;
}

/** Each figure beside what it has to be. */
function judged({ join, crowd, group, removal, change, frames, picture }: E2eeReport): Judged[] {
  const below = (name: string, value: number, unit: string, limit: number, more = ''): Judged => ({
    ...{ name, measured: `${value} ${unit}${more}`, toReach: `below ${limit} ${unit}`, isReached: value < limit },
  });
  const lines: Judged[] = [];
  if (join) {
    const { people, ms, spread } = join;
    const name = `a call of ${people} is joined: from the click to the first picture, median of ${ms.length}`;
    lines.push(below(name, spread.median, 'ms', E2EE_FIGURES.joinMs.median));
    lines.push(below('the same, 95 %', spread.p95, 'ms', E2EE_FIGURES.joinMs.p95));
  }
  if (crowd) {
    const { devices, present, withinMs, ms, epochs } = crowd;
    const name = `${devices} devices come to ${present} within ${withinMs} ms: all in one epoch`;
    lines.push(below(name, ms, 'ms', E2EE_FIGURES.crowdMs, ` (${epochs} epochs)`));
  }
  if (removal) {
    const { people, ms, spread } = removal;
    const name = `one of ${people} is taken out: nobody encrypts to him, median of ${ms.length}`;
    lines.push(below(name, spread.median, 'ms', E2EE_FIGURES.removalMs, ` (at most ${spread.most})`));
  }
  if (change) {
    const { changes, freezes, gapMs, quietGapMs } = change;
    lines.push({
      name: `pictures that stood still for more than ${FREEZE_MS} ms in ${changes} changes of the keys`,
      measured: `${freezes} (longest ${gapMs.most} ms, median ${gapMs.median}; without a change ${quietGapMs.most} and ${quietGapMs.median})`,
      toReach: '0',
      isReached: freezes === 0,
    });
  }
  if (frames) {
    const { videos, framesPerSecond, percent, inAll, handingOn } = frames;
    const name = `decryption in the workers of a browser with ${videos} pictures, of a core`;
    const more = ` (${framesPerSecond} pictures a second; ${inAll} % in all, of which ${handingOn} to hand frames on)`;
    lines.push(below(name, percent, '%', E2EE_FIGURES.workerPercent, more));
  }
  if (picture) {
    const { frames: all, plain, encrypted, difference, differenceOfPlain, disturbed } = picture;
    const seen = `${encrypted.shown.median} and ${plain.shown.median}`;
    const missing = `in all runs ${encrypted.missing} and ${plain.missing} missing, ${encrypted.lost} and ${plain.lost} encoded but not decoded`;
    const noise = `two plain runs differ by ${differenceOfPlain}; ${disturbed} runs made again`;
    lines.push({
      name: `pictures of a clip seen with encryption and without, of ${all}, medians of ${encrypted.runs.length}: they differ by`,
      measured: `${difference} (${seen}; ${missing}; ${noise})`,
      toReach: '0',
      isReached: difference === 0,
    });
    lines.push({
      name: 'the same, changes of the layer or the size in all runs',
      measured: `${encrypted.switches} and ${plain.switches}`,
      toReach: '0',
      isReached: encrypted.switches === 0 && plain.switches === 0,
    });
  }
  if (group) {
    const { devices, commitMs, joinMs, churnedJoinMs } = group;
    const { chromium, node } = E2EE_FIGURES.commitMs;
    lines.push(below(`group of ${devices}: to follow a commit, Chromium`, commitMs.chromium, 'ms', chromium));
    lines.push(below('the same on Node', commitMs.node, 'ms', node));
    lines.push(below('to join it from outside, Chromium', joinMs, 'ms', E2EE_FIGURES.externalJoinMs));
    lines.push(below('the same where a tenth has changed', churnedJoinMs, 'ms', E2EE_FIGURES.churnedJoinMs));
  }
  return lines;
}

export function e2eeTable(report: E2eeReport): string[] {
  const lines = judged(report).map(({ name, measured, toReach }) => [name, measured, toReach]);
  return aligned([['', 'measured', 'to reach'], ...lines]);
}

/** Empty where all figures are reached. */
export function complaintsAboutE2ee(report: E2eeReport): string[] {
  const missed = judged(report).filter(({ isReached }) => !isReached);
  return missed.map(({ name, measured, toReach }) => `${name}: ${measured}; ${toReach} was expected.`);
}
