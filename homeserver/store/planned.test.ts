import { Kysely, PostgresDialect } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planned } from './planned.ts';
import { openStore, type Store } from './store.ts';
import type { Tables } from './tables.ts';

let store: Store;
beforeAll(async () => {
  store = await openStore({ engine: 'sqlite', path: ':memory:' });
});
afterAll(() => store.close());

test('a query is written once, and runs with the values of each time', async () => {
  let written = 0;
  const read = (position: number) =>
    planned(store.db, 'test', [position, 'a'], () => {
      written += 1;
      return store.db
        .selectFrom('entries')
        .select('payload')
        .where('position', '>', position)
        .where('audience', '=', 'a' as never);
    });
  await store.transaction(async (tx) => {
    const entry = { audience: 'a' as never, kind: 'notice', payload: 'first', at: 1, is_quiet: 0 } as const;
    await tx.insertInto('entries').values(entry).execute();
    await tx
      .insertInto('entries')
      .values({ ...entry, payload: 'second' })
      .execute();
  });
  expect((await read(0)).rows).toEqual([{ payload: 'first' }, { payload: 'second' }]);
  expect((await read(1)).rows).toEqual([{ payload: 'second' }]);
  await store.transaction(async (tx) => {
    const { rows } = await planned(tx, 'test', [0, 'b'], () => expect.fail());
    expect(rows).toEqual([]);
  });
  expect(written).toBe(1);
});

test('values that do not fit to the query are a fault at its first use', () => {
  const write = () => store.db.selectFrom('entries').select('payload').where('position', '>', 3);
  expect(() => planned(store.db, 'other', [4], write)).toThrow('the query other has other values');
});

test('each engine has words of its own', async () => {
  const postgres = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: async () => expect.fail('none here') }) });
  const write = (db: typeof store.db) => () => db.selectFrom('entries').select('payload').where('position', '>', 3);
  await planned(store.db, 'both', [3], write(store.db));
  await expect(planned(postgres, 'both', [3], write(postgres))).rejects.toThrow('none here');
  expect(write(postgres)().compile().sql).toContain('$1');
});
