import { expect, it } from 'vitest';
import type { Device } from '#signalling/devices.ts';
import type { Account } from '../account.ts';
import { MemoryVault } from '../vault/memory.ts';
import { OwnDevices } from './own-devices.ts';

const [own, laptop, phone] = ['own', 'laptop', 'phone'].map((name) => ({
  device: `mimi://alpha.example/u/alice/d/${name}`,
})) as [Device, Device, Device];
const ids = (devices: readonly Device[] = []) => devices.map(({ device }) => device.split('/').at(-1));

it('are asked for once more where one is added before they come, and that one is to be looked at', async () => {
  const vault = new MemoryVault();
  let asked = 0;
  const call = async () => {
    asked += 1;
    if (asked > 1) return { devices: [own, laptop, phone] };
    // Answered before it was added, and heard after that.
    mine.hear({ type: 'deviceAdded', device: phone });
    return { devices: [own, laptop] };
  };
  const account = { call } as unknown as Account;
  const mine = new OwnDevices({ account, vault, self: own.device });
  await mine.refresh();
  expect(ids(mine.store.state.devices)).toEqual(['own', 'laptop', 'phone']);
  expect(ids(mine.store.state.added)).toEqual(['phone']);
  const next = new OwnDevices({ account, vault, self: own.device });
  await next.refresh();
  expect(ids(next.store.state.added)).toEqual(['phone']);
  await next.acknowledge();
  await mine.refresh();
  expect(ids(mine.store.state.added)).toEqual([]);
});
