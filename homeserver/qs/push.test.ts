import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeviceId, GroupId, UserId } from '#signalling/ids.ts';
import { userOfDevice } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { openTestStore, type TestWorld, testWorld } from '../testing/world.ts';
import { Push } from './push.ts';
import type { Outcome, Why } from './push-sender.ts';
import { subscribe } from './queue-table.ts';

const group = 'mimi://alpha.example/g/AAAAAAAAAAAAAAAA' as GroupId;
const laptop = 'mimi://alpha.example/u/alice/d/laptop' as DeviceId;
const phone = 'mimi://alpha.example/u/alice/d/phone' as DeviceId;
const desk = 'mimi://alpha.example/u/bob/d/desk' as DeviceId;
const alice = 'mimi://alpha.example/u/alice' as UserId;

let store: Store;
let world: TestWorld;
let push: Push;
let sent: string[];
let connected: Set<DeviceId>;
let answer: (endpoint: string) => Outcome;

const open = (services = ['push.example']) =>
  Push.open({
    ...{ db: store.db, world, key: 'a key', services },
    send: async (endpoint: string, why: Why) => {
      sent.push(`${why} ${endpoint.slice('https://push.example/'.length)}`);
      return answer(endpoint);
    },
    isConnected: (device) => connected.has(device),
    onSent: () => undefined,
    onFault: (error) => expect.fail(`${error}`),
  });

beforeEach(async () => {
  [store, world, sent, connected] = [await openTestStore(), testWorld(), [], new Set()];
  answer = () => ({ kind: 'taken' });
  push = await open();
  for (const device of [laptop, phone, desk]) {
    const [user, name] = [userOfDevice(device), device.slice(device.lastIndexOf('/') + 1)];
    await store.db
      .insertInto('accounts')
      .values({ user_id: user, name, password: '', created_at: 1, email: null, kind: 'person' })
      .onConflict((c) => c.doNothing())
      .execute();
    const times = { rotated_at: 1, expires_at: 1, created_at: 1 };
    await store.db
      .insertInto('sessions')
      .values({ id: name, user_id: user, refresh_hash: name, previous_hash: null, ...times, device_id: device })
      .execute();
    await subscribe(store.db, device, group, 0);
    await push.subscribe({ device, user, session: name, endpoint: `https://push.example/${name}` });
  }
});
afterEach(async () => {
  await push.close();
  await store.close();
});

async function said(sender: DeviceId): Promise<void> {
  push.said(group, sender);
  await push.idle();
}

async function later(ms: number): Promise<void> {
  world.advance(ms);
  push.sweep();
  await push.idle();
}

describe('what somebody says', () => {
  test('wakes the devices of others that are not connected', async () => {
    connected.add(phone);
    await said(desk);
    expect(sent).toEqual(['message laptop']);
  });

  test('wakes a device once a minute, however much is said', async () => {
    for (let i = 0; i < 20; i++) await said(laptop);
    expect(sent).toEqual(['message desk']);
    await later(59_000);
    expect(sent).toHaveLength(1);
    await later(1_000);
    expect(sent).toEqual(['message desk', 'message desk']);
    await later(120_000);
    expect(sent).toHaveLength(2);
  });

  test('does not wake who came by himself in the meantime', async () => {
    await said(laptop);
    await said(laptop);
    connected.add(desk);
    await later(60_000);
    expect(sent).toHaveLength(1);
  });

  test('at the same moment by two wakes both', async () => {
    push.said(group, laptop);
    push.said(group, desk);
    await push.idle();
    expect(sent.toSorted()).toEqual(['message desk', 'message laptop', 'message phone']);
  });
});

describe('a call', () => {
  test('wakes all devices of a person at once, also those that were just woken', async () => {
    await said(desk);
    await push.ring(alice);
    await push.idle();
    expect(sent.toSorted()).toEqual(['call laptop', 'call phone', 'message laptop', 'message phone']);
  });

  test('is not told of when it has stopped ringing', async () => {
    answer = () => ({ kind: 'later', afterMs: 61_000 });
    await push.ring(alice);
    await push.idle();
    answer = () => ({ kind: 'taken' });
    await later(61_000);
    expect(sent).toHaveLength(2);
  });
});

describe('a push service', () => {
  test('that fails is asked again with longer and longer pauses, and left alone for as long as it wants', async () => {
    answer = () => ({ kind: 'later' });
    await said(laptop);
    const at: number[] = [];
    for (let second = 1; second <= 120; second++) {
      const before = sent.length;
      await later(1_000);
      if (sent.length > before) at.push(second);
    }
    const pauses = at.map((second, i) => second - (at[i - 1] ?? 0));
    expect(at.length).toBeGreaterThan(3);
    expect(at.length).toBeLessThan(9);
    expect(pauses.at(-1)).toBeGreaterThan(8 * (pauses[0] ?? 0));
    answer = () => ({ kind: 'later', afterMs: 3_600_000 });
    await later(300_000);
    const before = sent.length;
    await later(3_500_000);
    expect(sent.length).toBe(before);
    answer = () => ({ kind: 'taken' });
    await later(300_000);
    expect(sent.length).toBe(before + 1);
  });

  test('that says that there is nobody any more is not asked again', async () => {
    answer = () => ({ kind: 'gone' });
    await said(laptop);
    await later(60_000);
    await said(laptop);
    expect(sent).toEqual(['message desk']);
  });

  test('does not lose an endpoint that was made while it refused the last one', async () => {
    const fresh = { device: desk, user: userOfDevice(desk), session: 'desk', endpoint: 'https://push.example/fresh' };
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const { promise: gone, resolve: refuse } = Promise.withResolvers<Outcome>();
    await push.close();
    push = await Push.open({
      ...{
        db: store.db,
        world,
        key: '',
        services: ['push.example'],
        isConnected: () => false,
        onSent: () => undefined,
      },
      send: (endpoint) => {
        sent.push(endpoint);
        resolve();
        return gone;
      },
      onFault: (error) => expect.fail(`${error}`),
    });
    push.wake(desk, 'message');
    await asked;
    await push.subscribe(fresh);
    refuse({ kind: 'gone' });
    await push.idle();
    await later(60_000);
    push.wake(desk, 'message');
    await push.idle();
    expect(sent).toEqual(['https://push.example/desk', 'https://push.example/fresh']);
  });
});

describe('a subscription', () => {
  test('ends with its session', async () => {
    await store.db.deleteFrom('sessions').where('id', '=', 'desk').execute();
    await said(laptop);
    expect(sent).toEqual([]);
  });

  test.each(['https://evil.example/x', 'https://push.example.evil.example/x', 'https://notpush.example/x'])(
    'at %s, which is no service that is used, is refused',
    async (endpoint) => {
      const target = { device: desk, user: userOfDevice(desk), session: 'desk', endpoint };
      await expect(push.subscribe(target)).rejects.toMatchObject({ code: 'HOME_PUSH_SERVICE' });
      await push.subscribe({ ...target, endpoint: 'https://eu.push.example/x' });
    },
  );

  test('is refused where the administrator has switched wake-ups off, and those from before are not used', async () => {
    await push.close();
    push = await open([]);
    expect(push.offer()).toEqual({});
    const target = { device: desk, user: userOfDevice(desk), session: 'desk', endpoint: 'https://push.example/x' };
    await expect(push.subscribe(target)).rejects.toMatchObject({ code: 'HOME_PUSH_OFF' });
    await said(laptop);
    expect(sent).toEqual([]);
  });
});
