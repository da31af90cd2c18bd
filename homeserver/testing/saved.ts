/** For tests: all that a homeserver has, to compare it with what was saved. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Site } from '#site/schema.ts';
import { type AnyDb, tablesOf } from '../backup/rows.ts';
import { placeOf } from '../store/place.ts';
import { openStore } from '../store/store.ts';
import type { TestPlace } from './world.ts';

export type Rows = Record<string, Record<string, unknown>[]>;

/** Every row of every table of a homeserver that is not running. */
export async function rowsOf(site: Site): Promise<Rows> {
  const store = await openStore(await placeOf(site));
  const db = store.db as unknown as AnyDb;
  const rows: Rows = {};
  for (const { name } of await tablesOf(db)) {
    const found = await db.selectFrom(name).selectAll().execute();
    // The order of positions is another one after a restoration, and devices must learn it.
    const lasting = name === 'properties' ? found.filter((row) => row.name !== 'queue') : found;
    rows[name] = lasting.toSorted((a, b) =>
      JSON.stringify(Object.entries(a).sort()).localeCompare(JSON.stringify(Object.entries(b).sort())),
    );
  }
  await store.close();
  return rows;
}

/** Every file but those of the database. */
export async function filesOf(data: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // Both are made anew, or saved in a way of their own.
    if (entry.isFile() && !/^(homeserver\.sqlite|audit\.head)/.test(entry.name))
      files[relative(data, path)] = await readFile(path, 'base64');
  }
  return files;
}

export async function putAssets(data: string, count: number): Promise<void> {
  await mkdir(join(data, 'assets', 'ab'), { recursive: true });
  for (let i = 0; i < count; i++) {
    await writeFile(join(data, 'assets', 'ab', `asset-${i}`), Buffer.alloc(i * 10_000, i));
  }
}

/** The same site elsewhere: on another machine, as far as a restore can tell. */
export function siteElsewhere(site: Site, data: string, { place }: TestPlace): Site {
  const { database: _own, ...homeserver } = site.homeserver;
  return { ...site, data, homeserver: { ...homeserver, ...(place.engine === 'postgres' && { database: place.url }) } };
}
