import { expect, test } from 'vitest';
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
