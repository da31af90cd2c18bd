/** How much memory a process holds: the kernel's own account. */
import { readFile } from 'node:fs/promises';

/** Resident, in MB of 10^6 bytes, to a tenth. Linux only. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(((Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6).toFixed(1));
}
