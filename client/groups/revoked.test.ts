/** A device is removed from its account, and is a leaf of the group until somebody commits its removal: nobody is shut out meanwhile. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import { toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Device } from '../device/device.ts';
import { Crew } from '../testing/crew.ts';
import type { TestDevice } from '../testing/test-device.ts';

let crew: Crew;

beforeAll(async () => {
  crew = await Crew.gather();
});
afterAll(() => crew[Symbol.asyncDispose]());
afterEach(() => crew.rest());

async function isIn(device: TestDevice, conversation: ConversationId, other: TestDevice): Promise<boolean> {
  const members = (await device.group(conversation).loaded())?.members ?? [];
  return members.some(({ identity }) => identity.device === other.device.id);
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof HawserError ? error.code : `${error}`),
  );

test('while nobody is there: the next one joins, takes it out and is heard by all, and it reads nothing of that', {
  timeout: 60_000,
}, async () => {
  const [alice, stolen, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('alice'), await crew.deviceOf('bob')];
  const conversation = await crew.converse(alice, bob);
  await alice.says(conversation, 'before');
  for (const each of [stolen, bob]) await until(() => each.heard.length === 1, 'before');
  // What was written with keys that the thief has, and is not sent yet.
  const group = await bob.group(conversation).loaded();
  const early = toBase64Url((await group?.send(new TextEncoder().encode('too early'))) ?? new Uint8Array());
  for (const each of crew.devices) each.close();
  await alice.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(stolen.device.id)}` });
  // Nothing waits for it any more.
  const database = new DatabaseSync(join(crew.alpha.site.data, 'homeserver.sqlite'), { readOnly: true });
  for (const table of ['queues', 'subscriptions']) {
    const { count } = database
      .prepare(`SELECT count(*) AS count FROM ${table} WHERE device_id = ?`)
      .get(stolen.device.id) as { count: number };
    expect(count, table).toBe(0);
  }
  database.close();

  const back = await crew.deviceOf('bob', bob.vault);
  // Neither while the removal waits nor afterwards.
  const refused = await codeOf(back.home.send({ conversation, number: 1, message: early }));
  expect(['MLS_PROPOSALS_PENDING', 'MLS_EPOCH_PAST']).toContain(refused);
  await until(async () => !(await isIn(back, conversation, stolen)), 'whoever comes back takes it out');
  expect(await codeOf(back.home.send({ conversation, number: 1, message: early }))).toBe('MLS_EPOCH_PAST');
  back.close();

  // Nor is it in the way of one that is new. (Nobody is there again.)
  const other = await crew.deviceOf('carol');
  await alice.account.call({
    method: 'POST',
    path: `conversations/${encodeURIComponent(conversation)}/members`,
    body: { user: other.device.user },
  });
  await other.home.refresh();
  await other.group(conversation).ready();
  await other.says(conversation, 'from carol');
  const again = [await crew.deviceOf('alice', alice.vault), await crew.deviceOf('bob', bob.vault)];
  for (const each of again) await until(() => each.heard.at(-1) === 'from carol', 'from carol');
  for (const entry of [...back.entries, ...other.entries])
    await codeOf(stolen.group(conversation).take(entry, () => new Map()));
  expect(stolen.heard).toEqual(['before']);
  expect(crew.devices.flatMap(({ troubles }) => troubles)).toEqual([]);
});

test('a new device joins a group with a removed one in it, and says nothing before it is out', {
  timeout: 60_000,
}, async () => {
  const [alice, stolen, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('alice'), await crew.deviceOf('bob')];
  const conversation = await crew.converse(alice, bob);
  await alice.says(conversation, 'before');
  for (const each of [stolen, bob]) await until(() => each.heard.length === 1, 'before');
  for (const each of crew.devices) each.close();
  await alice.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(stolen.device.id)}` });

  const late = await crew.deviceOf('bob');
  await late.home.refresh();
  const group = await late.group(conversation).ready();
  expect(await isIn(late, conversation, stolen)).toBe(true);
  // The device sees it by itself, whether the hub proposed its removal or not.
  expect((await group.lapsed()).map(({ identity }) => identity.device)).toEqual([stolen.device.id]);
  await late.says(conversation, 'after');
  expect(await isIn(late, conversation, stolen)).toBe(false);
  const again = [await crew.deviceOf('alice', alice.vault), await crew.deviceOf('bob', bob.vault)];
  for (const each of again) {
    await until(() => each.heard.at(-1) === 'after', 'after');
    expect(await isIn(each, conversation, stolen)).toBe(false);
  }
  await again[1]?.says(conversation, 'all of us');
  for (const each of [late, again[0]]) await until(() => each?.heard.at(-1) === 'all of us', 'all of us');

  // The thief has everything that went over the wire.
  const met: string[] = [];
  for (const entry of again[0]?.entries ?? [])
    met.push(await codeOf(stolen.group(conversation).take(entry, () => new Map())));
  expect(met.at(-1)).toBe('MLS_NOT_MEMBER');
  expect(stolen.heard).toEqual(['before']);
  expect(crew.devices.flatMap(({ troubles }) => troubles)).toEqual([]);
});

test('whoever was added while it was a member, and comes when it is not any more, misses nothing', {
  timeout: 60_000,
}, async () => {
  const [alice, stolen, carol] = [
    await crew.deviceOf('alice'),
    await crew.deviceOf('alice'),
    await crew.deviceOf('carol'),
  ];
  carol.close();
  const conversation = await crew.converse(alice, carol);
  await alice.says(conversation, 'one');
  await until(() => stolen.heard.length === 1, 'one');
  await alice.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(stolen.device.id)}` });
  await until(async () => !(await isIn(alice, conversation, stolen)), 'it is out');
  await alice.says(conversation, 'two');
  const back = await crew.deviceOf('carol', carol.vault);
  await until(() => back.heard.length === 2, 'both');
  expect(back.heard).toEqual(['one', 'two']);
  expect(back.troubles).toEqual([]);
});

test('whoever was away while a device joined, committed and was removed follows all of that and misses nothing', {
  timeout: 60_000,
}, async () => {
  const [alice, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('bob')];
  const conversation = await crew.converse(alice, bob);
  await alice.says(conversation, 'one');
  await until(() => bob.heard.length === 1, 'one');
  bob.close();
  const other = await crew.deviceOf('alice');
  await other.home.refresh();
  await other.group(conversation).ready();
  await other.group(conversation).update();
  await other.says(conversation, 'two');
  await until(() => alice.heard.at(-1) === 'two', 'two');
  await alice.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(other.device.id)}` });
  await until(async () => !(await isIn(alice, conversation, other)), 'it is out');
  await alice.says(conversation, 'three');
  const back = await crew.deviceOf('bob', bob.vault);
  await until(() => back.heard.length === 2, 'both');
  expect(back.heard).toEqual(['two', 'three']);
  expect(back.troubles).toEqual([]);
});

test('what a crash of the homeserver left undone of a removal is done when the next one joins', {
  timeout: 60_000,
}, async () => {
  const [alice, stolen, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('alice'), await crew.deviceOf('bob')];
  const conversation = await crew.converse(alice, bob);
  await alice.says(conversation, 'before');
  await until(() => stolen.heard.length === 1 && bob.heard.length === 1, 'before');
  for (const each of crew.devices) each.close();
  await crew.alpha.stop();
  // The device is gone and its certificates are revoked, and no group has heard of it.
  const database = new DatabaseSync(join(crew.alpha.site.data, 'homeserver.sqlite'));
  const { id } = stolen.device;
  database.prepare('UPDATE device_certificates SET revoked_at = ? WHERE device_id = ?').run(Date.now(), id);
  database.prepare('DELETE FROM sessions WHERE device_id = ?').run(id);
  database.prepare('DELETE FROM devices WHERE device_id = ?').run(id);
  database.close();
  await crew.alpha.start();
  const late = await crew.deviceOf('bob');
  await late.home.refresh();
  await late.group(conversation).ready();
  await late.says(conversation, 'after');
  expect(await isIn(late, conversation, stolen)).toBe(false);
  const back = await crew.deviceOf('alice', alice.vault);
  await until(() => back.heard.at(-1) === 'after', 'after');
});

test('a device shows its new certificates in its groups', { timeout: 60_000 }, async () => {
  const [alice, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('bob')];
  const conversation = await crew.converse(alice, bob);
  await until(async () => (await bob.group(conversation).loaded())?.isMember, 'bob is in');
  alice.close();
  const [old] = alice.device.keys.certificates;
  const early = await crew.deviceOf('alice', alice.vault);
  early.close();
  const { account, vault } = early;
  // Certificates count in seconds, and of two that end at the same one either is the newest.
  const second = Math.floor(Date.now() / 1_000);
  await until(() => Math.floor(Date.now() / 1_000) > second, 'the next second');
  // At a time at which two thirds of the life of the old ones are over; for its key packages it really is too early.
  const opening = Device.open({ account, vault, name: 'Test', now: () => Date.now() + 61 * 86_400_000 });
  expect(await codeOf(opening)).toBe('HOME_BAD_KEY_PACKAGE');
  const again = await crew.deviceOf('alice', alice.vault);
  expect(again.device.keys.certificates[0]).not.toEqual(old);
  await again.group(conversation).renew();
  expect((await again.group(conversation).loaded())?.shows(again.device.keys.certificates)).toBe(true);
  await again.says(conversation, 'renewed');
  await until(() => bob.heard.at(-1) === 'renewed', 'bob follows');
  const { epoch } = (await again.group(conversation).loaded()) ?? {};
  await again.group(conversation).renew();
  expect((await again.group(conversation).loaded())?.epoch).toBe(epoch);
});
