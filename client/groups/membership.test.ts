/** Members of a conversation and devices of its group are one truth: real devices on a real homeserver. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Delivery } from '#signalling/queue.ts';
import { TestDevice } from '../testing/test-device.ts';

let world: World;
let alpha: Organisation;
const devices: TestDevice[] = [];
/** One device each of alice, bob and carol, for all tests. */
let crew: readonly [TestDevice, TestDevice, TestDevice];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'bob', 'carol']) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
  crew = [await open('alice'), await open('bob'), await open('carol')];
});
afterAll(async () => {
  for (const device of crew) device.close();
  await world[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const device of crew) for (const list of [device.heard, device.troubles]) list.length = 0;
  for (const device of devices.splice(0)) {
    await device.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(device.device.id)}` });
    device.close();
  }
});

async function open(handle: string): Promise<TestDevice> {
  const device = await TestDevice.open(alpha.url, handle, PASSWORD);
  await until(() => device.home.store.state.connected, `${handle} is connected`);
  return device;
}

/** One more, for one test. */
async function deviceOf(handle: string): Promise<TestDevice> {
  const device = await open(handle);
  devices.push(device);
  return device;
}

/** A conversation with everybody's device in its group. */
async function three(): Promise<[TestDevice, TestDevice, TestDevice, ConversationId]> {
  const [alice, bob, carol] = crew;
  const users = [bob.device.user, carol.device.user];
  const { conversation } = await alice.home.createConversation('Rigging', users);
  await until(() => alice.home.store.state.conversations.some((each) => each.conversation === conversation), 'it');
  await alice.group(conversation).ready();
  await alice.group(conversation).addPeople(users);
  for (const each of [bob, carol]) {
    await until(async () => (await each.group(conversation).loaded())?.isMember ?? false, 'it is in');
  }
  return [alice, bob, carol, conversation];
}

const coded = (code: string) => expect.objectContaining({ code });
const members = async (device: TestDevice, conversation: ConversationId) =>
  (await device.group(conversation).loaded())?.members.map(({ identity }) => identity.device) ?? [];
const isWithout = async (device: TestDevice, conversation: ConversationId, gone: TestDevice) => {
  const there = await members(device, conversation);
  return there.length > 0 && !there.includes(gone.device.id);
};
const loaded = async (device: TestDevice, conversation: ConversationId) => {
  const group = await device.group(conversation).loaded();
  if (!group) throw new Error('not in the group');
  return group;
};
/** A commit that renews keys, made and not sent. */
async function commitOf(device: TestDevice, conversation: ConversationId) {
  const group = await loaded(device, conversation);
  await group.commit({}, 'request-of-a-test');
  const { pending } = group;
  if (!pending) throw new Error('no commit');
  return pending;
}

describe('whoever is removed', () => {
  test('fetches and sends nothing from that instant, hears nothing that comes later, and can come back', {
    timeout: 30_000,
  }, async () => {
    const [alice, bob, carol, conversation] = await three();
    await alice.say(conversation, 'to all');
    await until(() => bob.heard.length === 1 && carol.heard.length === 1, 'all');
    const { epoch = 0n } = await loaded(bob, conversation);
    const sealed = await (await loaded(bob, conversation)).send(new TextEncoder().encode('too late'));

    await alice.home.removeMember(conversation, bob.device.user);
    const late = { conversation, number: 1, message: toBase64Url(sealed) };
    await expect(bob.home.send(late)).rejects.toThrow(coded('HOME_NOT_FOUND'));
    await expect(bob.api.state(conversation)).rejects.toThrow(coded('HOME_NOT_FOUND'));
    // Of a time in which he was in it: a Welcome to it may still wait for his device.
    expect((await bob.api.tree(conversation, epoch)).length).toBeGreaterThan(0);
    await expect(carol.api.tree(conversation, epoch + 100n)).rejects.toThrow(coded('HOME_NOT_FOUND'));
    await expect(bob.api.turn(conversation)).rejects.toThrow(coded('HOME_NOT_FOUND'));

    await until(() => isWithout(carol, conversation, bob), 'carol follows');
    await alice.say(conversation, 'secret');
    await until(() => carol.heard.at(-1) === 'secret', 'secret');
    await until(async () => (await bob.group(conversation).loaded()) === undefined, 'his keys are gone');
    const { entries } = await bob.account.call({ method: 'GET', path: 'queue?after=0', answer: Delivery });
    expect(entries.at(-1)).toMatchObject({ kind: 'notice' });
    expect(bob.heard).toEqual(['to all']);

    await alice.home.addMember(conversation, bob.device.user);
    await alice.group(conversation).addPeople([bob.device.user]);
    await until(async () => (await bob.group(conversation).loaded())?.isMember ?? false, 'he is back');
    await carol.say(conversation, 'welcome back');
    await until(() => bob.heard.at(-1) === 'welcome back', 'he hears');
    await bob.say(conversation, 'thanks');
    await until(() => alice.heard.at(-1) === 'thanks' && carol.heard.at(-1) === 'thanks', 'he is heard');
    expect([alice, bob, carol].flatMap(({ troubles }) => troubles)).toEqual([]);
  });

  test('keeps what was taken of him before, also where the answer was lost', { timeout: 30_000 }, async () => {
    const [alice, bob, carol, conversation] = await three();
    const sealed = await (await loaded(bob, conversation)).send(new TextEncoder().encode('just in time'));
    const said = { conversation, number: 1, message: toBase64Url(sealed) };
    const taken = await bob.home.send(said);
    await alice.home.removeMember(conversation, bob.device.user);
    await until(() => isWithout(carol, conversation, bob), 'carol follows');
    expect(await bob.home.send(said)).toEqual(taken);
    await expect(bob.home.send({ ...said, number: 2 })).rejects.toThrow(coded('HOME_NOT_FOUND'));
    expect(carol.heard).toEqual(['just in time']);
  });

  test('is committed by another device where the first one has vanished', { timeout: 30_000 }, async () => {
    const [alice, bob, carol, conversation] = await three();
    await alice.home.changeRole(conversation, bob.device.user, 'admin');
    alice.group(conversation).close();
    await bob.home.removeMember(conversation, carol.device.user);
    await until(() => isWithout(bob, conversation, carol), 'bob commits', 10_000);
  });

  test('is proposed anew where the homeserver stopped before it could', { timeout: 30_000 }, async () => {
    const [alice, bob, carol, conversation] = await three();
    for (const each of [alice, bob]) each.group(conversation).close();
    await carol.home.leave(conversation);
    await until(async () => (await loaded(bob, conversation)).hasProposals, 'the proposal');
    await alpha.stop();
    await alpha.start();
    for (const each of [alice, bob]) await until(() => each.home.store.state.connected, 'again', 10_000);
    await bob.group(conversation).commitProposals();
    await until(() => isWithout(alice, conversation, carol), 'alice follows');
  });
});

test('with the last one out the group is gone, and nobody finds the conversation', async () => {
  const [alice, bob, carol, conversation] = await three();
  for (const each of [bob, carol, alice]) await each.home.leave(conversation);
  await until(() => alice.home.store.state.conversations.every((each) => each.conversation !== conversation), 'gone');
  await expect(alice.home.leave(conversation)).rejects.toThrow(coded('HOME_NOT_FOUND'));
  await until(async () => (await alice.group(conversation).loaded()) === undefined, 'no keys are left');
});

describe('the hub refuses', () => {
  test('a stale commit, with the epoch that there is; and stores the GroupInfo of the one that won', async () => {
    const [alice, bob, , conversation] = await three();
    const stale = await commitOf(bob, conversation);
    await alice.group(conversation).update();
    const { epoch = 0n } = await loaded(alice, conversation);
    await expect(bob.api.commit(conversation, stale)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
    const { status, answer } = await post(bob, `${groupPath(conversation)}/commits`, {
      ...{ id: stale.id, commit: toBase64Url(stale.commit), groupInfo: toBase64Url(stale.groupInfo) },
    });
    expect(status).toBe(409);
    expect(answer).toMatchObject({ code: 'MLS_EPOCH_PAST', epoch: Number(epoch) });
    const joining = await deviceOf('carol');
    await joining.home.refresh();
    await joining.group(conversation).ready();
    expect((await loaded(joining, conversation)).epoch).toBe(epoch + 1n);
  });

  test('a commit that leaves out what it proposed, or comes from somebody else', async () => {
    const [alice, bob, carol, conversation] = await three();
    for (const each of [alice, bob]) each.group(conversation).close();
    const phone = await deviceOf('bob');
    await phone.home.refresh();
    const commit = await commitOf(bob, conversation);
    await expect(phone.api.commit(conversation, commit)).rejects.toThrow(coded('HOME_FORBIDDEN'));
    await carol.home.leave(conversation);
    await expect(carol.api.commit(conversation, commit)).rejects.toThrow(coded('HOME_NOT_FOUND'));
    await until(async () => (await loaded(alice, conversation)).hasProposals, 'the proposal');
    await expect(bob.api.commit(conversation, commit)).rejects.toThrow(coded('MLS_PROPOSALS_PENDING'));
  });

  test('what is too old, what is no ciphertext, and what is of a device that is not in the group', async () => {
    const [alice, bob, , conversation] = await three();
    const group = await loaded(bob, conversation);
    const old = toBase64Url(await group.send(new TextEncoder().encode('old')));
    for (let round = 0; round < 2; round++) await alice.group(conversation).update();
    await bob.home.send({ conversation, number: 1, message: old });
    await until(() => alice.heard.at(-1) === 'old', 'two epochs back it is heard');
    await alice.group(conversation).update();
    const send = (device: TestDevice, message: string) => device.home.send({ conversation, number: 9, message });
    await expect(send(bob, old)).rejects.toThrow(coded('MLS_EPOCH_PAST'));
    await until(
      async () => (await loaded(bob, conversation)).epoch === (await loaded(alice, conversation)).epoch,
      'it',
    );
    const { commit } = await commitOf(bob, conversation);
    await expect(send(bob, toBase64Url(commit))).rejects.toThrow(coded('MLS_UNSUPPORTED'));
    await expect(send(bob, toBase64Url(new TextEncoder().encode('in clear')))).rejects.toThrow(coded('MLS_MALFORMED'));
    const fresh = toBase64Url(await (await loaded(alice, conversation)).send(fromBase64Url(old) ?? new Uint8Array()));
    const outside = await deviceOf('bob');
    await expect(send(outside, fresh)).rejects.toThrow(coded('MLS_NOT_MEMBER'));
  });
});

test('each device that is added gets its Welcome; what one says comes to all his devices but that one', async () => {
  const [[alice, bob], phone, tablet] = [crew, await deviceOf('alice'), await deviceOf('bob')];
  const { conversation } = await alice.home.createConversation('Rigging', [bob.device.user]);
  await until(() => alice.home.store.state.conversations.some((each) => each.conversation === conversation), 'it');
  await alice.group(conversation).ready();
  await alice.group(conversation).addPeople([bob.device.user, alice.device.user]);
  for (const each of [phone, bob, tablet]) {
    await until(async () => (await each.group(conversation).loaded())?.isMember ?? false, 'it is in');
    // Of the one commit: nobody had to join by himself.
    expect((await loaded(each, conversation)).epoch).toBe(1n);
  }
  await bob.say(conversation, 'hear');
  await until(() => [alice, phone, tablet].every(({ heard }) => heard.at(-1) === 'hear'), 'all others');
  await tablet.say(conversation, 'hear more');
  await until(() => [alice, phone, bob].every(({ heard }) => heard.at(-1) === 'hear more'), 'all others');
  expect([bob.heard, tablet.heard]).toEqual([['hear more'], ['hear']]);
});

const groupPath = (conversation: ConversationId) => `conversations/${encodeURIComponent(conversation)}/group`;

/** The answer as it is on the wire. */
async function post(device: TestDevice, path: string, body: object) {
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${await device.account.accessToken()}`,
  };
  const response = await fetch(`${alpha.url}/api/v1/${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  return { status: response.status, answer: (await response.json()) as unknown };
}
