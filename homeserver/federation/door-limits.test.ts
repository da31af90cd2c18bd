import fc from 'fast-check';
import { Check } from 'typebox/value';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GoneDevices } from '#signalling/federation-groups.ts';
import { MAX_TREE_BYTES } from '#signalling/groups.ts';
import { MAX_PAYLOAD_BYTES } from '#signalling/queue.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld } from '../testing/world.ts';
import { bodyLimitOf, DoorLimits, limitsAt } from './door-limits.ts';
import { PeerAges } from './peer-ages.ts';

const [beta, gamma] = [domain('beta.example'), domain('gamma.example')];
const DAY = 24 * 3_600_000;
const MB = 1024 * 1024;

let store: Store;
let world: TestWorld;

beforeEach(async () => {
  [store, world] = [await openTestStore(), testWorld()];
});
afterEach(() => store.close());

/** How many of so many requests come in. */
const inOf = (limits: DoorLimits, count: number, call: Parameters<DoorLimits['enter']>[1], isHeld = false) => {
  let taken = 0;
  for (let i = 0; i < count; i++) {
    try {
      const leave = limits.enter(beta, call);
      if (!isHeld) leave();
      taken += 1;
    } catch (error) {
      expect(error).toMatchObject({ code: 'FED_LIMIT', retry: true });
    }
  }
  return taken;
};

test('an older domain may never ask less', () => {
  fc.assert(
    fc.property(fc.nat(40 * DAY), fc.nat(40 * DAY), (one, more) => {
      const [young, old] = [limitsAt(one), limitsAt(one + more)];
      return (
        old.perSecond >= young.perSecond &&
        old.atOnce >= young.atOnce &&
        old.bytesPerSecond >= young.bytesPerSecond &&
        young.perSecond >= 100
      );
    }),
  );
  expect(limitsAt(-5)).toEqual(limitsAt(0));
  expect(limitsAt(365 * DAY)).toEqual({ perSecond: 400, atOnce: 128, bytesPerSecond: 8 * MB });
});

test('a domain that is new gets little, and more when it has been here for long', () => {
  const since = world.now();
  const limits = new DoorLimits({ now: world.now, since: () => since });
  expect(inOf(limits, 1_000, 'notify')).toBe(200);
  expect(inOf(limits, 100, 'notify', true)).toBe(0);
  world.advance(1_000);
  expect(inOf(limits, 100, 'notify', true)).toBe(32);
  const grown = new DoorLimits({ now: world.now, since: () => world.now() - 30 * DAY });
  expect(inOf(grown, 1_000, 'notify')).toBe(800);
});

test('what waits, and what is long, holds up nothing else', () => {
  const limits = new DoorLimits({ now: world.now, since: () => world.now() });
  expect(inOf(limits, 100, 'turn', true)).toBe(100);
  world.advance(1_000);
  expect(inOf(limits, 100, 'proxyDownload', true)).toBe(32);
  world.advance(1_000);
  expect(inOf(limits, 40, 'notify', true)).toBe(32);
});

test('lanes are not strangled, and still few at once', () => {
  const limits = new DoorLimits({ now: world.now, since: () => world.now() });
  expect(inOf(limits, 10_000, 'feed')).toBe(10_000);
  expect(inOf(limits, 10, 'feed', true)).toBe(4);
});

test('bytes a second are bounded, less for one that is new, and it is told how long to wait', () => {
  const accepted = (limits: DoorLimits, bytes: number) => {
    let sum = 0;
    try {
      for (; sum < 1024 * MB; sum += bytes) limits.weigh(beta, 'feed', bytes);
    } catch (error) {
      expect(error).toMatchObject({ code: 'FED_LIMIT', afterMs: expect.any(Number) });
      expect((error as { afterMs: number }).afterMs).toBeLessThan(3_000);
    }
    return sum / MB;
  };
  const since = world.now();
  const young = new DoorLimits({ now: world.now, since: () => since });
  expect(accepted(young, MB)).toBe(6);
  // A second brings as much as it may send in one, and what is short has its own share.
  world.advance(1_000);
  expect(accepted(young, MB / 4)).toBeCloseTo(3, 0);
  expect(() => young.weigh(beta, 'notify', MB)).not.toThrow();
  const grown = new DoorLimits({ now: world.now, since: () => world.now() - 30 * DAY });
  expect(accepted(grown, MB)).toBe(16);
  // The largest body comes in where anything is left.
  world.advance(3_000);
  expect(accepted(young, 10 * MB)).toBe(10);
});

test('what is short by its schema is short at the door', () => {
  expect(bodyLimitOf('identifierQuery')).toBe(16 * 1024);
  expect(bodyLimitOf('feed')).toBeGreaterThan(1024 * 1024);
});

test('what its schema allows is not too long for the door', () => {
  const device = `mimi://${'a'.repeat(61)}.${'b'.repeat(30)}.example/u/${'c'.repeat(32)}/d/${'d'.repeat(32)}`;
  const body = { devices: Array.from({ length: 100 }, () => device) };
  expect(Check(GoneDevices, body)).toBe(true);
  expect(JSON.stringify(body).length).toBeLessThanOrEqual(bodyLimitOf('goneDevices'));
  const bytes = (count: number) => 'A'.repeat(Math.ceil((count / 3) * 4));
  const group = { group: 'g'.repeat(180), groupInfo: bytes(64 * 1024), tree: bytes(MAX_TREE_BYTES) };
  expect(JSON.stringify({ device, group }).length).toBeLessThanOrEqual(bodyLimitOf('createGroup'));
  const [commit, welcome] = [bytes(MAX_PAYLOAD_BYTES), bytes(MAX_PAYLOAD_BYTES)];
  const submission = { device, commit: { id: 'i'.repeat(64), commit, welcome, groupInfo: bytes(64 * 1024) } };
  expect(JSON.stringify(submission).length).toBeLessThanOrEqual(bodyLimitOf('commit'));
});

test('a domain keeps its age over a start, and loses it with its place on the list', async () => {
  const ages = await PeerAges.open(store.db, world);
  await ages.begin(beta);
  await ages.begin(gamma);
  const since = world.now();
  world.advance(DAY);
  await ages.begin(beta);
  const again = await PeerAges.open(store.db, world);
  expect([again.since(beta), again.since(gamma)]).toEqual([since, since]);
  await again.keepOnly(new Set([beta]));
  await again.end(beta);
  await again.begin(beta);
  expect([again.since(beta), again.since(gamma)]).toEqual([world.now(), undefined]);
});
