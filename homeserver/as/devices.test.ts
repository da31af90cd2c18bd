import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { certificationRequest, makeSignatureKeys, proofFor, type SignatureKeys } from '#client/device/keys.ts';
import { Credentials } from '#mls/credentials.ts';
import { makeKeyPackage } from '#mls/key-package.ts';
import { TestDomain as TestAuthority } from '#mls/testing/authority.ts';
import * as x509 from '#mls/x509.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { type CertifiedDevice, FEW_KEY_PACKAGES } from '#signalling/devices.ts';
import type { HawserError } from '#signalling/errors.ts';
import type { DeviceId } from '#signalling/ids.ts';
import { DeviceAuthority } from '#trust/device-authority.ts';
import { DEVICE_LIFE } from '#trust/issue-devices.ts';
import { DAY } from '#trust/issuing.ts';
import { makeTestDomain, type TestDomain } from '#trust/testing.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld, until, user } from '../testing/world.ts';
import { createAccount } from './accounts.ts';
import { Authorities } from './authorities.ts';
import { Devices } from './devices.ts';
import { KeyPackages } from './key-packages.ts';
import { Sessions, type Tokens } from './sessions.ts';

const alpha = domain('alpha.example');
const alice = user('@alice@alpha.example');
const password = 'correct horse battery';
let folder: string;
let certificates: TestDomain;
let authority: DeviceAuthority;
let store: Store;
let world: TestWorld;
let sessions: Sessions;
let authorities: Authorities;
let devices: Devices;
let keyPackages: KeyPackages;
let credentials: Credentials;
let told: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-devices-'));
  certificates = await makeTestDomain(folder, alpha);
  authority = await DeviceAuthority.open(alpha, certificates.devices);
});
afterAll(async () => {
  authority.close();
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  store = await openTestStore();
  world = testWorld();
  // The certificates are made by the clock of the machine.
  world.advance(Date.now() - world.now());
  told = [];
  sessions = new Sessions(store, alpha, world, () => undefined);
  authorities = await Authorities.open({ store, world, domain: alpha, own: authority }, (error) =>
    expect.fail(`${error}`),
  );
  credentials = new Credentials(authorities.of);
  devices = new Devices({
    store,
    world,
    authority,
    onCreated: async () => undefined,
    onAdded: (who, { name }) => told.push(`${who} has ${name}`),
    onRemoved: async (who, device, ended) => {
      told.push(`${who} lost ${device} and ${ended.length} sessions`);
      await authorities.renew();
    },
    onFault: (error) => expect.fail(`${error}`),
  });
  keyPackages = new KeyPackages({ store, world, credentials, onFew: (_, left) => told.push(`${left} left`) });
  await createAccount(store.db, alpha, { handle: 'alice', name: 'Alice', password }, world);
});
afterEach(async () => {
  await authorities.close();
  await store.close();
});

const signIn = (): Promise<Tokens> => sessions.signIn({ handle: 'alice', password, address: '192.0.2.1' });

async function sessionOf({ access }: Tokens) {
  return { ...(await sessions.authenticate(access)), address: '192.0.2.1' };
}

interface Made extends CertifiedDevice {
  readonly keys: SignatureKeys;
  readonly tokens: Tokens;
}

async function addDevice(name = 'Laptop'): Promise<Made> {
  const [tokens, keys] = [await signIn(), await makeSignatureKeys()];
  const request = toBase64Url(await certificationRequest(keys));
  return { ...(await devices.add(await sessionOf(tokens), { name, request })), keys, tokens };
}

const bytes = (text: string) => fromBase64Url(text) ?? new Uint8Array();
const chainOf = ({ certificates: chain }: CertifiedDevice) => chain.map(bytes);
const identify = (made: Made, now = world.now()) =>
  credentials.identify(chainOf(made), made.keys.signaturePublicKey, now);
const packageOf = async ({ keys, ...made }: Made) =>
  toBase64Url((await makeKeyPackage({ ...keys, certificates: chainOf({ ...made }) }, world.now())).bytes);

describe('a new device', () => {
  test('has a certificate that others believe, and is the device of its session', async () => {
    const made = await addDevice();
    expect(await identify(made)).toEqual({ domain: alpha, user: alice, device: made.device });
    expect(made.notAfter - made.notBefore).toBeLessThanOrEqual(DEVICE_LIFE);
    expect((await sessions.authenticate(made.tokens.access)).device).toBe(made.device);
    expect(told).toEqual([`${alice} has Laptop`]);
    expect(await devices.list(alice)).toMatchObject([
      { device: made.device, name: 'Laptop', lastAddress: '192.0.2.1' },
    ]);
  });

  test('must have signed its request with its key, and no other device may have that key', async () => {
    const keys = await makeSignatureKeys();
    const request = await certificationRequest(keys);
    const session = await sessionOf(await signIn());
    for (const at of [request.length - 1, request.length - 70, 60]) {
      const forged = request.slice();
      forged[at] = (forged[at] ?? 0) ^ 1;
      const adding = devices.add(session, { name: 'Forged', request: toBase64Url(forged) });
      await expect(adding).rejects.toMatchObject({ code: 'HOME_BAD_DEVICE_KEY' });
    }
    for (const text of ['', 'AAAA', 'A']) {
      await expect(devices.add(session, { name: 'x', request: text })).rejects.toMatchObject({
        code: 'HOME_BAD_DEVICE_KEY',
      });
    }
    await devices.add(session, { name: 'First', request: toBase64Url(request) });
    const again = devices.add(await sessionOf(await signIn()), { name: 'Second', request: toBase64Url(request) });
    await expect(again).rejects.toMatchObject({ code: 'HOME_BAD_DEVICE_KEY' });
    expect(await devices.list(alice)).toHaveLength(1);
  });

  test('is one a session, and eight a person, which the refusal of the ninth names', async () => {
    const first = await addDevice('Device 1');
    const request = toBase64Url(await certificationRequest(await makeSignatureKeys()));
    const twice = devices.add(await sessionOf(first.tokens), { name: 'Twice', request });
    await expect(twice).rejects.toMatchObject({ code: 'HOME_HAS_DEVICE' });
    for (let i = 2; i <= 8; i++) await addDevice(`Device ${i}`);
    const refusal = await addDevice('Ninth').catch((error: HawserError) => error);
    expect(refusal).toMatchObject({ code: 'HOME_TOO_MANY_DEVICES' });
    for (let i = 1; i <= 8; i++) expect((refusal as HawserError).message).toContain(`Device ${i}`);
    await devices.remove(alice, first.device);
    await expect(addDevice('Ninth')).resolves.toBeDefined();
  });

  test('that comes ninth at the same moment as the eighth is refused too', async () => {
    for (let i = 1; i <= 7; i++) await addDevice();
    const both = await Promise.allSettled([addDevice(), addDevice()]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a known device', () => {
  test('takes a new session by a proof of its key, with the certificate that it has', async () => {
    const made = await addDevice();
    const tokens = await signIn();
    const signature = toBase64Url(await proofFor(made.keys, tokens.access));
    const resumed = await devices.resume(await sessionOf(tokens), tokens.access, { device: made.device, signature });
    expect(resumed.certificates).toEqual(made.certificates);
    expect((await sessions.authenticate(tokens.access)).device).toBe(made.device);
  });

  test('is not taken by a proof for another session, by another key, or by another person', async () => {
    const made = await addDevice();
    const [tokens, other] = [await signIn(), await signIn()];
    const session = await sessionOf(tokens);
    const stranger = await makeSignatureKeys();
    for (const proof of [await proofFor(made.keys, other.access), await proofFor(stranger, tokens.access)]) {
      const signature = toBase64Url(proof);
      const taking = devices.resume(session, tokens.access, { device: made.device, signature });
      await expect(taking).rejects.toMatchObject({ code: 'HOME_BAD_DEVICE_KEY' });
    }
    const signature = toBase64Url(await proofFor(made.keys, tokens.access));
    const bob = { ...session, user: user('@bob@alpha.example') };
    const foreign = devices.resume(bob, tokens.access, { device: made.device, signature });
    await expect(foreign).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    expect((await sessions.authenticate(tokens.access)).device).toBeUndefined();
  });

  test('that was away until its certificate ended gets another one', async () => {
    const made = await addDevice();
    world.advance(100 * DAY);
    const tokens = await signIn();
    const signature = toBase64Url(await proofFor(made.keys, tokens.access));
    const resumed = await devices.resume(await sessionOf(tokens), tokens.access, { device: made.device, signature });
    expect(resumed.notAfter).toBeGreaterThan(world.now());
    await authorities.sweep();
    expect(await identify({ ...made, ...resumed })).toMatchObject({ device: made.device });
  });

  test('renews its certificate for its own key, and for no other', async () => {
    const made = await addDevice();
    world.advance(60 * DAY);
    await authorities.sweep();
    const renewed = await devices.renew(made.device, toBase64Url(await certificationRequest(made.keys)));
    expect(renewed.notAfter).toBeGreaterThan(made.notAfter);
    expect(await identify({ ...made, ...renewed })).toMatchObject({ device: made.device });
    const other = toBase64Url(await certificationRequest(await makeSignatureKeys()));
    await expect(devices.renew(made.device, other)).rejects.toMatchObject({ code: 'HOME_BAD_DEVICE_KEY' });
    await expect(devices.renew('mimi://alpha.example/u/alice/d/x' as DeviceId, other)).rejects.toMatchObject({
      code: 'HOME_NOT_FOUND',
    });
  });
});

describe('a removed device', () => {
  test('is believed by nobody from then on, and its sessions have ended', async () => {
    const made = await addDevice();
    const renewed = await devices.renew(made.device, toBase64Url(await certificationRequest(made.keys)));
    await devices.remove(alice, made.device);
    for (const each of [made, { ...made, ...renewed }]) {
      await expect(identify(each)).rejects.toMatchObject({ code: 'MLS_CREDENTIAL_REVOKED' });
    }
    await expect(sessions.authenticate(made.tokens.access)).rejects.toMatchObject({ code: 'HOME_UNAUTHENTICATED' });
    expect(told.at(-1)).toBe(`${alice} lost ${made.device} and 1 sessions`);
    expect(await devices.list(alice)).toEqual([]);
  });

  test('stays on the list until its certificate would have ended', async () => {
    const made = await addDevice();
    await devices.remove(alice, made.device);
    const list = () => authorities.of(alpha)?.revocations.at(-1)?.length ?? 0;
    const full = list();
    world.advance(made.notAfter - world.now() + 1);
    await authorities.sweep();
    expect(list()).toBeLessThan(full);
    expect(await store.db.selectFrom('device_certificates').selectAll().execute()).toEqual([]);
  });

  test('is one of the own, and the others stay', async () => {
    const [first, second] = [await addDevice('First'), await addDevice('Second')];
    const bob = user('@bob@alpha.example');
    await expect(devices.remove(bob, first.device)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    const { session } = await sessions.authenticate(second.tokens.access);
    await store.transaction((tx) => devices.removeOthers(tx, alice, session));
    await until(() => told.some((each) => each.includes(first.device)), 'the end of the first');
    await authorities.renew();
    expect(await devices.list(alice)).toMatchObject([{ name: 'Second' }]);
    expect(await identify(second)).toMatchObject({ device: second.device });
    await expect(identify(first)).rejects.toMatchObject({ code: 'MLS_CREDENTIAL_REVOKED' });
  });
});

test('the list of revoked devices is signed, numbered, and says until when it is good', async () => {
  const intermediate = new x509.X509Certificate(authority.current.certificate.slice());
  const newest = () => new x509.X509Crl(authorities.of(alpha)?.revocations.at(-1)?.slice().buffer ?? new Uint8Array());
  const numberOf = (list: x509.X509Crl) => {
    // RFC 5280, section 5.2.3: an INTEGER
    const bytes = new Uint8Array(list.getExtension('2.5.29.20')?.value ?? new Uint8Array());
    return BigInt(`0x${Buffer.from(bytes.subarray(2)).toString('hex')}`);
  };
  const before = newest();
  expect(await before.verify({ publicKey: intermediate })).toBe(true);
  expect(before.nextUpdate?.getTime()).toBeGreaterThan(world.now());
  const made = await addDevice();
  world.advance(1_000);
  await devices.remove(alice, made.device);
  const after = newest();
  expect(await after.verify({ publicKey: intermediate })).toBe(true);
  expect(numberOf(after)).toBeGreaterThan(numberOf(before));
  const [leaf = ''] = made.certificates;
  expect(after.findRevoked(new x509.X509Certificate(bytes(leaf)))).not.toBeNull();
  expect(before.findRevoked(new x509.X509Certificate(bytes(leaf)))).toBeNull();
});

test('the list of revoked devices is made anew before it ends', async () => {
  const made = await addDevice();
  for (let day = 0; day < 20; day++) {
    world.advance(DAY / 2);
    await authorities.sweep();
    expect(await identify(made)).toMatchObject({ device: made.device });
  }
});

test('when a device was last used is written once a minute', async () => {
  const { device } = await addDevice();
  const at = async () => (await devices.list(alice)).map(({ lastUsedAt, lastAddress }) => [lastUsedAt, lastAddress]);
  world.advance(90_000);
  await devices.used(device, '192.0.2.9');
  const first = world.now();
  expect(await at()).toEqual([[first, '192.0.2.9']]);
  world.advance(30_000);
  await devices.used(device, '192.0.2.10');
  expect(await at()).toEqual([[first, '192.0.2.9']]);
});

test('OpenSSL reads the certificate as it was meant', async () => {
  const { certificates: chain, device } = await addDevice();
  const [leaf, intermediate] = chain.map((text) => new X509Certificate(bytes(text)));
  expect(leaf?.verify(intermediate?.publicKey ?? expect.fail())).toBe(true);
  expect(leaf?.subjectAltName).toBe(`URI:${alice}, URI:${device}`);
  expect(leaf?.ca).toBe(false);
});

test('a removal that cannot be finished holds no other', async () => {
  const [one, other] = [`${alice}/d/${'a'.repeat(22)}`, `${alice}/d/${'b'.repeat(22)}`] as DeviceId[];
  const [finished, faults]: [DeviceId[], unknown[]] = [[], []];
  const failing = new Devices({
    ...{ store, world, authority },
    onCreated: async () => undefined,
    onAdded: () => undefined,
    onRemoved: async (_, device) => {
      if (device === one) throw new Error('no');
      finished.push(device);
    },
    onFault: (error) => faults.push(error),
  });
  await failing.finishRemovals([one as DeviceId, other as DeviceId]);
  expect([finished, faults]).toEqual([[other], [new Error('no')]]);
});

describe('key packages', () => {
  test('are given out once each, and the last one again and again', async () => {
    const made = await addDevice();
    const [first, second, last] = [await packageOf(made), await packageOf(made), await packageOf(made)];
    expect(await keyPackages.replace(made.device, { keyPackages: [first, second], lastResort: last })).toBe(2);
    const claim = async () => (await keyPackages.claim(alice)).map(({ keyPackage }) => keyPackage);
    const claimed = [...(await claim()), ...(await claim())];
    expect(claimed.toSorted()).toEqual([first, second].toSorted());
    expect(await claim()).toEqual([last]);
    expect(await claim()).toEqual([last]);
  });

  test('come from every device that left some, and never twice to two who ask at once', async () => {
    const [laptop, phone] = [await addDevice('Laptop'), await addDevice('Phone')];
    await addDevice('Empty');
    for (const made of [laptop, phone]) {
      const batch = { keyPackages: [await packageOf(made), await packageOf(made)], lastResort: await packageOf(made) };
      await keyPackages.replace(made.device, batch);
    }
    const both = (await Promise.all([keyPackages.claim(alice), keyPackages.claim(alice)])).flat();
    expect(both.map(({ device }) => device).toSorted()).toEqual(
      [laptop, laptop, phone, phone].map(({ device }) => device).toSorted(),
    );
    expect(new Set(both.map(({ keyPackage }) => keyPackage)).size).toBe(4);
  });

  test('are refused all together where one is not good, and the old ones stay', async () => {
    const [made, other] = [await addDevice(), await addDevice()];
    const [good, last, foreign] = [await packageOf(made), await packageOf(made), await packageOf(other)];
    await keyPackages.replace(made.device, { keyPackages: [good], lastResort: last });
    const spoilt = bytes(await packageOf(made));
    spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
    const stale = { ...made, ...makeStale() };
    for (const bad of [foreign, toBase64Url(spoilt), 'AAAA', 'A', '', last, await packageOf(stale)]) {
      const replacing = keyPackages.replace(made.device, {
        keyPackages: [await packageOf(made), bad],
        lastResort: last,
      });
      await expect(replacing).rejects.toMatchObject({ code: 'HOME_BAD_KEY_PACKAGE' });
    }
    expect((await keyPackages.claim(alice)).map(({ keyPackage }) => keyPackage)).toContain(good);

    /** A chain without its intermediate. */
    function makeStale() {
      return { certificates: made.certificates.slice(0, 1) };
    }
  });

  test('are refused where a link of the chain was revoked, has ended, or is of somebody else', async () => {
    const made = await addDevice();
    const [good, last] = [await packageOf(made), await packageOf(made)];
    await keyPackages.replace(made.device, { keyPackages: [good], lastResort: last });
    const renewed = {
      ...made,
      ...(await devices.renew(made.device, toBase64Url(await certificationRequest(made.keys)))),
    };
    const [leaf = ''] = made.certificates;
    await store.db
      .updateTable('device_certificates')
      .set({ revoked_at: world.now() })
      .where('certificate', '=', leaf)
      .execute();
    await authorities.renew();
    const stranger = await TestAuthority.make(alpha, world.now());
    const refused = async (bad: string, reason: string) => {
      const fresh = [await packageOf(renewed), bad];
      await expect(keyPackages.replace(made.device, { keyPackages: fresh, lastResort: last })).rejects.toMatchObject({
        code: 'HOME_BAD_KEY_PACKAGE',
        message: expect.stringContaining(reason),
      });
    };
    await refused(await packageOf(made), 'MLS_CREDENTIAL_REVOKED');
    const foreign = await makeKeyPackage(await stranger.device(made.device), world.now());
    await refused(toBase64Url(foreign.bytes), 'MLS_CREDENTIAL_REFUSED');
    const old = await makeKeyPackage({ ...made.keys, certificates: chainOf(renewed) }, world.now() - 200 * DAY);
    await refused(toBase64Url(old.bytes), 'MLS_KEY_PACKAGE_REFUSED');
    expect((await keyPackages.claim(alice)).map(({ keyPackage }) => keyPackage)).toEqual([good]);

    world.advance(91 * DAY);
    await authorities.sweep();
    const anew = { ...made, ...(await devices.renew(made.device, toBase64Url(await certificationRequest(made.keys)))) };
    const ended = await packageOf(renewed);
    const batch = { keyPackages: [await packageOf(anew), ended], lastResort: await packageOf(anew) };
    await expect(keyPackages.replace(made.device, batch)).rejects.toMatchObject({
      message: expect.stringContaining('MLS_CREDENTIAL_EXPIRED'),
    });
  });

  test('of a device that is gone are gone, and nobody brings new ones for it', async () => {
    const made = await addDevice();
    const batch = { keyPackages: [await packageOf(made)], lastResort: await packageOf(made) };
    await keyPackages.replace(made.device, batch);
    await devices.remove(alice, made.device);
    expect(await keyPackages.claim(alice)).toEqual([]);
    await expect(keyPackages.replace(made.device, batch)).rejects.toMatchObject({ code: 'HOME_BAD_KEY_PACKAGE' });
  });

  test('are asked for when few are left, and forgotten when they have ended', async () => {
    const made = await addDevice();
    const many: string[] = [];
    for (let i = 0; i < FEW_KEY_PACKAGES + 1; i++) many.push(await packageOf(made));
    await keyPackages.replace(made.device, { keyPackages: many, lastResort: await packageOf(made) });
    told = [];
    await keyPackages.claim(alice);
    expect(told).toEqual([]);
    await keyPackages.claim(alice);
    expect(told).toEqual([`${FEW_KEY_PACKAGES - 1} left`]);
    world.advance(31 * DAY);
    expect(await keyPackages.claim(alice)).toEqual([]);
    await keyPackages.sweep();
    expect(await store.db.selectFrom('key_packages').selectAll().execute()).toEqual([]);
  });
});
