import { expect, test } from 'vitest';
import type { Comparison } from '#client/content/content.ts';
import type { Changes } from '#mls/journal.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, UserId } from '#signalling/ids.ts';
import { MemoryVault } from '../vault/memory.ts';
import { trustOf, Verification } from './verification.ts';

const BOB = 'mimi://beta.example/u/bob' as UserId;
const seen = (name: string, letter: string) => ({
  device: `${BOB}/d/${name}` as DeviceId,
  fingerprint: `${letter.repeat(42)}A`,
});

test('a person is verified until he has a device, or a key, that was not compared', async () => {
  const vault = new MemoryVault();
  const verification = await Verification.open(vault);
  const [laptop, phone] = [seen('laptop', 'B'), seen('phone', 'C')];
  const trust = (devices = [laptop]) => trustOf(verification.store.state, devices, BOB);
  expect(trust()).toBe('unverified');
  await verification.verify([laptop]);
  expect(trust()).toBe('verified');
  expect(trust([laptop, phone])).toBe('partly');
  expect(trust([seen('laptop', 'D')])).toBe('partly');
  expect(trust([])).toBe('partly');
  const again = await Verification.open(vault);
  expect(trustOf(again.store.state, [laptop], BOB)).toBe('verified');
  await again.withdraw(BOB);
  expect(trustOf((await Verification.open(vault)).store.state, [laptop], BOB)).toBe('unverified');
});

test('what could not be told is told later, and only a device that was compared is believed', async () => {
  const alice = 'mimi://alpha.example/u/alice' as UserId;
  const own = (name: string, letter: string) => ({ ...seen(name, letter), device: `${alice}/d/${name}` as DeviceId });
  const [self, other, thief, bob] = [own('a', 'A'), own('b', 'B'), own('c', 'C'), seen('phone', 'D')];
  const vault = new MemoryVault();
  const told: Comparison[] = [];
  let isOnline = false;
  const tell = async (comparison: Comparison, also: () => Changes) => {
    if (!isOnline) throw new HawserError('SIG_UNREACHABLE');
    told.push(comparison);
    await vault.write(also());
  };
  const before = await Verification.open(vault, tell);
  await before.verify([other]);
  expect(trustOf(before.store.state, [other], alice)).toBe('verified');
  isOnline = true;
  const verification = await Verification.open(vault, tell);
  verification.tellWaiting();
  await expect.poll(() => told).toEqual([{ devices: [other] }]);
  verification.tellWaiting();

  await verification.take(thief, { devices: [bob] }, self);
  expect(trustOf(verification.store.state, [bob], BOB)).toBe('unverified');
  await verification.take({ ...other, fingerprint: thief.fingerprint }, { devices: [bob] }, self);
  expect(trustOf(verification.store.state, [bob], BOB)).toBe('unverified');
  // It says that it trusts this device, and is told all, once.
  for (let times = 0; times < 2; times++) await verification.take(other, { devices: [bob, self] }, self);
  expect(trustOf(verification.store.state, [bob], BOB)).toBe('verified');
  await expect.poll(() => told.length).toBe(2);
  expect(told.at(-1)?.devices).toHaveLength(3);
  await verification.take(other, { devices: [], withdrawn: BOB }, self);
  expect(trustOf(verification.store.state, [bob], BOB)).toBe('unverified');
  expect(trustOf((await Verification.open(vault)).store.state, [bob], BOB)).toBe('unverified');
});
