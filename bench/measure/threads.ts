/** Processor time of threads by their name, in this process's children and theirs. Linux only. */
import { readdir, readFile } from 'node:fs/promises';

/** The kernel counts in hundredths of a second (`man 5 proc`). */
const TICKS_PER_SECOND = 100;

/** @param name as threads of the kernel are named: the first 15 characters. @returns s, of all that run now */
export async function threadSeconds(root: number, name: string): Promise<number> {
  let seconds = 0;
  for (const pid of await descendantsOf(root)) {
    const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
    for (const thread of threads) {
      const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
      const [, called, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
      if (called !== name.slice(0, 15) || rest === undefined) continue;
      const fields = rest.split(' ');
      seconds += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    }
  }
  return seconds;
}

async function descendantsOf(root: number): Promise<readonly number[]> {
  const children = new Map<number, number[]>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1] ?? Number.NaN);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  const look = (pid: number) => {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      look(child);
    }
  };
  look(root);
  return found;
}
