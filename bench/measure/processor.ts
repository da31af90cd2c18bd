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

/** Seconds that all cores together were busy since the machine started; undefined where the system has no /proc. */
export async function machineSeconds(): Promise<number | undefined> {
  const stat = await readFile('/proc/stat', 'utf8').catch(() => undefined);
  return stat === undefined ? undefined : busyTicksOf(stat) / TICKS_A_SECOND;
}

/** User, nice, system, interrupts and what the host took away, of the first line of /proc/stat; not idle, not waiting. */
export function busyTicksOf(stat: string): number {
  const [, user, nice, system, _idle, _waiting, hard, soft, stolen] = stat.split(/\s+/, 9).map(Number);
  return [user, nice, system, hard, soft, stolen].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0);
}

/** Does something, and says how busy a process was meanwhile: per cent of one core, 0 where nobody can tell. */
export async function withProcessor<T>(
  pid: number | undefined,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly percent: number }> {
  const spent = async () => (pid === undefined ? undefined : await processorSeconds(pid)) ?? 0;
  const [before, began] = [await spent(), performance.now()];
  const result = await work();
  const seconds = (performance.now() - began) / 1_000;
  return { result, percent: Math.round((((await spent()) - before) / seconds) * 100) };
}
