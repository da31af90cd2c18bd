/** What a benchmark says when it was measured several times. Pure. */
import type { Machine } from '../measure/machine.ts';
import { median } from './median.ts';

export interface Repeated<R> {
  readonly machine: Machine;
  readonly commit: string;
  readonly command: string;
  readonly runs: readonly R[];
  /** Of the same form as a run; every figure is the median of that figure in the runs. */
  readonly medians: R;
}

/** @throws Error without runs */
export function repeated<R>(runs: readonly R[], told: Omit<Repeated<R>, 'runs' | 'medians'>): Repeated<R> {
  const medians = median(runs);
  if (medians === undefined) throw new Error('nothing was measured');
  return { ...told, runs, medians };
}

/** The first line of a table: where, of what and how it was measured. */
export function headOf({ machine, commit, command, runs }: Repeated<unknown>): string {
  const { processor, cores, memoryGiB, system, node, mediasoup } = machine;
  const several = runs.length === 1 ? 'one run' : `medians of ${runs.length} runs`;
  return (
    `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, mediasoup ${mediasoup}; ` +
    `commit ${commit}; ${command}; ${several}`
  );
}
