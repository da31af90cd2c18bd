/** An account is deleted: what is left of a person, in two organisations, with real devices, and where the process is killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestDevice } from '#client/testing/test-device.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { parseNotice } from '#signalling/notice.ts';
import { type Organisation, organise, PASSWORD, type World } from './testing/organisation.ts';
import { Person, Refused } from './testing/person.ts';
import { HomeserverProcess } from './testing/process.ts';
import { rowsOf } from './testing/saved.ts';
import { until } from './testing/world.ts';

let world: World;
let [alpha, beta]: Organisation[] = [];
let handles = 0;
const devices: TestDevice[] = [];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations;
});
afterEach(() => {
  for (const device of devices.splice(0)) device.close();
});
afterAll(() => world[Symbol.asyncDispose]());

const both = (): [Organisation, Organisation] => {
  if (!alpha || !beta) throw new Error('nobody is there');
  return [alpha, beta];
};
const newHandle = (name: string) => {
  handles += 1;
  return `${name}${handles}`;
};
const deleted = async ({ admin }: Organisation, { session }: Person) => {
  const answer = await fetch(`${admin}/admin/v1/accounts/${session.user.handle}`, { method: 'DELETE' });
  expect(answer.status).toBe(204);
};
const seen = (person: Person, id: ConversationId) =>
  until(async () => (await person.conversations()).find(({ conversation }) => conversation === id), 'conversation');
const isWithout = (person: Person, id: ConversationId, user: UserId) =>
  until(async () => !(await person.conversation(id)).members.some((each) => each.user === user), `without ${user}`);

/** One of alpha who goes, one who stays, and one of beta; a conversation of either hub with all of them. */
async function crew() {
  const [alpha, beta] = both();
  const [gone, stays, far] = [
    await alpha.person(newHandle('gone')),
    await alpha.person(newHandle('stays')),
    await beta.person(newHandle('far')),
  ];
  const own = (await gone.create('Ropes', stays.id, far.id)).conversation;
  const theirs = (await far.create('Knots', gone.id, stays.id)).conversation;
  await seen(far, own);
  await seen(gone, theirs);
  await seen(stays, theirs);
  return { gone, stays, far, own, theirs };
}

test('whoever is deleted is out of all conversations and calls, whichever domain is the hub', async () => {
  const [alpha] = both();
  const { gone, stays, far, own, theirs } = await crew();
  const here = await gone.call(own);
  const there = await far.call(theirs);
  const other = await until(() => gone.ticket(theirs).catch(() => undefined), 'a ticket');
  alpha.sft.presence(here.call.conference, [here.participant]);
  alpha.sft.presence(there.call.conference, [other.participant]);
  for (const id of [own, theirs]) {
    await until(async () => (await stays.conversation(id)).call?.members.length === 1, 'is in the call');
  }
  await deleted(alpha, gone);
  for (const person of [stays, far]) for (const id of [own, theirs]) await isWithout(person, id, gone.id);
  for (const { participant } of [here, other]) {
    await until(() => alpha.sft.removed.includes(participant), 'is put out of the call');
  }
  for (const id of [own, theirs]) expect((await stays.conversation(id)).call?.members ?? []).toEqual([]);
  // The last who administered is gone: whoever has been there longest does now.
  expect((await far.conversation(own)).members).toMatchObject([{ user: stays.id, role: 'admin' }, { role: 'member' }]);
  expect((await stays.conversation(theirs)).members).toMatchObject([
    { user: far.id, role: 'admin' },
    { user: stays.id },
  ]);
  const address = `@${gone.session.user.handle}@alpha.example`;
  for (const person of [stays, far])
    await expect(person.find(address)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  const { handle } = gone.session.user;
  const again = alpha.homeserver.createAccount({ handle, name: 'Mallory', password: PASSWORD });
  await expect(again).rejects.toMatchObject({ code: 'HOME_HANDLE_TAKEN' });
  await until(() => !gone.isListening, 'the own connection ends');
});

test('a hub that cannot be reached is told later, and meanwhile there is no way into its calls', async () => {
  const [alpha, beta] = both();
  const { gone, far, theirs } = await crew();
  const { call } = await far.call(theirs);
  const first = await until(() => gone.ticket(theirs).catch(() => undefined), 'a ticket');
  const later = await gone.ticket(theirs);
  alpha.sft.presence(call.conference, [first.participant]);
  await until(async () => (await far.conversation(theirs)).call?.members.length === 1, 'is in the call');
  await beta.stop();
  await deleted(alpha, gone);
  await until(() => alpha.sft.removed.includes(first.participant), 'is put out');
  alpha.sft.presence(call.conference, [later.participant]);
  await until(() => alpha.sft.removed.includes(later.participant), 'and again');
  alpha.sft.presence(call.conference, []);
  await alpha.stop();
  await alpha.start();
  await beta.start();
  const back = await Person.signIn(beta.url, far.session.user.handle, PASSWORD);
  await isWithout(back, theirs, gone.id);
  back.close();
  await alpha.connectSft();
  await beta.connectSft();
});

test('devices of the others are told, take the keys away, and go on; nothing waits for who is gone', async () => {
  const [alpha] = both();
  const open = async (name: string): Promise<TestDevice> => {
    const handle = newHandle(name);
    await alpha.homeserver.createAccount({ handle, name, password: PASSWORD });
    const device = await TestDevice.open(alpha.url, handle, PASSWORD);
    devices.push(device);
    await until(() => device.home.store.state.connected, `${name} is connected`);
    return device;
  };
  const [alice, bob, carol] = [await open('alice'), await open('bob'), await open('carol')];
  const users = [bob.device.user, carol.device.user];
  const { conversation } = await alice.home.createConversation('Rigging', users);
  await alice.home.refresh();
  await alice.group(conversation).ready();
  await alice.group(conversation).addPeople(users);
  await alice.says(conversation, 'before');
  for (const each of [bob, carol]) await until(() => each.heard.length === 1, 'before');
  const known = alice.entries.length;

  await carol.account.call({ method: 'POST', path: 'me/removal', body: { password: PASSWORD } });
  const isOut = async (device: TestDevice) => {
    const members = (await device.group(conversation).loaded())?.members ?? [];
    return !members.some(({ identity }) => identity.device === carol.device.id);
  };
  for (const each of [alice, bob]) await until(() => isOut(each), 'her keys are out');
  await bob.says(conversation, 'after');
  await until(() => alice.heard.includes('after'), 'after');
  const notices = alice.entries
    .filter(({ kind }) => kind === 'notice')
    .map(({ payload }) => parseNotice(payload).change);
  expect(notices.at(-1)).toMatchObject({ type: 'left', who: { user: carol.device.user, name: 'carol' } });
  // She has all that went over the wire.
  for (const entry of alice.entries.slice(known)) {
    await carol
      .group(conversation)
      .take(entry, () => new Map())
      .catch(() => undefined);
  }
  expect(carol.heard).toEqual(['before']);
  expect([...alice.troubles, ...bob.troubles]).toEqual([]);

  for (const each of [alice, bob]) each.close();
  await alpha.stop();
  const rows = await rowsOf(alpha.site);
  await alpha.start();
  await alpha.connectSft();
  const naming = Object.entries(rows).filter(([, some]) => JSON.stringify(some).includes(`${carol.device.user}"`));
  expect(naming.map(([table]) => table)).toEqual(['retired_handles']);
  const ofDevice = Object.entries(rows).filter(([, some]) => JSON.stringify(some).includes(carol.device.id));
  // What was revoked is listed for as long as it would be valid.
  expect(ofDevice.map(([table]) => table)).toEqual(['device_certificates']);
});

test('groups end while the keys of a device are to be taken out of them, and nothing fails', {
  timeout: 60_000,
}, async () => {
  const [alpha] = both();
  const handle = newHandle('hermit');
  await alpha.homeserver.createAccount({ handle, name: 'Hermit', password: PASSWORD });
  const open = async () => {
    const device = await TestDevice.open(alpha.url, handle, PASSWORD);
    devices.push(device);
    await until(() => device.home.store.state.connected, 'is connected');
    return device;
  };
  const [laptop, phone] = [await open(), await open()];
  const caves: ConversationId[] = [];
  for (let i = 0; i < 6; i++) {
    const { conversation } = await laptop.home.createConversation('Cave', []);
    await laptop.home.refresh();
    await laptop.group(conversation).ready();
    await laptop.group(conversation).addPeople([laptop.device.user]);
    caves.push(conversation);
  }
  const path = `devices/${encodeURIComponent(phone.device.id)}`;
  const remove = laptop.account.call({ method: 'DELETE', path });
  await Promise.all([remove, ...caves.map((cave) => laptop.home.leave(cave))]);
  // Both are answered when all of it is done.
  expect(alpha.logged.filter((line) => line.includes('"fault"'))).toEqual([]);
});

test('killed in the midst of it, a homeserver finishes it when it starts again, or has not begun', {
  timeout: 180_000,
}, async () => {
  const [alpha] = both();
  const stays = await alpha.person(newHandle('stays'));
  const [first, second] = [await alpha.person(newHandle('gone')), await alpha.person(newHandle('gone'))];
  for (let i = 0; i < 25; i++) await first.create('Ropes', stays.id, second.id);
  await alpha.stop();
  {
    // The account is gone, and conversations are being left.
    await using running = await HomeserverProcess.start(alpha.site, world.folder);
    await deleted(alpha, first);
    await running.kill();
  }
  {
    // Somewhere before that, or after.
    await using running = await HomeserverProcess.start(alpha.site, world.folder);
    const request = deleted(alpha, second).catch(() => undefined);
    await sleep(3);
    await running.kill();
    await request;
  }
  await alpha.start();
  await alpha.connectSft();
  const left = async ({ id }: Person) =>
    (await stays.conversations()).filter(({ members }) => members.some(({ user }) => user === id)).length;
  await until(async () => (await left(first)) === 0, 'out of all');
  const found = await stays.find(`@${second.session.user.handle}@alpha.example`).catch((error: unknown) => error);
  const isGone = found instanceof Refused && found.code === 'HOME_NOT_FOUND';
  await until(async () => (await left(second)) === (isGone ? 0 : 25), 'out of all, or of none');
});
