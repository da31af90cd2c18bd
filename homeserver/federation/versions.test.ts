/** Organisations that speak other versions: the newest that both speak is used, and where there is none, both ranges are named. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FEDERATION_PATHS, FEDERATION_VERSIONS } from '#signalling/federation.ts';
import { makeTestDomain, writeTestPeers } from '#trust/testing.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import { callOf, PeerDouble } from '../testing/peer-double.ts';
import type { Person } from '../testing/person.ts';

const { min, max } = FEDERATION_VERSIONS;
let world: World;
let alpha: Organisation;
let alice: Person;
const doubles: PeerDouble[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  alice = await alpha.person('alice', 'Alice');
  const ranges = {
    'next.example': { min: max, max: max + 1 },
    'future.example': { min: max + 1, max: max + 3 },
  };
  const entries = await Promise.all(
    Object.entries(ranges).map(async ([name, versions]) => {
      const certificates = await makeTestDomain(world.folder, name);
      const double = await PeerDouble.start(
        certificates,
        await readFile(alpha.certificates.authority, 'utf8'),
        (asked) =>
          callOf(asked.path) === 'versions'
            ? { status: 200, body: { domain: name, versions } }
            : double.honestly(asked),
      );
      doubles.push(double);
      return { of: certificates, homeserver: double.address };
    }),
  );
  await writeTestPeers(alpha.site.peers, entries);
});
afterAll(async () => {
  for (const double of doubles) await double[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const found = (address: string) => alice.find(address).catch((error: unknown) => error);

test('with one that is a version ahead, what both speak is spoken', async () => {
  await expect.poll(() => found('@nora@next.example')).toMatchObject({ name: 'nora' });
  const status = (await (await fetch(`${alpha.admin}/admin/v1/peers`)).json()) as { peers: object[] };
  expect(status.peers).toContainEqual(expect.objectContaining({ domain: 'next.example', version: max }));
});

test('one that speaks none of ours is asked nothing more, and both ranges are told', async () => {
  await expect.poll(() => found('@fay@future.example')).toMatchObject({ code: 'FED_VERSION' });
  const refused = (await found('@fay@future.example')) as { problem: { message: string } };
  expect(refused.problem.message).toContain(`(future.example speaks ${max + 1} to ${max + 3}, we ${min} to ${max})`);
  const asked = doubles.flatMap((each) => (each.certificates.domain === 'future.example' ? each.asked : []));
  expect(new Set(asked.map(({ path }) => path))).toEqual(new Set([FEDERATION_PATHS.versions]));
  const status = (await (await fetch(`${alpha.admin}/admin/v1/peers`)).json()) as { peers: object[] };
  expect(status.peers).toContainEqual(
    expect.objectContaining({ domain: 'future.example', state: 'unreachable', code: 'FED_VERSION' }),
  );
});
