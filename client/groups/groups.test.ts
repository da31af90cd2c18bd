import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { TestDevice } from '../testing/test-device.ts';

let world: World;
let alpha: Organisation;
const devices: TestDevice[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'bob', 'carol']) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const device of devices.splice(0)) device.close();
});

async function deviceOf(handle: string): Promise<TestDevice> {
  const device = await TestDevice.open(alpha.url, handle, PASSWORD);
  devices.push(device);
  await until(() => device.home.store.state.connected, `${handle} is connected`);
  return device;
}

async function converse(creator: TestDevice, ...others: TestDevice[]): Promise<ConversationId> {
  const users = [...new Set(others.map(({ device }) => device.user))];
  const { conversation } = await creator.home.createConversation('Rigging', users);
  await until(() => creator.home.store.state.conversations.some((each) => each.conversation === conversation), 'it');
  await creator.group(conversation).ready();
  if (users.length > 0) await creator.group(conversation).addPeople(users);
  return conversation;
}

const epochOf = async (device: TestDevice, conversation: ConversationId) =>
  (await device.group(conversation).loaded())?.epoch;

test('it is one, however many ask for it at once after a start', async () => {
  const first = await deviceOf('alice');
  const conversation = await converse(first);
  first.close();
  const again = await TestDevice.open(alpha.url, 'alice', PASSWORD, first.vault);
  devices.push(again);
  const group = again.group(conversation);
  const all = await Promise.all([group.loaded(), group.loaded(), group.loaded()]);
  expect(all[0]?.isMember).toBe(true);
  expect(new Set(all).size).toBe(1);
});

test('two people write to each other', async () => {
  const [alice, bob] = [await deviceOf('alice'), await deviceOf('bob')];
  const conversation = await converse(alice, bob);
  await alice.say(conversation, 'Ahoy');
  await until(() => bob.heard.length === 1, 'the first message');
  await bob.say(conversation, 'Ahoy yourself');
  await until(() => alice.heard.length === 1, 'the answer');
  expect([alice.heard, bob.heard]).toEqual([['Ahoy yourself'], ['Ahoy']]);
  expect([...alice.troubles, ...bob.troubles]).toEqual([]);
});

test('everybody on all devices hears, and a new device joins by itself and hears what comes from then on', async () => {
  const [alice, phone, bob] = [await deviceOf('alice'), await deviceOf('alice'), await deviceOf('bob')];
  const conversation = await converse(alice, bob);
  await until(async () => (await bob.group(conversation).loaded())?.isMember, 'bob is in');
  await phone.home.refresh();
  await phone.group(conversation).ready();
  await bob.say(conversation, 'to both');
  await until(() => alice.heard.length === 1 && phone.heard.length === 1, 'both');
  const late = await deviceOf('bob');
  await late.group(conversation).ready();
  await alice.say(conversation, 'to three');
  await until(() => [phone, bob, late].every(({ heard }) => heard.at(-1) === 'to three'), 'three');
  expect(late.heard).toEqual(['to three']);
  await until(async () => (await epochOf(alice, conversation)) === (await epochOf(late, conversation)), 'one epoch');
});

describe('the hub', () => {
  test('shuts a removed device out, and it cannot read what comes', async () => {
    const [alice, bob, stolen] = [await deviceOf('alice'), await deviceOf('bob'), await deviceOf('bob')];
    const conversation = await converse(alice, bob);
    await stolen.home.refresh();
    await stolen.group(conversation).ready();
    await alice.say(conversation, 'to all');
    await until(() => stolen.heard.length === 1 && bob.heard.length === 1, 'all');
    await bob.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(stolen.device.id)}` });
    await expect(stolen.say(conversation, 'from the thief')).rejects.toThrow();
    const isOut = async (device: TestDevice) => {
      const members = (await device.group(conversation).loaded())?.members ?? [];
      return members.length > 0 && !members.some(({ identity }) => identity.device === stolen.device.id);
    };
    await until(async () => (await isOut(alice)) && (await isOut(bob)), 'the removal');
    await alice.say(conversation, 'secret');
    await until(() => bob.heard.at(-1) === 'secret', 'secret');
    expect(stolen.heard).toEqual(['to all']);
  });

  test('takes one commit of many that come at once, and all end in one epoch', { timeout: 60_000 }, async () => {
    const people = await Promise.all(['alice', 'bob', 'carol', 'alice', 'bob', 'carol'].map(deviceOf));
    const [first] = people as [TestDevice];
    const conversation = await converse(first, ...people.slice(1, 3));
    for (const device of people) await device.home.refresh();
    await Promise.all(people.map((device) => device.group(conversation).ready()));
    await Promise.all(people.map((device) => device.group(conversation).update()));
    const converged = async () => {
      const groups = await Promise.all(people.map((device) => device.group(conversation).loaded()));
      const codes = groups.map((group) => Buffer.from(group?.epochAuthenticator ?? []).toString('hex'));
      const present = new Set(groups[0]?.members.map(({ identity }) => identity.device));
      return new Set(codes).size === 1 && people.every(({ device }) => present.has(device.id));
    };
    await until(converged, 'one epoch', 40_000);
    await first.say(conversation, 'all here?');
    await until(() => people.slice(1).every(({ heard }) => heard.at(-1) === 'all here?'), 'everybody');
    expect(people.flatMap(({ troubles }) => troubles)).toEqual([]);
  });
});
