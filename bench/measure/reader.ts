/** Reads everything at one moment, as near to one moment as several processes allow. */
import process from 'node:process';
import type { BorderCounts } from '../border/forwarder.ts';
import type { BorderReading } from '../border/process.ts';
import type { Company } from '../people/company.ts';
import type { Reading } from '../report/figures.ts';
import type { Stage } from '../stage.ts';
import { accountOf } from './account.ts';
import { processorSeconds } from './processor.ts';

/**
 * Packets that pass while the two counts are read are in one and not in the other. A reading during which little passed is
 * taken again for a better one this often at the most.
 */
const ATTEMPTS = 6;
/** Part of all that passed so far; a third of the difference that is allowed, for there are two readings. */
const GOOD_SLACK = 0.003;

export async function readAll(stage: Stage, company: Company): Promise<Reading> {
  const [processor, people, loss] = await Promise.all([
    readProcessor(stage, company),
    company.read(),
    stage.border.call('loss', undefined),
  ]);
  const counts = await readCounts(stage);
  return { ...counts, ...people, loss, processor };
}

async function readCounts({ alpha, beta, border }: Stage): Promise<Pick<Reading, 'border' | 'accounts'>> {
  let best: { readonly slack: number; readonly reading: Pick<Reading, 'border' | 'accounts'> } | undefined;
  for (let attempt = 0; attempt < ATTEMPTS && (best?.slack ?? 1) > GOOD_SLACK; attempt++) {
    const before = await border.call('read', undefined);
    const [ofAlpha, ofBeta] = await Promise.all([alpha.sftState(), beta.sftState()]);
    const after = await border.call('read', undefined);
    const reading = {
      border: between(before, after),
      accounts: { 'alpha>beta': accountOf(ofAlpha, beta.domain), 'beta>alpha': accountOf(ofBeta, alpha.domain) },
    };
    const slack = slackOf(before.counts, after.counts);
    if (!best || slack < best.slack) best = { slack, reading };
  }
  if (!best) throw new Error('nothing was read');
  return best.reading;
}

/** The largest part of a direction's traffic that passed during the reading. */
export function slackOf(before: BorderCounts, after: BorderCounts): number {
  const parts = Object.entries(after).map(([direction, { bytes }]) => {
    return (bytes - (before[direction]?.bytes ?? 0)) / Math.max(1, bytes);
  });
  return Math.max(0, ...parts);
}

/** The middle of two readings of the border: the best guess at what it was when the servers counted. */
export function between(before: BorderReading, after: BorderReading): BorderReading {
  const middle = (a: number, b: number) => (a + b) / 2;
  const counts = Object.entries(after.counts).map(([direction, now]) => {
    const then = before.counts[direction] ?? now;
    return [direction, { bytes: middle(then.bytes, now.bytes), packets: middle(then.packets, now.packets) }] as const;
  });
  return { at: middle(before.at, after.at), counts: Object.fromEntries(counts) };
}

async function readProcessor({ alpha, beta, border }: Stage, company: Company): Promise<Record<string, number>> {
  const servers = [alpha, beta].flatMap((organisation) =>
    organisation.processes.map(({ name, pid }) => ({ name: name.replace(/^the /, ''), pid })),
  );
  const states = await Promise.all([alpha, beta].map(async (each) => ({ each, state: await each.sftState() })));
  const workers = states.flatMap(({ each, state }) =>
    state.workers.map(({ pid }, index) => ({ name: `media worker ${index} of ${each.name}`, pid })),
  );
  const own = { name: 'benchmark', pid: process.pid };
  const processes = [...company.processes, { name: border.name, pid: border.pid }, ...servers, ...workers, own];
  const read = processes.map(async ({ name, pid }) => [name, (await processorSeconds(pid)) ?? 0] as const);
  return Object.fromEntries(await Promise.all(read));
}
