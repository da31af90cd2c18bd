/** What `hawser soak kills` says of a run. Pure. */
import type { Kind } from './checker.ts';
import type { KillsReport } from './run.ts';

const KINDS: readonly [Kind, string][] = [
  ['lost', 'accepted, and not everywhere'],
  ['doubled', 'twice on a device, or told twice'],
  ['reordered', 'not in the order of the hub'],
  ['unaccepted', 'delivered, and not accepted'],
  ['unreadable', 'cannot be read'],
  ['stuck', 'never left their device'],
];

/** Findings that are written out. */
const MAX_SHOWN = 20;

export function killsTable(report: KillsReport): string[] {
  const { kills, whileStarting, victim, accepted, told, commits, devices, conversations, seconds } = report;
  const what = victim === 'server' ? 'homeserver' : 'applications';
  const rows: [string, string][] = [
    [`kills of the ${what}`, `${kills}, of them ${whileStarting} while starting`],
    ['devices, conversations', `${devices}, ${conversations}`],
    ['messages accepted', `${accepted}`],
    ['messages told to another device', `${told}`],
    ['devices with something unsent at a kill', `${report.waitingAtDeath}`],
    ['commits taken', `${commits}`],
    ['commits that failed', countsOf(report.commitsFailed)],
    ...(victim === 'server' ? [['from the start to the next message', backOf(report.backMs)] as [string, string]] : []),
    ['seconds', seconds.toFixed(0)],
    ...KINDS.map(([kind, words]): [string, string] => [
      `${kind}: ${words}`,
      `${report.findings.filter((each) => each.kind === kind).length}`,
    ]),
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `seed ${report.seed}, ${report.storage}`,
    '',
    ...rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`),
  ];
}

/** Empty where all is well. */
export function complaintsAboutKills({ findings, faults, accepted }: KillsReport): string[] {
  const complaints = findings
    .slice(0, MAX_SHOWN)
    .map(({ kind, device, conversation, what }) => `${kind}: ${what} on ${device} in ${conversation}`);
  if (findings.length > MAX_SHOWN) complaints.push(`and ${findings.length - MAX_SHOWN} more`);
  complaints.push(...faults.map((fault) => `An application failed without a code: ${fault}`));
  if (accepted === 0) complaints.push('Nothing was accepted, so that nothing was shown.');
  return complaints;
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).map(([code, count]) => `${count} ${code}`);
  return words.length === 0 ? '0' : words.join(', ');
}

function backOf(all: readonly number[]): string {
  const sorted = all.toSorted((a, b) => a - b);
  const [middle, last] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return middle === undefined ? 'never' : `half within ${middle} ms, all within ${last} ms`;
}
