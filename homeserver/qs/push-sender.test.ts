/** Against a fake push service that checks what the real ones check. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isPublicAddress } from '#trust/public-address.ts';
import { makeTestDomain, type TestDomain } from '#trust/testing.ts';
import { openTestStore, testWorld } from '../testing/world.ts';
import { openPushKey } from './push-key.ts';
import { type Address, pushSender } from './push-sender.ts';
import { FakePushService } from './testing/fake-push-service.ts';

let folder: string;
let authority: TestDomain;
let service: FakePushService;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-push-'));
  authority = await makeTestDomain(folder, 'alpha.example');
  service = await FakePushService.listen(authority);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  service.taken.length = 0;
  service.unsigned.length = 0;
});

async function key() {
  const store = await openTestStore();
  const made = await openPushKey(store.db, Buffer.alloc(32, 1), testWorld());
  await store.close();
  return made;
}

const subject = 'https://alpha.example';

test('a wake-up is signed for the service, says nothing, and is replaced by the next one of its kind', async () => {
  const pair = await key();
  const send = pushSender({ key: pair, subject, network: service.network });
  expect(await send(`${service.endpoint}a?token=b`, 'message')).toEqual({ kind: 'taken' });
  expect(await send(`${service.endpoint}a?token=b`, 'call')).toEqual({ kind: 'taken' });
  const same = { path: '/wake/a?token=b', body: '', key: pair.publicKey, subject };
  expect(service.taken).toEqual([
    { ...same, ttl: 86_400, urgency: 'normal', topic: 'message' },
    { ...same, ttl: 60, urgency: 'high', topic: 'call' },
  ]);
  expect(service.unsigned).toEqual([]);
});

test('the fake service refuses what another key signed', async () => {
  const [mine, other] = [await key(), { ...(await key()) }];
  const { publicKey } = mine;
  // The private key of one with the public key of another.
  const mixed = { publicKey, privateKey: Buffer.alloc(32, 7).toString('base64url') };
  expect(other.publicKey).not.toBe(publicKey);
  expect(await pushSender({ key: mixed, subject, network: service.network })(service.endpoint, 'call')).toEqual({
    kind: 'gone',
  });
  expect(service.unsigned).toHaveLength(1);
});

test.each([
  [404, {}, { kind: 'gone' }],
  [410, {}, { kind: 'gone' }],
  [403, {}, { kind: 'gone' }],
  [302, { location: 'https://127.0.0.1/admin' }, { kind: 'gone' }],
  [429, { 'retry-after': '120' }, { kind: 'later', afterMs: 120_000 }],
  [503, {}, { kind: 'later' }],
  [500, { 'retry-after': '999999999' }, { kind: 'later', afterMs: 3_600_000 }],
  [503, { 'retry-after': 'soon' }, { kind: 'later' }],
] as const)('an answer of %i %j', async (status, headers, outcome) => {
  service.answers.set(`/wake/${status}`, { status, headers });
  const send = pushSender({ key: await key(), subject, network: service.network });
  expect(await send(`${service.endpoint}${status}`, 'message')).toEqual(outcome);
});

describe('a name that leads', () => {
  const sending = async (...addresses: readonly string[]) => {
    const resolve = async (): Promise<readonly Address[]> =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const network = { ...service.network, resolve, isPublic: isPublicAddress };
    return pushSender({ key: await key(), subject, network })(`${service.endpoint}x`, 'message');
  };

  test.each([
    [['127.0.0.1']],
    [['10.0.0.5']],
    [['169.254.169.254']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['8.8.8.8', '127.0.0.1']],
  ])('into the house, to %j, is not followed', async (addresses) => {
    expect(await sending(...addresses)).toEqual({ kind: 'gone' });
    expect(service.taken).toEqual([]);
  });

  test('nowhere is asked again later', async () => {
    expect(await sending()).toEqual({ kind: 'later' });
  });

  test('somewhere else a moment later does not take the connection along', async () => {
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      if (asked > 1) throw new Error('asked twice');
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const network = { ...service.network, resolve };
    expect(await pushSender({ key: await key(), subject, network })(`${service.endpoint}x`, 'call')).toEqual({
      kind: 'taken',
    });
  });

  test('to a server that is not the one of that name is not told anything', async () => {
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const network = { ...service.network, resolve };
    const send = pushSender({ key: await key(), subject, network });
    expect(await send('https://other.example/wake/x', 'message')).toEqual({ kind: 'later' });
    expect(service.taken).toEqual([]);
  });
});

test('the key stays the same as long as it can be read, and is nowhere in the clear', async () => {
  const [store, world] = [await openTestStore(), testWorld()];
  const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const made = await openPushKey(store.db, first, world);
  expect(await openPushKey(store.db, first, world)).toEqual(made);
  const { value } = await store.db
    .selectFrom('properties')
    .select('value')
    .where('name', '=', 'push')
    .executeTakeFirstOrThrow();
  expect(value).not.toContain(made.privateKey);
  const anew = await openPushKey(store.db, second, world);
  expect(anew.publicKey).not.toBe(made.publicKey);
  expect(await openPushKey(store.db, second, world)).toEqual(anew);
  await store.close();
});
