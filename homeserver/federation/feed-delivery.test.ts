/** Two whole homeservers: what waits at one for the other arrives there, over the real door, when both are up. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeviceId, GroupId, UserId } from '#signalling/ids.ts';
import { placeOf } from '../store/place.ts';
import { openStore, type Store } from '../store/store.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import type { Person } from '../testing/person.ts';
import { until } from '../testing/world.ts';
import { COMMIT } from './testing/feed-pair.ts';

const GROUP = 'mimi://alpha.example/g/AAAAAAAAAAAAAAAA' as GroupId;

let world: World;
let alpha: Organisation;
let beta: Organisation;
let bob: Person;
const desk = 'mimi://beta.example/u/bob/d/desk' as DeviceId;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  bob = await beta.person('bob', 'Bob');
});
afterAll(() => world[Symbol.asyncDispose]());

/** While it does not run. */
async function change(organisation: Organisation, work: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore(await placeOf(organisation.site));
  await work(store);
  await store.close();
}

const depth = async () =>
  /feed_depth\{peer="beta.example"\} (\d+)/.exec(await (await fetch(`${alpha.admin}/metrics`)).text())?.[1];

test('what was written while the other one was away is there when it is back, once', { timeout: 40_000 }, async () => {
  const alice = await alpha.person('alice', 'Alice');
  const { conversation } = await alice.create('Ropes', bob.id);
  await beta.stop();
  await change(beta, async ({ db }) => {
    const row = { user_id: bob.id as UserId, name: 'desk', public_key: '', created_at: 1, last_used_at: 1 };
    await db
      .insertInto('devices')
      .values({ device_id: desk, ...row, last_address: '' })
      .execute();
    await db.insertInto('queues').values({ device_id: desk, acknowledged: 0, dropped: 0 }).execute();
  });
  await alpha.stop();
  const texts = Array.from({ length: 600 }, (_, i) => Buffer.from(`message ${i}`).toString('base64url'));
  await change(alpha, async ({ db }) => {
    const entry = { audience: GROUP, group_id: null, sender: `${alice.id}/d/laptop` as DeviceId, at: 1 };
    const { position } = await db
      .insertInto('entries')
      .values({ ...entry, kind: 'commit', id: 'request', payload: COMMIT })
      .returning('position')
      .executeTakeFirstOrThrow();
    await db
      .insertInto('followings')
      .values({
        ...({ domain: beta.domain, group_id: GROUP, conversation_id: conversation } as const),
        ...{ since: position - 1, until: null },
      })
      .execute();
    await db
      .insertInto('feed_moves')
      .values({ domain: beta.domain, position, body: JSON.stringify({ joined: [desk] }) })
      .execute();
    for (const [index, payload] of texts.entries()) {
      await db
        .insertInto('entries')
        .values({ ...entry, kind: 'message', id: `${index + 1}`, payload })
        .execute();
    }
  });
  await alpha.start();
  await until(async () => (await depth()) === '601', 'it waits');
  await beta.start();
  await until(async () => (await depth()) === '0', 'it is delivered');
  await alpha.stop();
  await beta.stop();
  await change(beta, async ({ db }) => {
    const entries = await db
      .selectFrom('entries')
      .selectAll()
      .where('audience', '=', GROUP)
      .orderBy('position')
      .execute();
    expect(entries.map(({ payload }) => payload)).toEqual([COMMIT, ...texts]);
    expect(await db.selectFrom('subscriptions').selectAll().where('audience', '=', GROUP).execute()).toMatchObject([
      { device_id: desk, since: entries[0]?.position },
    ]);
  });
  await change(alpha, async ({ db }) => {
    expect(await db.selectFrom('feeds').selectAll().execute()).toMatchObject([{ domain: beta.domain }]);
    expect(await db.selectFrom('feed_moves').selectAll().execute()).toEqual([]);
  });
  expect([...alpha.logged, ...beta.logged].filter((line) => line.includes('"fault"'))).toEqual([]);
});
