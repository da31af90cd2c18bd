/** `hawser bench federation`: what crosses the border between homeservers, and what it costs when somebody is down. */
import * as rows from './federation/rows.ts';
import { type Errand, guarded } from './guarded.ts';
import type { Storage } from './messages/server.ts';
import { aligned } from './report/aligned.ts';

export const ROWS = ['delivery', 'throughput', 'outage', 'heal', 'parting'] as const;
export type Row = (typeof ROWS)[number];

export interface FederationOptions {
  readonly storage: Storage;
  readonly rows: readonly Row[];
  /** How long each load lasts. */
  readonly seconds: number;
  /** How long one of ten organisations is down. */
  readonly outageSeconds: number;
  /** Messages that wait for an organisation that is down. */
  readonly queued: number;
  /** Conversations that two organisations share when they part. */
  readonly conversations: number;
  /** Members of each, half of each organisation. */
  readonly members: number;
}

export interface FederationReport {
  readonly storage: Storage;
  readonly delivery?: rows.Delivery;
  readonly throughput?: rows.Throughput;
  readonly outage?: rows.Outage;
  readonly heal?: rows.Heal;
  readonly parting?: rows.Parting;
}

/** The figures to reach. */
export const FIGURES = {
  pacePerSecond: 500,
  p50Ms: 15,
  p99Ms: 60,
  messagesPerSecondAndCore: 2_000,
  slowerPercent: 5,
  /** What a process that does the same all the time may grow by, for the collector's sake. */
  grownMb: 20,
  healSeconds: 60,
  healMb: 300,
  partingSeconds: 30,
  othersP99Ms: 100,
} as const;

/** @throws Error with a plain sentence where it was stopped or something ended by itself */
export async function measureFederation(
  options: FederationOptions,
  { signal, say, onProgress }: Errand,
): Promise<FederationReport> {
  const { storage, seconds, outageSeconds, queued, conversations, members } = options;
  const measure = {
    delivery: () => guarded(signal, (guard) => rows.delivery(storage, seconds, FIGURES.pacePerSecond, guard)),
    throughput: () => guarded(signal, (guard) => rows.throughput(storage, seconds, guard)),
    outage: () => guarded(signal, (guard) => rows.outage(storage, outageSeconds, guard)),
    heal: () => guarded(signal, (guard) => rows.heal(storage, queued, guard)),
    parting: () => guarded(signal, (guard) => rows.parting(storage, conversations, members, guard)),
  };
  const titles: Record<Row, string> = {
    delivery: 'messages to another organisation, at a steady pace',
    throughput: 'as many as go',
    outage: `one of ten organisations is down for ${outageSeconds} s`,
    heal: `${queued} messages wait for an organisation that is down`,
    parting: `two organisations part that share ${conversations} conversations of ${members}`,
  };
  let report: FederationReport = { storage };
  for (const [index, row] of options.rows.entries()) {
    say(titles[row]);
    report = { ...report, [row]: await measure[row]() };
    onProgress(index + 1, options.rows.length);
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
function judged({ delivery, throughput, outage, heal, parting }: FederationReport): Judged[] {
  const below = (name: string, value: number, unit: string, limit: number): Judged => ({
    ...{ name, measured: `${value} ${unit}`, toReach: `below ${limit} ${unit}`, isReached: value < limit },
  });
  const lines: Judged[] = [];
  if (delivery) {
    const { ratePerSecond, p50Ms, p99Ms } = delivery;
    lines.push(
      below(`to a device of another organisation at ${ratePerSecond} a second, 50 %`, p50Ms, 'ms', FIGURES.p50Ms),
    );
    lines.push(below('the same, 99 %', p99Ms, 'ms', FIGURES.p99Ms));
  }
  if (throughput) {
    const { messagesPerSecond, messagesPerSecondAndCore: perCore, cpu } = throughput;
    const limit = FIGURES.messagesPerSecondAndCore;
    lines.push({
      name: 'messages of one pair of organisations, a second and core',
      measured: `${perCore} (${messagesPerSecond} a second; ${cpu.hub} and ${cpu.follower} % of a core)`,
      toReach: `at least ${limit}`,
      isReached: perCore >= limit,
    });
  }
  if (outage) {
    const { seconds, upP50Ms, downP50Ms, slowerPercent, rssBeforeMb, rssAfterMb } = outage;
    lines.push({
      name: `to nine others while one is down for ${seconds} s, 50 %`,
      measured: `${downP50Ms} ms, ${upP50Ms} ms before and after: ${slowerPercent} % slower`,
      toReach: `at most ${FIGURES.slowerPercent} %`,
      isReached: slowerPercent <= FIGURES.slowerPercent,
    });
    const grown = Number((rssAfterMb - rssBeforeMb).toFixed(1));
    lines.push(
      below(`memory of the hub meanwhile (${rssBeforeMb} to ${rssAfterMb} MB), grown`, grown, 'MB', FIGURES.grownMb),
    );
  }
  if (heal) {
    const { hub, follower } = heal.processorS;
    const title = `until ${heal.queued} messages that waited have arrived (${hub} and ${follower} s of a core)`;
    lines.push(below(title, heal.seconds, 's', FIGURES.healSeconds));
    lines.push(below('memory of the hub meanwhile', heal.hubMb, 'MB', FIGURES.healMb));
    lines.push(below('memory of the one that came back', heal.followerMb, 'MB', FIGURES.healMb));
  }
  if (parting) {
    const { conversations, members, seconds, processorS, othersP99Ms, beforeP99Ms } = parting;
    const title = `until ${conversations} conversations of ${members} are parted (${processorS} s of a core)`;
    lines.push(below(title, seconds, 's', FIGURES.partingSeconds));
    const others = `messages of others meanwhile, 99 % (${beforeP99Ms} ms before)`;
    lines.push(below(others, othersP99Ms, 'ms', FIGURES.othersP99Ms));
  }
  return lines;
}

export function federationTable(report: FederationReport): string[] {
  const head = [`On ${report.storage}`, 'measured', 'to reach'];
  return aligned([head, ...judged(report).map(({ name, measured, toReach }) => [name, measured, toReach])]);
}

/** Empty where all figures are reached. */
export function complaintsAboutFederation(report: FederationReport): string[] {
  return judged(report)
    .filter(({ isReached }) => !isReached)
    .map(({ name, measured, toReach }) => `${name}: ${measured}; ${toReach} was expected.`);
}
