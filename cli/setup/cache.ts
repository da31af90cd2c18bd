/** The per-user folder that keeps what is fetched or built once, and the lock that lets two commands share it. */
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { say } from './say.ts';

/** The same rule as in the launcher: HAWSER_CACHE, else the desktop standard's cache folder, else ~/.cache/hawser. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.HAWSER_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hawser');
}

/** A fresh folder inside the cache, so that a rename from it into its final place is atomic. Gone after `use`. */
export async function withTemporaryFolder<T>(name: string, use: (folder: string) => Promise<T>): Promise<T> {
  const parent = join(cacheFolder(), 'tmp');
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const folder = await mkdtemp(join(parent, `${name}.`));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Folders that a killed process left. Nothing here takes a day. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    const folder = join(parent, entry);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > DAY_MS) await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs `use` while no other process holds the lock of that name; waits for its turn and says so.
 *
 * The lock is an exclusive transaction on an empty SQLite file: the kernel gives it back when its owner dies, however it
 * dies, so there are no stale locks to tell from live ones.
 */
export async function withLock<T>(name: string, use: () => Promise<T>, pollMs = 250): Promise<T> {
  await mkdir(cacheFolder(), { recursive: true });
  using lock = new DatabaseSync(join(cacheFolder(), `${name}.lock`), { timeout: 0 });
  for (let told = false; !tryLock(lock); told = true) {
    if (!told) say(`another hawser is busy with the same (${name}); waiting for it`);
    await delay(pollMs);
  }
  return await use();
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    // 5 is SQLITE_BUSY: somebody else has it.
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return false;
    throw error;
  }
}
