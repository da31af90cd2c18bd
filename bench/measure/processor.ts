/** How much of the processor a process used: the kernel's own account, in ticks of a hundredth of a second. */
import { readFile } from 'node:fs/promises';

/** USER_HZ, which Linux shows to every program alike, whatever the kernel's own tick is. */
const TICKS_A_SECOND = 100;

/** Seconds of processor time since the process began; undefined where it is gone or the system has no /proc. */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined ? undefined : ticksOf(stat) / TICKS_A_SECOND;
}

/** User and system time of a line of /proc/PID/stat. The name in it may hold spaces and brackets. */
export function ticksOf(stat: string): number {
  const columns = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(columns[11]) + Number(columns[12]);
}
