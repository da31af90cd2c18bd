/** A process is killed in the middle of thousands of writes, again and again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileVault } from './sqlite.ts';
import { CHEAP, PASSPHRASE, RECORDS } from './testing/written.ts';

const WRITER = join(import.meta.dirname, 'testing', 'writer.ts');
const CHANGER = join(import.meta.dirname, 'testing', 'changer.ts');
const KILLS = Number(process.env.HAWSER_VAULT_KILLS ?? 5);
/** Writes of one process at most; from the first to the last of them, each is as likely as another to be cut. */
const MOST_WRITES = 400;
/** About twice what a writer needs until its first write. */
const START_MS = 600;

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-crash-'));
  path = join(folder, 'vault');
});

afterEach(() => rm(folder, { recursive: true }));

/**
 * @param writes that it reports before it is killed; undefined: it is killed while it starts, recovers what the last one left, or soon after
 * @returns the last write that was reported as done, by it or by those before
 */
async function writeUntilKilled(first: number, writes: number | undefined): Promise<number> {
  const writer = spawn(process.execPath, [WRITER, path, `${first}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaints = text(writer.stderr);
  let said = '';
  writer.stdout.on('data', (chunk) => {
    said += chunk;
    if (writes !== undefined && said.split('\n').length > writes) kill(5);
  });
  const kill = (withinMs: number) => setTimeout(() => writer.kill('SIGKILL'), Math.random() * withinMs);
  if (writes === undefined) kill(START_MS);
  const [, signal] = await once(writer, 'close');
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${await complaints}`);
  return said === '' ? first - 1 : Number(said.trimEnd().split('\n').at(-1));
}

const roundOf = (value: Uint8Array) => new DataView(value.buffer, value.byteOffset).getUint32(0);

it('keeps each write whole or not at all, and every one that was reported', { timeout: 120_000 }, async () => {
  let written = 0;
  let cut = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const writes = 1 + Math.floor((kill * MOST_WRITES) / KILLS);
    const reported = await writeUntilKilled(written, kill % 3 === 2 ? undefined : writes);
    const vault = await FileVault.open({ path, passphrase: PASSPHRASE, ifMissing: 'refuse', cost: CHEAP });
    const rounds = new Map<number, number>();
    for await (const page of vault.pages('round/', { size: 1_000 })) {
      for (const [key, value] of page) {
        const round = roundOf(value);
        expect(key.startsWith(`round/#${String(round).padStart(16, '0')}/`)).toBe(true);
        expect(value.subarray(4).every((byte) => byte === (round & 0xff))).toBe(true);
        rounds.set(round, (rounds.get(round) ?? 0) + 1);
      }
    }
    const last = rounds.size - 1;
    // One after the other without a gap, each with all its records; the last may have been done and not been reported.
    expect([...rounds.keys()]).toEqual(rounds.size === 0 ? [] : [...Array(rounds.size).keys()]);
    expect(new Set(rounds.values())).toEqual(new Set([RECORDS]));
    expect([reported, reported + 1]).toContain(last);
    const latest = await vault.get('latest');
    expect(latest && roundOf(latest)).toBe(last);
    if (last > reported) cut++;
    written = last + 1;
    await vault.close();
  }
  console.log(`${KILLS} kills, ${written} writes, ${cut} of them done and not reported`);
  expect(written).toBeGreaterThan(MOST_WRITES);
});

it('has one right passphrase and all records, whenever changing it is cut short', { timeout: 120_000 }, async () => {
  const open = (passphrase: string) => FileVault.open({ path, passphrase, ifMissing: 'create', cost: CHEAP });
  let [right, next] = ['one', 'two'];
  const vault = await open(right);
  const records = new Map(Array.from({ length: 2_000 }, (_, index) => [`a/${index}`, new Uint8Array(500).fill(index)]));
  await vault.write(records);
  await vault.close();
  let cut = 0;
  let wholeMs = Number.POSITIVE_INFINITY;
  for (let kill = 0; cut < 4; kill++) {
    const changer = spawn(process.execPath, [CHANGER, path, right, next], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(changer.stdout, 'data');
    const began = performance.now();
    const isDone = once(changer.stdout, 'data').then(() => true);
    // How long it takes is the machine's: the first is let end, and the others are cut all over the time of the shortest.
    const late = () => wait(((kill * 3) % 8) * (wholeMs / 8), false);
    const reported = await (kill === 0 ? isDone : Promise.race([isDone, late()]));
    if (reported) wholeMs = Math.min(wholeMs, performance.now() - began);
    changer.kill('SIGKILL');
    await once(changer, 'close');
    const [known, wrong] = await open(right).then(
      (opened) => [opened, next] as const,
      async () => [await open(next), right] as const,
    );
    if (reported) expect(wrong).toBe(right);
    if (wrong === right) [right, next] = [next, right];
    else cut++;
    expect(await known.list('a/')).toEqual(new Map([...records].sort(([a], [b]) => (a < b ? -1 : 1))));
    await known.close();
    await expect(open(next)).rejects.toMatchObject({ code: 'VAULT_WRONG_PASSPHRASE' });
  }
});
