import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { DomainKeys } from '#signalling/federation-people.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Store } from '../store/store.ts';
import { openTestStore } from '../testing/world.ts';
import { PeerKeys } from './peer-keys.ts';

const beta = 'beta.example' as DomainName;
const some = (bytes = 32) => randomBytes(bytes).toString('base64url');
const [oldRoot, newRoot] = [some(300), some(300)];

let store: Store;
let now: number;
let asked: number;
/** What beta says; an error where it cannot be asked. */
let says: DomainKeys | HawserError;
const waiting: DomainName[] = [];

beforeEach(async () => {
  store = await openTestStore();
  now = 1_000_000;
  asked = 0;
  waiting.length = 0;
  says = keysWith(oldRoot);
});
afterEach(() => store.close());

function keysWith(...roots: string[]): DomainKeys {
  const key = some();
  return {
    domain: beta,
    signing: [{ id: key.slice(0, 16), key }],
    devices: { domain: beta, roots, revocations: [some()], hub: some() },
  };
}

const open = () =>
  PeerKeys.open({
    store,
    world: { now: () => now },
    fetch: async () => {
      asked += 1;
      if (says instanceof HawserError) throw says;
      return says;
    },
    onWaiting: (domain) => waiting.push(domain),
  });
const rootsOf = (keys: PeerKeys) => keys.of(beta)?.roots.map((root) => Buffer.from(root).toString('base64url'));

test('they are fetched once, again when they are old, and are there after a start without asking', async () => {
  const keys = await open();
  expect(keys.of(beta)).toBeUndefined();
  const first = says;
  expect(await Promise.all([keys.get(beta), keys.get(beta)])).toEqual([first, first]);
  expect(asked).toBe(1);
  now += 5 * 60_000;
  says = keysWith(oldRoot, newRoot);
  // What is known serves at once.
  expect(await keys.get(beta)).toEqual(first);
  await keys.refresh(beta);
  expect(rootsOf(keys)).toEqual([oldRoot, newRoot]);
  says = new HawserError('FED_UNREACHABLE');
  const again = await open();
  expect(rootsOf(again)).toEqual([oldRoot, newRoot]);
  expect(asked).toBe(2);
});

test('a domain that cannot be asked is asked again when it is heard of', async () => {
  says = new HawserError('FED_UNREACHABLE');
  const keys = await open();
  await expect(keys.get(beta)).rejects.toMatchObject({ code: 'FED_UNREACHABLE' });
  await keys.ensure([beta]);
  expect([asked, keys.of(beta)]).toEqual([1, undefined]);
  says = keysWith(oldRoot);
  keys.heard(beta);
  await keys.get(beta);
  expect([asked, rootsOf(keys)]).toEqual([2, [oldRoot]]);
});

test('roots that nobody has seen wait for the administrator, and the old ones stay in use, also after a start', async () => {
  const keys = await open();
  await keys.get(beta);
  const stranger = keysWith(newRoot);
  says = stranger;
  now += 10_000;
  await keys.renew([beta]);
  now += 10_000;
  await keys.renew([beta]);
  expect([rootsOf(keys), keys.waiting, waiting]).toEqual([[oldRoot], [beta], [beta]]);
  expect(() => keys.refuseWaiting([beta])).toThrow(expect.objectContaining({ code: 'FED_KEY_WAITS' }));
  await expect(keys.signingKey(beta, stranger.signing[0]?.id ?? '')).rejects.toMatchObject({ code: 'FED_KEY_WAITS' });
  const again = await open();
  expect([rootsOf(again), again.waiting]).toEqual([[oldRoot], [beta]]);
  const fingerprints = again.waitingFingerprints(beta);
  expect(fingerprints).toEqual([expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)]);
  await expect(again.accept(beta, [])).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  // Others than were looked at.
  await expect(
    again.accept(
      beta,
      [...fingerprints].map((each) => each.replace(/^../, '00')),
    ),
  ).rejects.toMatchObject({
    code: 'HOME_NOT_FOUND',
  });
  await again.accept(beta, fingerprints);
  expect([rootsOf(again), again.waiting]).toEqual([[newRoot], []]);
  again.refuseWaiting([beta]);
  await expect(again.accept(beta, fingerprints)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
});

test('an unknown signing key lets them be fetched again, once', async () => {
  const keys = await open();
  await keys.get(beta);
  const rotated = keysWith(oldRoot);
  says = rotated;
  now += 10_000;
  const [{ id, key }] = rotated.signing as [{ id: string; key: string }];
  expect(Buffer.from((await keys.signingKey(beta, id)) ?? []).toString('base64url')).toBe(key);
  expect(await keys.signingKey(beta, 'a'.repeat(16))).toBeUndefined();
  expect(await keys.signingKey(beta, 'b'.repeat(16))).toBeUndefined();
  expect(asked).toBe(2);
});

test('a clock that was ahead keeps nobody from asking again', async () => {
  const keys = await open();
  now += 3_600_000;
  await keys.get(beta);
  now -= 3_600_000;
  says = keysWith(oldRoot, newRoot);
  await keys.renew([beta]);
  expect([asked, rootsOf(keys)?.length]).toEqual([2, 2]);
});
