/** From every schema that there ever was to the newest one, on either engine, without losing a row. */
import { Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AnyDb, type AnyTables, type Table, tablesOf } from '../backup/rows.ts';
import { sampleRows } from '../testing/rows.ts';
import { type TestPlace, testPlace } from '../testing/world.ts';
import { migrate, VERSIONS, versionOf } from './migrate.ts';
import type { Place } from './place.ts';
import { OneWriterDialect } from './postgres.ts';
import { sqliteDialect } from './sqlite.ts';
import { openStore } from './store.ts';

let at: TestPlace;

beforeEach(async () => {
  at = await testPlace('none');
});
afterEach(() => at[Symbol.asyncDispose]());

function open(place: Place): AnyDb {
  if (place.engine === 'sqlite') return new Kysely<AnyTables>({ dialect: sqliteDialect(place.path) });
  return new Kysely<AnyTables>({ dialect: new OneWriterDialect({ place, onTrouble: () => undefined }) });
}

async function rowsOf(db: AnyDb, { name, columns }: Table): Promise<Record<string, unknown>[]> {
  const rows = await db
    .selectFrom(name)
    .select([...columns])
    .execute();
  return rows.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

describe.each(VERSIONS)('what was written under %s', (version) => {
  test('is all there under the newest', async () => {
    const { tables, rows } = await sampleRows(version);
    const before = new Map<string, Record<string, unknown>[]>();
    {
      await using old = open(at.place);
      await migrate(old, version);
      for (const table of tables) {
        await old
          .insertInto(table.name)
          .values(rows.get(table.name) ?? [])
          .execute();
        before.set(table.name, await rowsOf(old, table));
        expect(before.get(table.name), table.name).toHaveLength(2);
      }
    }
    const store = await openStore(at.place);
    const db = store.db as unknown as AnyDb;
    expect(await versionOf(db)).toBe(VERSIONS.at(-1));
    for (const table of tables) expect(await rowsOf(db, table), table.name).toEqual(before.get(table.name));
    await store.close();
  });
});

test('the newest schema has the same tables and columns on both engines', async () => {
  const store = await openStore(at.place);
  await using lite = new Kysely<AnyTables>({ dialect: sqliteDialect(':memory:') });
  await migrate(lite);
  const shape = async (db: AnyDb) =>
    (await db.introspection.getTables())
      .map(({ name, columns }) => ({
        name,
        columns: columns.map((column) => ({
          name: column.name,
          // A primary key is never null; SQLite does not say so of one that is not marked.
          isNullable: column.isNullable && !column.isAutoIncrementing,
          isCounted: column.isAutoIncrementing,
        })),
      }))
      .toSorted((a, b) => a.name.localeCompare(b.name));
  const [own, other] = [await shape(store.db as unknown as AnyDb), await shape(lite)];
  await store.close();
  const keys = await primaryKeys(lite);
  const settled = (tables: typeof own) =>
    tables.map((table) => ({
      ...table,
      columns: table.columns.map((column) => ({
        ...column,
        isNullable: column.isNullable && !keys.has(`${table.name}.${column.name}`),
      })),
    }));
  expect(settled(own)).toEqual(settled(other));
});

test('a migration that fails leaves nothing of itself', async () => {
  await using db = open(at.place);
  await migrate(db, VERSIONS[0]);
  // The second one meets a table that it does not expect, after it has made another.
  await db.schema.createTable('members').addColumn('id', 'text').execute();
  await expect(migrate(db)).rejects.toThrow(/members/);
  const names = (await tablesOf(db)).map(({ name }) => name);
  expect(names).not.toContain('conversations');
  expect(await versionOf(db)).toBe(VERSIONS[0]);
});

async function primaryKeys(db: AnyDb): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const { name } of await tablesOf(db)) {
    const { rows } = await sql<{ name: string; pk: number }>`select name, pk from pragma_table_info(${name})`.execute(
      db,
    );
    for (const row of rows) if (row.pk > 0) keys.add(`${name}.${row.name}`);
  }
  return keys;
}
