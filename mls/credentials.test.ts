import { beforeAll, expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, DomainName } from '#signalling/ids.ts';
import { type Authority, Credentials } from './credentials.ts';
import { DAY, type DeviceKeys, serialOf, TestDomain } from './testing/authority.ts';
import { Extension } from './x509.ts';

const NOW = Date.UTC(2026, 5, 1);
const alice = 'mimi://alpha.example/u/alice/d/laptop' as DeviceId;
const bob = 'mimi://beta.example/u/bob/d/phone' as DeviceId;

let alpha: TestDomain;
let beta: TestDomain;
beforeAll(async () => {
  alpha = await TestDomain.make('alpha.example' as DomainName, NOW);
  beta = await TestDomain.make('beta.example' as DomainName, NOW);
});

const credentials = (change: Partial<Record<string, Authority>> = {}) =>
  new Credentials((domain) => {
    const all: Partial<Record<string, Authority>> = {
      'alpha.example': alpha.authority,
      'beta.example': beta.authority,
      ...change,
    };
    return all[domain];
  });

const identify = (keys: DeviceKeys, now = NOW, by = credentials()) =>
  by.identify(keys.certificates, keys.signaturePublicKey, now);

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof HawserError ? error.code : `uncoded ${error}`),
  );

it('takes the devices of two domains, each by the root of its own', async () => {
  const keys = await alpha.device(alice);
  expect(await identify(keys)).toEqual({
    domain: 'alpha.example',
    user: 'mimi://alpha.example/u/alice',
    device: alice,
  });
  expect((await identify(await beta.device(bob))).device).toBe(bob);
  const withRoot = [...keys.certificates, ...alpha.authority.roots];
  expect((await identify({ ...keys, certificates: withRoot })).device).toBe(alice);
});

it('refuses a device of one domain that another domain certified', async () => {
  expect(await codeOf(identify(await beta.device(alice)))).toBe('MLS_CREDENTIAL_REFUSED');
});

it('refuses a domain that is not known any more, although its chain was verified before', async () => {
  const keys = await beta.device(bob);
  let known = true;
  const by = new Credentials(() => (known ? beta.authority : undefined));
  expect(await codeOf(identify(keys, NOW, by))).toBe('accepted');
  known = false;
  expect(await codeOf(identify(keys, NOW, by))).toBe('MLS_CREDENTIAL_REFUSED');
});

it('refuses certificates for another key, in another order, or with a link missing', async () => {
  const keys = await alpha.device(alice);
  const other = await alpha.device(alice);
  const [leaf, intermediate] = keys.certificates;
  if (leaf === undefined || intermediate === undefined) throw new Error('no chain');
  const root = new Uint8Array(alpha.root.certificate.rawData);
  const foreignRoot = new Uint8Array(beta.root.certificate.rawData);
  const chains = [[], [leaf], [intermediate, leaf], [leaf, root], [leaf, intermediate, foreignRoot], [leaf, leaf]];
  for (const certificates of chains) {
    expect(await codeOf(identify({ ...keys, certificates }))).toBe('MLS_CREDENTIAL_REFUSED');
  }
  expect(await codeOf(identify({ ...keys, signaturePublicKey: other.signaturePublicKey }))).toBe(
    'MLS_CREDENTIAL_REFUSED',
  );
});

it('refuses a leaf that the root made, that a leaf made, or that is itself an authority', async () => {
  const byRoot = await alpha.device(alice, {}, alpha.root);
  expect(await codeOf(identify(byRoot))).toBe('MLS_CREDENTIAL_REFUSED');
  expect(await codeOf(identify(await alpha.device(alice, { ca: true })))).toBe('MLS_CREDENTIAL_REFUSED');
});

it('refuses names that are no device, two devices, or a device of another user', async () => {
  const lists = [
    [],
    [alice],
    ['mimi://alpha.example/u/alice'],
    ['mimi://alpha.example/u/carol', alice],
    ['mimi://alpha.example/u/alice', alice, 'mimi://alpha.example/u/alice/d/phone'],
    ['https://alpha.example/u/alice', 'https://alpha.example/u/alice/d/laptop'],
  ];
  for (const names of lists) {
    expect(await codeOf(identify(await alpha.device(alice, { names })))).toBe('MLS_CREDENTIAL_REFUSED');
  }
});

it('refuses what is not valid yet, not valid any more, or for too long', async () => {
  const keys = await alpha.device(alice);
  expect(await codeOf(identify(keys, NOW - 2 * DAY))).toBe('MLS_CREDENTIAL_EXPIRED');
  expect(await codeOf(identify(keys, NOW + 61 * DAY))).toBe('MLS_CREDENTIAL_EXPIRED');
  const long = await alpha.device(alice, { notAfter: NOW + 90 * DAY });
  expect(await codeOf(identify(long))).toBe('MLS_CREDENTIAL_REFUSED');
  const beyond = await alpha.device(alice, { notBefore: NOW + 300 * DAY, notAfter: NOW + 380 * DAY });
  expect(await codeOf(identify(beyond, NOW + 301 * DAY))).toBe('MLS_CREDENTIAL_REFUSED');
});

it('refuses a critical extension that it does not understand', async () => {
  const extensions = [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))];
  expect(await codeOf(identify(await alpha.device(alice, { extensions })))).toBe('MLS_CREDENTIAL_REFUSED');
});

it('refuses a revoked leaf and a revoked intermediate at once, and wants a current list of both issuers', async () => {
  const domain = await TestDomain.make('alpha.example' as DomainName, NOW);
  const by = new Credentials(() => domain.authority);
  const keys = await domain.device(alice);
  const [leaf = new Uint8Array(), intermediate = new Uint8Array()] = keys.certificates;
  expect(await codeOf(identify(keys, NOW, by))).toBe('accepted');
  expect(await codeOf(identify(keys, NOW + 8 * DAY, by))).toBe('MLS_REVOCATION_UNKNOWN');
  await domain.revoke([serialOf(leaf)], NOW + 1);
  expect(await codeOf(identify(keys, NOW + 1, by))).toBe('MLS_CREDENTIAL_REVOKED');
  await domain.revoke([serialOf(intermediate)], NOW + 2);
  expect(await codeOf(identify(keys, NOW + 2, by))).toBe('MLS_CREDENTIAL_REVOKED');
  await domain.revoke([], NOW + 3);
  expect(await codeOf(identify(keys, NOW + 3, by))).toBe('accepted');

  const { roots, revocations } = domain.authority;
  for (const missing of [0, 1]) {
    const without = new Credentials(() => ({
      roots,
      revocations: revocations.filter((_, index) => index !== missing),
    }));
    expect(await codeOf(identify(keys, NOW + 3, without))).toBe('MLS_REVOCATION_UNKNOWN');
  }
  const foreign = await TestDomain.make('alpha.example' as DomainName, NOW);
  const forged = new Credentials(() => ({ roots, revocations: foreign.authority.revocations }));
  expect(await codeOf(identify(keys, NOW + 3, forged))).toBe('MLS_REVOCATION_UNKNOWN');
});

it('takes the newest of several lists', async () => {
  const domain = await TestDomain.make('alpha.example' as DomainName, NOW);
  const keys = await domain.device(alice);
  const [leaf = new Uint8Array()] = keys.certificates;
  const old = domain.authority.revocations;
  await domain.revoke([serialOf(leaf)], NOW + 1);
  const both = { ...domain.authority, revocations: [...domain.authority.revocations, ...old] };
  expect(await codeOf(identify(keys, NOW + 1, new Credentials(() => both)))).toBe('MLS_CREDENTIAL_REVOKED');
});

it('knows whose a leaf was whose certificate ended or was taken back, and nothing of one whose issuer was', async () => {
  const domain = await TestDomain.make('alpha.example' as DomainName, NOW);
  const by = new Credentials(() => domain.authority);
  const { certificates, signaturePublicKey } = await domain.device(alice);
  const standing = (now: number) => by.standing(certificates, signaturePublicKey, now);
  const [leaf = new Uint8Array(), intermediate = new Uint8Array()] = certificates;
  expect(await standing(NOW)).toMatchObject({ identity: { device: alice }, lapsed: undefined });
  await domain.revoke([serialOf(leaf)], NOW + 1);
  expect(await standing(NOW + 1)).toMatchObject({ identity: { device: alice }, lapsed: 'MLS_CREDENTIAL_REVOKED' });
  expect(await standing(NOW + 61 * DAY)).toMatchObject({ lapsed: 'MLS_CREDENTIAL_EXPIRED' });
  expect(await codeOf(standing(NOW - 2 * DAY))).toBe('MLS_CREDENTIAL_EXPIRED');
  await domain.revoke([serialOf(intermediate)], NOW + 2);
  expect(await codeOf(standing(NOW + 2))).toBe('MLS_CREDENTIAL_REVOKED');
});

it('refuses an issuer that stands there in another encoding', async () => {
  const keys = await alpha.device(alice);
  const [leaf = expect.fail(), issuer = expect.fail()] = keys.certificates;
  // A sequence of a sequence, with lengths of two bytes and of one: the inner one is given a second, which it does not need.
  expect([issuer[1], issuer[5]]).toEqual([0x82, 0x81]);
  const length = issuer.length - 4 + 1;
  const head = [0x30, 0x82, length >> 8, length & 0xff, 0x30, 0x82, 0];
  const widened = Uint8Array.of(...head, ...issuer.subarray(6));
  expect(await codeOf(identify({ ...keys, certificates: [leaf, widened] }))).toBe('MLS_CREDENTIAL_REFUSED');
});
