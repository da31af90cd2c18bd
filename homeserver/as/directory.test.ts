import { afterAll, beforeAll, expect, test } from 'vitest';
import { domainOf } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { openTestStore, user } from '../testing/world.ts';
import { fold, insertAccount, renameAccount } from './accounts.ts';
import { FOUND_AT_ONCE, findPeople, type SearchPolicy, splitAddress } from './directory.ts';

const asker = user('@asker@alpha.example');
const alpha = domainOf(asker);
let store: Store;

const PEOPLE: readonly (readonly [handle: string, name: string, kind?: 'guest' | 'service'])[] = [
  ['asker', 'Asker'],
  ['bob', 'Bob Miller'],
  ['bobby', 'Émile  Noël'],
  ['b_x', 'Under Score'],
  ['bax', '100% Sure'],
  ['milla', 'Jovan'],
  ['guest1', 'Bob Guest', 'guest'],
  ['robot', 'Bobot', 'service'],
];

beforeAll(async () => {
  store = await openTestStore();
  await store.transaction(async (tx) => {
    for (const [handle, name, kind] of PEOPLE) {
      const account = { user: user(`@${handle}@alpha.example`), name, password: 'x', email: undefined };
      await insertAccount(tx, { ...account, ...(kind && { kind }) }, 0);
    }
  });
});
afterAll(() => store.close());

const find = async (text: string, policy: SearchPolicy = 'full', by = asker) =>
  (await findPeople(store.db, { domain: alpha, by, text, policy })).map(({ user: who }) => who.split('/').at(-1));

test.each([
  ['bo', ['bob', 'bobby', 'robot']],
  ['BOB', ['bob', 'bobby', 'robot']],
  ['@bobby', ['bobby']],
  ['mill', ['bob', 'milla']],
  ['ill', []],
  ['emile', ['bobby']],
  ['ÉMILE noël', ['bobby']],
  ['noel', ['bobby']],
  ['b_', ['b_x']],
  ['100%', ['bax']],
  ['%', []],
  ['_', []],
  ['\\', []],
  ['ask', []],
  ['', []],
  ['@', []],
  ["' or 1=1 --", []],
])('%j finds %j', async (text, expected) => {
  expect(await find(text)).toEqual(expected);
});

test('the one with exactly this handle comes first', async () => {
  expect((await find('bobby'))[0]).toBe('bobby');
  await store.db
    .insertInto('accounts')
    .values(
      Array.from({ length: 30 }, (_, i) => ({
        user_id: user(`@aa${String(i).padStart(2, '0')}@alpha.example`),
        name: `Zed ${i}`,
        folded: fold(`Zed ${i}`),
        ...{ password: 'x', created_at: 0, email: null, kind: 'person' as const },
      })),
    )
    .execute();
  await store.transaction((tx) =>
    insertAccount(tx, { user: user('@zed@alpha.example'), name: 'Z', password: 'x', email: undefined }, 0),
  );
  const found = await find('zed');
  expect([found[0], found.length]).toEqual(['zed', FOUND_AT_ONCE]);
});

test('exact handles only, or nobody, where the policy says so', async () => {
  expect(await find('bob', 'exact')).toEqual(['bob']);
  expect(await find('@BOB', 'exact')).toEqual(['bob']);
  for (const text of ['bo', 'Bob Miller', 'guest1', 'bob@alpha.example', ' '])
    expect(await find(text, 'exact')).toEqual([]);
  expect(await find('bob', 'none')).toEqual([]);
});

test('whoever blocks somebody is not found by them, by no policy', async () => {
  const carol = user('@carol@beta.example');
  await store.db
    .insertInto('connections')
    .values({ owner: user('@bob@alpha.example'), peer: carol, decision: 'blocked', is_wanted: 0, changed_at: 0 })
    .execute();
  expect(await find('bob', 'full', carol)).toEqual(['bobby', 'robot']);
  expect(await find('bob', 'exact', carol)).toEqual([]);
  expect(await find('bob', 'exact')).toEqual(['bob']);
});

test('a new name is found, the old one is not', async () => {
  await renameAccount(store.db, user('@milla@alpha.example'), 'Ünsal');
  expect(await find('unsal')).toEqual(['milla']);
  expect(await find('jovan')).toEqual([]);
});

test.each([
  ['bob', 'bob', undefined],
  ['@bob', '@bob', undefined],
  ['@bob@beta.example', 'bob', 'beta.example'],
  ['bob@beta.example', 'bob', 'beta.example'],
  ['Bob Miller@beta.example', 'Bob Miller', 'beta.example'],
  ['@bob@', 'bob', ''],
  ['@@beta.example', '@@beta.example', undefined],
])('%j is %j in %j', (typed, text, where) => {
  expect(splitAddress(typed)).toEqual({ text, domain: where });
});
