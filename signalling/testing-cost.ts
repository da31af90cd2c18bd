/** For tests: what work costs that is done in one go. Time of the processor, as the machine does other things too. */
import process from 'node:process';

/** Milliseconds of processor. */
export function costOf(work: () => unknown): number {
  const began = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
}
