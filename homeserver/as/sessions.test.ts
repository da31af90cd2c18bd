import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DeviceId } from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld, user } from '../testing/world.ts';
import { createAccount } from './accounts.ts';
import { ACCESS_SECONDS, REFRESH_SECONDS, Sessions } from './sessions.ts';

const alpha = domain('alpha.example');
const alice = user('@alice@alpha.example');
const password = 'correct horse battery';
let store: Store;
let world: TestWorld;
let sessions: Sessions;
let ended: string[];

beforeEach(async () => {
  store = await openTestStore();
  world = testWorld();
  ended = [];
  sessions = new Sessions(store, alpha, world, (session) => ended.push(session));
  await createAccount(store.db, alpha, { handle: 'alice', name: 'Alice', password }, world);
});
afterEach(() => store.close());

const signIn = (handle = 'alice', given = password, address = '192.0.2.1') =>
  sessions.signIn({ handle, password: given, address });

test('signing in gives an access token that names the person, for a quarter of an hour', async () => {
  const { access } = await signIn();
  expect((await sessions.authenticate(access)).user).toBe(alice);
  world.advance(ACCESS_SECONDS * 1000);
  await expect(sessions.authenticate(access)).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
});

test('a password is the same however its accents are composed', async () => {
  await createAccount(store.db, alpha, { handle: 'bob', name: 'Bob', password: 'caf\u00e9 au lait' }, world);
  await expect(signIn('bob', 'cafe\u0301 au lait')).resolves.toBeDefined();
});

test('no token and no password stands in the database as it is', async () => {
  const { access, refresh } = await signIn();
  const rows = [
    await store.db.selectFrom('accounts').selectAll().execute(),
    await store.db.selectFrom('sessions').selectAll().execute(),
    await store.db.selectFrom('access_tokens').selectAll().execute(),
  ];
  const text = JSON.stringify(rows);
  expect(text).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
  for (const secret of [access, refresh ?? '', password]) expect(text).not.toContain(secret);
});

test('an unknown person and a wrong password get the same answer', async () => {
  const wrong = await signIn('alice', 'wrong password').catch((error: unknown) => error);
  const unknown = await signIn('nobody', password, '192.0.2.2').catch((error: unknown) => error);
  expect(wrong).toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
  expect(unknown).toEqual(wrong);
});

test('an unknown person and a wrong password take the same time', { retry: 3 }, async () => {
  const time = async (handle: string, i: number) => {
    const start = performance.now();
    await signIn(handle, 'wrong password', `192.0.2.${i}`).catch(() => undefined);
    return performance.now() - start;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 4; i++) {
    known.push(await time('alice', i));
    unknown.push(await time('nobody', i));
  }
  // The shortest of each: whatever else the machine does makes it longer.
  const ratio = Math.min(...unknown) / Math.min(...known);
  expect(ratio).toBeGreaterThan(0.6);
  expect(ratio).toBeLessThan(1.6);
});

test('an address of nobody gets the same answer as the address of somebody', async () => {
  const email = 'alice@mail.example' as EmailAddress;
  await createAccount(store.db, alpha, { handle: 'carol', name: 'Carol', password, email }, world);
  expect((await signIn('Alice@Mail.example')).account.user).toBe(user('@carol@alpha.example'));
  const wrong = await signIn(email, 'wrong password').catch((error: unknown) => error);
  const unknown = await signIn('nobody@mail.example', password, '192.0.2.2').catch((error: unknown) => error);
  expect(wrong).toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
  expect(unknown).toEqual(wrong);
});

test('whose address it is cannot be found out by slowing down a handle', async () => {
  const email = 'dora@mail.example' as EmailAddress;
  await createAccount(store.db, alpha, { handle: 'dora', name: 'Dora', password, email }, world);
  for (let i = 0; i < 5; i++) await signIn('dora', 'wrong password', `192.0.2.${i}`).catch(() => undefined);
  const byAddress = signIn(email, 'wrong password', '198.51.100.1');
  await expect(byAddress).rejects.toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
});

test('five wrong passwords slow the account down, from wherever they come, also for the right one', async () => {
  for (let i = 0; i < 5; i++) await signIn('alice', 'wrong password', `192.0.2.${i}`).catch(() => undefined);
  await expect(signIn('alice', password, '198.51.100.1')).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
  world.advance(2_000);
  await expect(signIn('alice', password, '198.51.100.1')).resolves.toBeDefined();
});

test('five wrong passwords slow the address down, whoever they were tried for', async () => {
  for (const handle of ['a', 'b', 'c', 'd', 'e']) await signIn(handle, 'wrong password').catch(() => undefined);
  await expect(signIn()).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
  await expect(signIn('alice', password, '198.51.100.1')).resolves.toBeDefined();
});

test('who signs in takes back what was mistyped for the own account, and nothing that was guessed at others', async () => {
  await createAccount(store.db, alpha, { handle: 'mallory', name: 'Mallory', password }, world);
  for (let round = 0; round < 3; round++) {
    await signIn('mallory', 'mistyped').catch(() => undefined);
    await signIn('mallory');
  }
  for (const handle of ['a', 'b', 'c', 'd']) {
    await signIn(handle, 'guessed').catch(() => undefined);
    await signIn('mallory');
  }
  await expect(signIn('e', 'guessed')).rejects.toMatchObject({ code: 'HOME_WRONG_CREDENTIALS' });
  await expect(signIn('mallory')).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
});

test('five wrong passwords slow down a whole IPv6 line, whichever of its addresses they come from', async () => {
  for (let i = 0; i < 5; i++) await signIn(`nobody${i}`, 'wrong password', `2001:db8:0:1::${i}`).catch(() => undefined);
  await expect(signIn('alice', password, '2001:db8:0:1:abcd::1')).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
  await expect(signIn('alice', password, '2001:db8:0:2::1')).resolves.toBeDefined();
});

test('guesses sent all at once find out no more than five at a time', async () => {
  const guesses = Array.from({ length: 12 }, (_, i) => signIn('alice', `wrong password ${i}`, `192.0.2.${i}`));
  const results = await Promise.allSettled(guesses);
  const codes = results.map((result) =>
    result.status === 'rejected' ? (result.reason as { code: string }).code : 'in',
  );
  expect(codes.filter((code) => code === 'HOME_WRONG_CREDENTIALS')).toHaveLength(5);
  expect(codes.filter((code) => code === 'HOME_SLOW_DOWN')).toHaveLength(7);
  await expect(signIn('alice', password, '198.51.100.1')).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
});

test('a refresh token is replaced by its use, and lives for thirty days', async () => {
  const first = await signIn();
  const second = await sessions.refresh(first.refresh ?? '');
  expect(second.refresh).not.toBe(first.refresh);
  expect((await sessions.authenticate(second.access)).user).toBe(alice);
  world.advance(REFRESH_SECONDS * 1000);
  await expect(sessions.refresh(second.refresh ?? '')).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
});

test('two tabs that refresh at the same moment both go on', async () => {
  const { refresh = '' } = await signIn();
  const [one, other] = await Promise.all([sessions.refresh(refresh), sessions.refresh(refresh)]);
  expect([one.refresh, other.refresh].filter(Boolean)).toHaveLength(1);
  await sessions.authenticate(one.access);
  await sessions.authenticate(other.access);
});

test('a replaced refresh token that turns up again ends the session for everybody', async () => {
  const { refresh = '' } = await signIn();
  const second = await sessions.refresh(refresh);
  world.advance(60_000);
  await expect(sessions.refresh(refresh)).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
  await expect(sessions.refresh(second.refresh ?? '')).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
  await expect(sessions.authenticate(second.access)).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
  expect(ended).toHaveLength(1);
});

test('signing out ends the tokens of that session only', async () => {
  const here = await signIn();
  const there = await signIn();
  await sessions.end((await sessions.authenticate(here.access)).session);
  await expect(sessions.authenticate(here.access)).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
  await expect(sessions.refresh(here.refresh ?? '')).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
  await sessions.authenticate(there.access);
});

test('of sessions without a device a person has fifty: the oldest ends for a new one, and none that has a device', async () => {
  const laptop = await signIn();
  const { session } = await sessions.authenticate(laptop.access);
  const device = `${alice}/d/laptop` as DeviceId;
  await store.db.updateTable('sessions').set({ device_id: device }).where('id', '=', session).execute();
  const begin = () => store.transaction((tx) => sessions.begin(tx, alice));
  const all = [];
  for (let i = 0; i < 52; i++) {
    world.advance(1);
    all.push(await begin());
  }
  expect(ended).toHaveLength(2);
  expect(await sessions.count()).toBe(51);
  for (const { access } of all.slice(0, 2)) {
    await expect(sessions.authenticate(access)).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
  }
  for (const { access } of [laptop, ...all.slice(2)]) await sessions.authenticate(access);
});

test('what has expired is swept away', async () => {
  await signIn();
  world.advance(REFRESH_SECONDS * 1000);
  await sessions.sweep();
  expect(await sessions.count()).toBe(0);
  expect(await store.db.selectFrom('access_tokens').selectAll().execute()).toEqual([]);
});

test('a handle can be taken once', async () => {
  const again = createAccount(store.db, alpha, { handle: 'alice', name: 'Other', password }, world);
  await expect(again).rejects.toMatchObject({ code: 'HOME_HANDLE_TAKEN' });
});

test('hashing passwords leaves the event loop free', async () => {
  const late: number[] = [];
  let last = performance.now();
  const began = last;
  const timer = setInterval(() => {
    late.push(performance.now() - last);
    last = performance.now();
  }, 1);
  const hashes = 6;
  await Promise.all(
    Array.from({ length: hashes }, (_, i) => signIn('nobody', 'wrong', `192.0.2.${i}`).catch(() => undefined)),
  );
  clearInterval(timer);
  // A loop that is not free gets its turn between one hash and the next at best.
  const oneMs = (performance.now() - began) / hashes;
  const median = late.toSorted((a, b) => a - b)[Math.floor(late.length / 2)] ?? Number.POSITIVE_INFINITY;
  expect(median).toBeLessThan(oneMs / 2);
});
