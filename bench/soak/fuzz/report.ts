/** What `hawser soak fuzz` says of a run. Pure. */
import { type FuzzReport, MAX_GROWTH_MIB } from './run.ts';

/** Answers of a target that are written out, the most frequent first. */
const MAX_ANSWERS = 5;

export function fuzzTable(report: FuzzReport): string[] {
  const { seed, storage, inputs, routes, targets, memoryMiB, faults, seconds } = report;
  const rows = Object.entries(targets).map(([name, { inputs: count, worstMs, answers }]) => {
    const often = Object.entries(answers).toSorted(([, a], [, b]) => b - a);
    const shown = often.slice(0, MAX_ANSWERS).map(([answer, times]) => `${times} ${answer}`);
    if (often.length > MAX_ANSWERS) shown.push(`${often.length - MAX_ANSWERS} more`);
    return [name, `${count}`, `${worstMs}`, shown.join(', ')] as const;
  });
  const head = ['target', 'inputs', 'worst ms', 'answers'] as const;
  const [wide, counts, worst] = [0, 1, 2].map((column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  ) as [number, number, number];
  return [
    `seed ${seed}, ${storage}: ${inputs} inputs in ${seconds.toFixed(0)} s, ${routes} routes`,
    `memory of the homeserver ${memoryMiB.first} MiB at first, ${memoryMiB.highest} MiB at most; ${faults} faults`,
    '',
    ...[head, ...rows].map(
      ([name, count, ms, answers]) =>
        `${name.padEnd(wide)}  ${count.padStart(counts)}  ${ms.padStart(worst)}  ${answers}`,
    ),
  ];
}

/** Empty where all is well. */
export function complaintsAboutFuzz(report: FuzzReport): string[] {
  const { seed, inputs, findings, wrong, faults, faultLog, memoryMiB } = report;
  const complaints = findings.map(
    ({ target, batch, input, wrong: what }) => `${target}, --seed ${seed} --batch ${batch}: ${what}\n  ${input}`,
  );
  if (wrong > findings.length) complaints.push(`and ${wrong - findings.length} more`);
  if (inputs === 0) complaints.push('Nothing was sent, so that nothing was shown.');
  if (faults > 0) {
    const what = [`--seed ${seed}: The homeserver counted ${faults} errors without a code:`, ...faultLog];
    complaints.push(what.join('\n  '));
  }
  const growth = memoryMiB.highest - memoryMiB.first;
  if (growth > MAX_GROWTH_MIB) complaints.push(`The homeserver grew by ${growth} MiB.`);
  return complaints;
}
