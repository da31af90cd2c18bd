/** What a device does by itself, at a real homeserver whose clock is set by hand. */
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { WORLD } from '#homeserver/world.ts';
import { Claimed, FEW_KEY_PACKAGES, KeyPackageCount } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { Account } from '../account.ts';
import { Messenger } from '../messenger.ts';
import { MemoryVault } from '../vault/memory.ts';
import { Device } from './device.ts';

let world: World;
let alpha: Organisation;

beforeEach(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'bob'])
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
});
afterEach(() => world[Symbol.asyncDispose]());

async function signIn(handle: string): Promise<Account> {
  const account = new Account(alpha.url);
  await account.signIn(handle, PASSWORD);
  return account;
}

test('it renews its certificate when two thirds of its time are over, for the same key, and not before', {
  timeout: 30_000,
}, async () => {
  const vault = new MemoryVault();
  const open = async (at: number) => {
    await alpha.stop();
    await alpha.start({ world: { ...WORLD, now: () => at } });
    const device = await Device.open({ account: await signIn('alice'), vault, name: 'Laptop', now: () => at });
    return { id: device.id, leaf: new X509Certificate(device.keys.certificates[0] ?? expect.fail()) };
  };
  const first = await open(Date.now());
  const [from, to] = [first.leaf.validFromDate.getTime(), first.leaf.validToDate.getTime()];
  const twoThirds = from + ((to - from) * 2) / 3;
  expect((await open(twoThirds - 60_000)).leaf.serialNumber).toBe(first.leaf.serialNumber);
  const renewed = await open(twoThirds + 60_000);
  expect(renewed.id).toBe(first.id);
  expect(renewed.leaf.validToDate.getTime()).toBeGreaterThan(to);
  expect(renewed.leaf.publicKey.equals(first.leaf.publicKey)).toBe(true);
});

test('it comes back also where its token has ended meanwhile', async () => {
  let at = Date.now();
  await alpha.stop();
  await alpha.start({ world: { ...WORLD, now: () => at } });
  const vault = new MemoryVault();
  const { id } = await Device.open({ account: await signIn('alice'), vault, name: 'Laptop' });
  const account = await signIn('alice');
  at += 3_600_000;
  expect((await Device.open({ account, vault, name: 'Laptop' })).id).toBe(id);
});

test('it brings new key packages when few are left', { timeout: 30_000 }, async () => {
  const [account, asking] = [await signIn('alice'), await signIn('bob')];
  using messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName: 'Laptop' });
  await Device.open({ account: asking, vault: new MemoryVault(), name: 'Phone' });
  await until(() => messenger.home.store.state.connected, 'she is connected');
  const left = async () => {
    const path = 'devices/current/key-packages';
    return (await account.call({ method: 'GET', path, answer: KeyPackageCount })).left;
  };
  const all = await left();
  const claim = () =>
    asking
      .call({ method: 'POST', path: 'key-packages/claim', body: { user: messenger.device.user }, answer: Claimed })
      .catch((error: unknown) => {
        if (!(error instanceof HawserError && error.code === 'HOME_SLOW_DOWN')) throw error;
      });
  while ((await left()) > FEW_KEY_PACKAGES) await claim();
  expect(await left()).toBe(FEW_KEY_PACKAGES);
  await claim();
  await until(async () => (await left()) === all, 'she brings more');
});
