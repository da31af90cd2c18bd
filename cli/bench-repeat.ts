/** What the smaller benchmarks have in common: measured as often as asked, shown as medians, judged by the exit code. */
import process from 'node:process';
import type { Errand } from '#bench/guarded.ts';
import { thisCommit, thisMachine } from '#bench/measure/machine.ts';
import { headOf, repeated } from '#bench/report/repeated.ts';
import type { Terminal } from './command.ts';
import { Problem } from './errors.ts';
import { progress, say } from './setup/say.ts';

export interface Benchmark<R> {
  /** What it does, for the progress bar. */
  readonly doing: string;
  readonly measure: (errand: Errand) => Promise<R>;
  readonly table: (medians: R) => readonly string[];
  /** What a reader should know of a run before he believes its figures. */
  readonly notes?: (run: R) => readonly string[];
  /** Whether the medians are members of the JSON object itself, beside what it says of machine and runs. */
  readonly flat?: boolean;
  /** Empty where all figures are reached. */
  readonly complaints: (medians: R, runs: readonly R[]) => readonly string[];
}

/** The flags that each of them has. */
export const REPEAT_FLAGS = {
  runs: {
    type: 'integer',
    value: 'N',
    default: 1,
    min: 1,
    max: 20,
    summary: 'How often to measure; the figures are the medians',
  },
  json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
} as const;

/** @returns the exit code: 1 where a figure is missed */
export async function repeat<R>(
  { doing, measure, table, notes, complaints, flat = false }: Benchmark<R>,
  { runs: count, json }: { readonly runs: number; readonly json: boolean },
  { out, err, signal }: Terminal,
): Promise<number> {
  const bar = progress(doing);
  const runs: R[] = [];
  try {
    for (let at = 0; at < count; at++) {
      if (count > 1) say(`run ${at + 1} of ${count}`);
      const onProgress = (done: number, total: number) => bar.update(at * total + done, count * total);
      runs.push(await measure({ signal, say, onProgress }));
    }
  } catch (error) {
    throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
  } finally {
    bar.end();
  }
  const command = ['./hawser', ...process.argv.slice(2)].join(' ');
  const report = repeated(runs, { machine: thisMachine(), commit: await thisCommit(), command });
  for (const line of [headOf(report), '', ...table(report.medians)]) out(line);
  for (const note of runs.flatMap((run) => notes?.(run) ?? [])) err(`note: ${note}`);
  const missed = complaints(report.medians, runs);
  for (const complaint of missed) err(complaint);
  const { medians, ...told } = report;
  if (json) out(JSON.stringify(flat ? { ...medians, ...told } : report));
  return missed.length === 0 ? 0 : 1;
}
