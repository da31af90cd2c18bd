/**
 * How long the hub's view of a group takes: `node bench/mls/hub-view.ts [members...]`. Every commit is a new one, with a new device and its
 * certificates, as on a server; what a process knows after its first commits, it knows here too.
 */
import process from 'node:process';
import { nodeEngine } from '#mls/node-engine.ts';
import { applyCommit, beginPublicGroup } from '#mls/public-group.ts';
import { readPublicGroup, writePublicGroup } from '#mls/public-records.ts';
import { Crowd } from '#mls/testing/crowd.ts';
import { TestHub } from '#mls/testing/hub.ts';

const COMMITS = 25;

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [50, 500]) {
  for (const renewed of [0, Math.ceil(size / 2)]) {
    const hub = await TestHub.make();
    const crowd = await Crowd.gather(hub, size, renewed);
    const parts = await crowd.parts();
    const [begin, begun] = await timed(() => beginPublicGroup(parts, hub.environment));
    let state = begun;
    const commits: number[] = [];
    let [bytes, written] = [0, 0];
    for (let count = 0; count < COMMITS; count++) {
      const made = await crowd.change();
      const [took, { state: next }] = await timed(() => applyCommit(state, made, hub.environment));
      commits.push(took);
      bytes = made.commit.length;
      written = sizeOf(writePublicGroup(next, state));
      state = next;
    }
    const all = writePublicGroup(state);
    const records = new Map([...all].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
    const [read] = await timed(() => readPublicGroup(records, nodeEngine));
    commits.sort((a, b) => a - b);
    console.log(
      `${size} members, ${renewed} of them renewed: begin ${ms(begin)}; commit of ${bytes} bytes ${ms(at(commits, 0.5))} (p90 ${ms(at(commits, 0.9))}); ` +
        `read ${ms(read)}; tree ${kB(parts.tree.length)}, records ${kB(sizeOf(all))}, written per commit ${kB(written)}`,
    );
  }
}

/** Time of the processor, all threads, and not of the clock: the machine may do other things too. ms */
async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const began = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(began);
  return [(user + system) / 1000, result];
}

function sizeOf(changes: ReadonlyMap<string, Uint8Array | undefined>): number {
  return [...changes.values()].reduce((sum, value) => sum + (value?.length ?? 0), 0);
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function kB(value: number): string {
  return `${(value / 1000).toFixed(1)} kB`;
}
