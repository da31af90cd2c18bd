/** Many devices in one group that all commit at once: one order comes of it, and the same keys for all. */
import { expect, test } from 'vitest';
import { organise, PASSWORD } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { TestDevice } from '../testing/test-device.ts';
import { MemoryVault } from '../vault/memory.ts';

/** Each person has five. `HAWSER_CROWD` for another number: each takes each commit in, so that the work of this one process grows with its square. */
const DEVICES = Number(process.env.HAWSER_CROWD ?? 30);
const OF_ONE = 5;

test(`${DEVICES} devices that all commit at once end in one epoch with the same keys`, {
  timeout: 300_000,
}, async () => {
  await using world = await organise('alpha.example');
  const [alpha] = world.organisations;
  if (!alpha) throw new Error('no organisation');
  const handles = Array.from({ length: DEVICES / OF_ONE }, (_, number) => `person${number}`);
  for (const handle of handles) await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  const devices: TestDevice[] = [];
  try {
    for (const handle of handles) {
      for (let number = 0; number < OF_ONE; number++)
        devices.push(await TestDevice.open(alpha.url, handle, PASSWORD, new MemoryVault(), 1));
    }
    await until(() => devices.every(({ home }) => home.store.state.connected), 'all are connected', 60_000);
    const [first] = devices as [TestDevice];
    const users = [...new Set(devices.map(({ device }) => device.user))];
    const { conversation } = await first.home.createConversation('Crowd', users);
    await until(() => first.home.store.state.conversations.length === 1, 'it');
    const groups = devices.map((device) => device.group(conversation));
    await groups[0]?.ready();
    await groups[0]?.addPeople(users);
    const loaded = async () =>
      (await Promise.all(groups.map((group) => group.loaded()))).filter((each) => each?.isMember);
    await until(async () => (await loaded()).length === DEVICES, 'all are in', 60_000);
    const began = performance.now();
    await Promise.all(groups.map((group) => group.update()));
    const exported = async () => {
      const keys = (await loaded()).map((group) => group?.export('hawser test', new Uint8Array(), 32));
      return new Set((await Promise.all(keys)).map((key) => Buffer.from(key ?? []).toString('hex')));
    };
    await until(async () => (await exported()).size === 1, 'one epoch', 120_000);
    console.info(`${DEVICES} commits at once: ${Math.round(performance.now() - began)} ms`);
    const [one] = await loaded();
    // Each got in: the one that let all in, and one of each device.
    expect(one?.epoch).toBe(BigInt(DEVICES + 1));
    expect(devices.flatMap(({ troubles }) => troubles)).toEqual([]);
  } finally {
    for (const device of devices) device.close();
  }
});
