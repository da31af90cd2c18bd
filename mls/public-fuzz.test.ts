/**
 * Spoilt uploads to a hub: each is refused with a code, or makes the very epoch that the real one makes, because what was spoilt is
 * something that only members can check. `HAWSER_FUZZ_RUNS` sets how many.
 */
import fc from 'fast-check';
import { encode } from 'ts-mls';
import { groupContextEncoder } from 'ts-mls/internal/groupContext.js';
import { beforeAll, expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import { FUZZ_RUNS, spoiling, spoilt } from '#signalling/testing-spoil.ts';
import { type CommitParts, checkApplication, type GroupParts, type PublicGroup } from './public-group.ts';
import { readPublicGroup, writePublicGroup } from './public-records.ts';
import { joinInPlaceOf } from './testing/attacker.ts';
import { TestHub } from './testing/hub.ts';
import { bytes, request, type TestDevice } from './testing/world.ts';

const TIMEOUT = 60_000 + FUZZ_RUNS * 10;
const OPTIONS = { numRuns: FUZZ_RUNS, seed: 9420 };

let hub: TestHub;
let alice: TestDevice;
let begun: GroupParts;
let commits: { parts: CommitParts; context: string }[];
let message: Uint8Array;

const contextOf = ({ context }: PublicGroup) => String(encode(groupContextEncoder, context));

beforeAll(async () => {
  hub = await TestHub.make();
  const [a, bob, carol, dave] = await hub.world.devices('alice/laptop', 'bob@beta/phone', 'carol/tablet', 'dave/pc');
  alice = a;
  await hub.world.group(alice, bob, carol);
  begun = { groupInfo: await alice.group.groupInfo(), tree: alice.group.tree() };
  message = await alice.group.send(bytes('hello'));
  await hub.begin(begun);
  const own = await dave.keyPackage();
  const all = [
    await alice.group.commit({ add: [own.bytes], remove: [carol.id] }, request()),
    await joinInPlaceOf(dave, begun),
  ];
  commits = await Promise.all(all.map(async (parts) => ({ parts, context: contextOf((await hub.try(parts)).state) })));
});

/** Refused with a code is `undefined`; anything else thrown fails. */
async function outcome<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HawserError) return undefined;
    throw error;
  }
}

it(
  'takes no spoilt commit for a good one',
  async () => {
    let refused = 0;
    const before = contextOf(hub.state);
    await fc.assert(
      fc.asyncProperty(fc.nat(1), fc.constantFrom('commit', 'groupInfo', 'welcome'), spoiling, async (n, part, how) => {
        const { parts, context } = commits[n] ?? { parts: undefined, context: '' };
        const real = parts?.[part];
        if (parts === undefined || real === undefined) return;
        const made = await outcome(() => hub.try({ ...parts, [part]: spoilt([real], how) }));
        if (made === undefined) refused++;
        else expect(contextOf(made.state)).toBe(context);
      }),
      OPTIONS,
    );
    expect(refused).toBeGreaterThan(FUZZ_RUNS / 2);
    expect(contextOf(hub.state)).toBe(before);
    for (const { parts, context } of commits) expect(contextOf((await hub.try(parts)).state)).toBe(context);
  },
  TIMEOUT,
);

it(
  'begins no group from spoilt bytes',
  async () => {
    const real = contextOf(hub.state);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('groupInfo', 'tree'), spoiling, async (part, how) => {
        const changed = spoilt([begun[part]], how);
        fc.pre(String(changed) !== String(begun[part]));
        const state = await outcome(() => hub.begin({ ...begun, [part]: changed }));
        expect(state && contextOf(state)).toBeUndefined();
      }),
      OPTIONS,
    );
    expect(contextOf(await hub.begin(begun))).toBe(real);
  },
  TIMEOUT,
);

it(
  'takes an application message for nothing else, and reads no spoilt records',
  async () => {
    const records = [...writePublicGroup(hub.state)].flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value }],
    );
    await fc.assert(
      fc.asyncProperty(spoiling, async (how) => {
        const epoch = await outcome(() => checkApplication(hub.state, spoilt([message], how)));
        expect([undefined, hub.state.epoch, hub.state.epoch - 1n, hub.state.epoch - 2n]).toContain(epoch);
        const changed = new Map(records.map(({ key, value }) => [key, value]));
        const { key = '', value = new Uint8Array() } = records[how.which % records.length] ?? {};
        changed.set(key, spoilt([value], how));
        const read = await outcome(() => readPublicGroup(changed));
        // The tree answers for itself; what is in the head, the database has to keep.
        if (read !== undefined && key !== 'head') expect(contextOf(read)).toBe(contextOf(hub.state));
      }),
      OPTIONS,
    );
  },
  TIMEOUT,
);
