/** One clock for all processes of a machine. */
import process from 'node:process';

/** ms; Linux's CLOCK_MONOTONIC, which every process sees alike, where `performance.now` counts from a process's start. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
