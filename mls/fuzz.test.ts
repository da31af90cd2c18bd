/**
 * Thousands of spoilt inputs for every parser: each is taken or refused with a code, and soon. `HAWSER_FUZZ_RUNS` sets how many.
 */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import { costOf } from '#signalling/testing-cost.ts';
import { FUZZ_RUNS, SOON_MS, spoiling, spoilt } from '#signalling/testing-spoil.ts';
import { readCertificate } from './certificate.ts';
import { readDeviceCertificate } from './device-certificate.ts';
import { identityIn } from './identity.ts';
import { readSecrets } from './key-package.ts';
import { membersOf } from './members.ts';
import { stateFrom } from './read-records.ts';
import { RevocationLists } from './revocation.ts';
import { bytes, request, type TestDevice, World } from './testing/world.ts';
import { parseFramed, parseGroupInfo, parseKeyPackage, parseTree, parseWelcome } from './wire.ts';
import { X509Crl } from './x509.ts';

const OPTIONS = { numRuns: FUZZ_RUNS, seed: 9420 };
const TIMEOUT = 60_000 + FUZZ_RUNS * 5;

let alice: TestDevice;
let bob: TestDevice;
let real: Record<
  'framed' | 'welcome' | 'keyPackage' | 'secrets' | 'groupInfo' | 'tree' | 'certificate' | 'issuer' | 'list',
  Uint8Array[]
>;

beforeAll(async () => {
  const world = await World.make();
  const [a, b, carol, dave] = await world.devices('alice/laptop', 'bob@beta/phone', 'carol/tablet', 'dave/pc');
  [alice, bob] = [a, b];
  await world.group(alice, bob, carol);
  const own = await dave.keyPackage();
  const added = await alice.group.commit({ add: [own.bytes], remove: [carol.id] }, request());
  const external = await dave.joinExternally(bob);
  const { authority } = world.domain(alice.id);
  real = {
    framed: [added.commit, external, await alice.group.send(bytes('hello'))],
    welcome: [added.welcome ?? new Uint8Array()],
    keyPackage: [own.bytes],
    secrets: [own.secrets],
    groupInfo: [added.groupInfo],
    tree: [alice.group.tree('pending'), bob.group.tree()],
    certificate: alice.keys.certificates.slice(0, 1),
    issuer: [...alice.keys.certificates.slice(1), ...authority.roots],
    list: [...authority.revocations],
  };
});

/** Runs it; anything but success or a coded error, in time, fails. */
function tried(work: () => unknown): string {
  let outcome = 'taken';
  const cost = costOf(() => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      outcome = error.code;
    }
  });
  expect(cost).toBeLessThan(SOON_MS);
  return outcome;
}

const PARSERS = {
  framed: parseFramed,
  welcome: parseWelcome,
  keyPackage: parseKeyPackage,
  secrets: readSecrets,
  groupInfo: parseGroupInfo,
  tree: (input: Uint8Array) => membersOf(parseTree(input)),
  certificate: (input: Uint8Array) => identityIn(readDeviceCertificate(input)),
  issuer: readCertificate,
} as const;

it.each(Object.keys(PARSERS) as (keyof typeof PARSERS)[])(
  'refuses spoilt bytes with a code: %s',
  (kind) => {
    const outcomes = new Set<string>();
    for (const input of real[kind]) outcomes.add(tried(() => PARSERS[kind](input)));
    expect([...outcomes]).toEqual(['taken']);
    fc.assert(
      fc.property(spoiling, (how) => {
        outcomes.add(tried(() => PARSERS[kind](spoilt(real[kind], how))));
      }),
      OPTIONS,
    );
    // It must have come further than the first byte, or the inputs are too bad to prove anything.
    expect(outcomes.size).toBeGreaterThan(1);
  },
  TIMEOUT,
);

it(
  'refuses spoilt bytes with a code: stored states',
  () => {
    const records = [...alice.store.copy()];
    const inputs = records.map(([, value]) => value);
    expect(stateFrom(new Map(records)).pending).toBeDefined();
    fc.assert(
      fc.property(spoiling, (how) => {
        const changed = new Map(records);
        const [key = ''] = records[how.which % records.length] ?? [];
        changed.set(key, spoilt(inputs, how));
        expect(['taken', 'MLS_STATE_UNREADABLE']).toContain(tried(() => stateFrom(changed)));
      }),
      OPTIONS,
    );
  },
  TIMEOUT,
);

const signatureOf = (list: Uint8Array) => String(new Uint8Array(new X509Crl(new Uint8Array(list)).signature));

it(
  'refuses spoilt bytes with a code: revocation lists',
  async () => {
    const [leaf, issuer] = alice.keys.certificates.map(readCertificate);
    if (leaf === undefined || issuer === undefined) throw new Error('no chain');
    const lists = new RevocationLists();
    await fc.assert(
      fc.asyncProperty(spoiling, async (how) => {
        const list = spoilt(real.list, how);
        const outcome = await lists.check(leaf, issuer, [list], alice.world.now).then(
          () => 'taken',
          (error: unknown) => (error instanceof HawserError ? error.code : Promise.reject(error)),
        );
        // No spoilt list may pass for a good one. What is signed is another one with another signature; around it an edit may have
        // chosen another way to write the same, or changed nothing.
        if (outcome === 'taken') expect(real.list.map(signatureOf)).toContain(signatureOf(list));
      }),
      OPTIONS,
    );
  },
  TIMEOUT,
);

it(
  'refuses spoilt messages with a code, and goes on',
  async () => {
    const before = bob.group.epochAuthenticator;
    await fc.assert(
      fc.asyncProperty(spoiling, async (how) => {
        const input = spoilt(real.framed, how);
        fc.pre(!real.framed.some((each) => String(each) === String(input)));
        const outcome = await bob.group.receive(input).then(
          (received) => received.map(({ kind }) => kind),
          (error: unknown) => (error instanceof HawserError ? ['refused'] : Promise.reject(error)),
        );
        // What says that it is of a later epoch cannot be checked before that epoch, and waits.
        expect(['refused', 'waiting']).toContain(outcome[0]);
      }),
      { ...OPTIONS, numRuns: FUZZ_RUNS / 10 },
    );
    expect(bob.group.epochAuthenticator).toEqual(before);
    expect(await bob.group.receive(real.framed[2] ?? new Uint8Array())).toMatchObject([{ kind: 'message' }]);
  },
  TIMEOUT,
);
