/** What `hawser soak faults` says of a run. Pure. */
import { KINDS, type Kind } from './checker.ts';
import type { FaultsReport } from './run.ts';

const WORDS: Readonly<Record<Kind, string>> = {
  lost: 'accepted, and not on every device that should have it',
  duplicated: 'twice on a device',
  reordered: 'not in one order',
  diverged: 'members, title, keys or call differ',
  leaked: 'read by somebody who was out',
  stuck: 'still waits',
};

/** Findings of one schedule that are written out. */
const MAX_SHOWN = 8;

export function faultsTable(report: FaultsReport): string[] {
  const { schedules, accepted, quietMs, refusals, seconds } = report;
  const quiet = quietMs.toSorted((a, b) => a - b);
  const refused = Object.entries(refusals).map(([code, count]) => `${count} ${code}`);
  const rows: [string, string][] = [
    ['schedules', `${schedules}`],
    ['schedules that could not begin', `${report.notGathered}`],
    ['accepted', `${accepted}`],
    [
      'from the healing until all was quiet',
      `half within ${quiet[quiet.length >> 1] ?? 0} ms, all within ${quiet.at(-1) ?? 0} ms`,
    ],
    ['acts that were refused or failed', refused.length === 0 ? '0' : refused.join(', ')],
    ['seconds', seconds.toFixed(0)],
    ...KINDS.map((kind): [string, string] => [`${kind}: ${WORDS[kind]}`, `${report[kind]}`]),
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`);
}

/** Empty where all is well. */
export function complaintsAboutFaults({ failed, accepted }: FaultsReport): string[] {
  const complaints = failed.flatMap(({ seed, findings, faults, folder }) => [
    `seed ${seed}, all that is known of it: ${folder}`,
    ...findings.slice(0, MAX_SHOWN).map(({ kind, device, what }) => `  ${kind}: ${what} on ${device}`),
    ...(findings.length > MAX_SHOWN ? [`  and ${findings.length - MAX_SHOWN} more`] : []),
    ...faults.map((fault) => `  failed without a code: ${fault}`),
  ]);
  if (accepted === 0) complaints.push('Nothing was accepted, so that nothing was shown.');
  return complaints;
}

/** One JSON object. @param isWhole with everything else that is known */
export function lastLineOf(report: FaultsReport, isWhole: boolean): string {
  const { schedules, accepted, lost, duplicated, reordered, diverged, leaked, stuck, failedSeeds } = report;
  const short = { schedules, accepted, lost, duplicated, reordered, diverged, leaked, stuck, failedSeeds };
  return JSON.stringify(isWhole ? { ...report, ...short } : short);
}
