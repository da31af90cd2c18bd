/** For tests: a clock that is set by hand, and ids that are the same in every run. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { DomainName, UserId } from '#signalling/ids.ts';
import { parseAddress, parseDomainName } from '#signalling/ids.ts';
import type { Place } from '../store/place.ts';
import { openStore, type Store } from '../store/store.ts';
import type { World } from '../world.ts';
import { borrowDatabase, makeDatabase, type TestDatabase } from './database.ts';

export { until } from '#signalling/testing-until.ts';

export interface TestWorld extends World {
  advance(ms: number): void;
}

export function testWorld(seed = 'seed'): TestWorld {
  let time = 1_800_000_000_000;
  let drawn = 0;
  return {
    now: () => time,
    advance(ms) {
      time += ms;
    },
    random(bytes) {
      drawn += 1;
      return createHash('shake256', { outputLength: bytes }).update(`${seed} ${drawn}`).digest();
    },
  };
}

/** An empty store on the engine that this run of the tests is about; closing it leaves nothing. */
export async function openTestStore(): Promise<Store> {
  const database = await testDatabase();
  if (!database) return openStore({ engine: 'sqlite', path: ':memory:' });
  const store = await openStore({ engine: 'postgres', url: database.url });
  return {
    ...store,
    async close() {
      await store.close();
      await database.drop();
    },
  };
}

export interface TestPlace extends AsyncDisposable {
  readonly place: Place;
}

/**
 * A place for a store that is closed and opened again, on the engine that this run of the tests is about: without any table, for
 * tests that make some, or as it comes.
 */
export async function testPlace(tables: 'none' | 'any' = 'any'): Promise<TestPlace> {
  const admin = inject('postgres');
  const database = admin !== undefined && tables === 'none' ? await makeDatabase(admin) : await testDatabase();
  if (database) return { place: { engine: 'postgres', url: database.url }, [Symbol.asyncDispose]: database.drop };
  const folder = await mkdtemp(join(tmpdir(), 'hawser-store-'));
  return {
    place: { engine: 'sqlite', path: join(folder, 'homeserver.sqlite') },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A database of the newest schema where this run of the tests is about PostgreSQL; whoever gets it drops it. */
export async function testDatabase(): Promise<TestDatabase | undefined> {
  const admin = inject('postgres');
  return admin === undefined ? undefined : borrowDatabase(admin);
}

export function domain(name: string): DomainName {
  const parsed = parseDomainName(name);
  if (!parsed) throw new RangeError(name);
  return parsed;
}

/** @param address such as `@alice@alpha.example` */
export function user(address: string): UserId {
  const parsed = parseAddress(address);
  if (!parsed) throw new RangeError(address);
  return parsed;
}
