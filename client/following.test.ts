import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Account } from './account.ts';
import type { Content } from './content/content.ts';
import { Following } from './following.ts';
import { Messenger } from './messenger.ts';
import { MemoryVault } from './vault/memory.ts';

let world: World;
let alpha: Organisation;
const open: { close(): void }[] = [];
const faults: unknown[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'bob']) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const each of open.splice(0).reverse()) each.close();
  expect(faults.splice(0)).toEqual([]);
});

async function follow(handle: string, vault = new MemoryVault()) {
  const account = new Account(alpha.url);
  await account.signIn(handle, PASSWORD);
  const onFault = (error: unknown) => faults.push(error);
  const messenger = await Messenger.open({ account, vault, deviceName: `Test of ${handle}`, onFault });
  const following = new Following(messenger, onFault);
  open.push(messenger, following);
  await until(() => messenger.home.store.state.connected, `${handle} is connected`);
  return { messenger, following, user: messenger.device.user, vault };
}

type Person = Awaited<ReturnType<typeof follow>>;

const text = (said: string, expires?: { after: number }): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'markdown', text: said } },
  ...(expires && { expires }),
});

const summary = ({ following }: Person, conversation: ConversationId) => following.store.state.get(conversation);

function lastOf(person: Person, conversation: ConversationId): string | undefined {
  const last = summary(person, conversation)?.last;
  return last?.kind === 'message' && last.body?.kind === 'text' ? last.body.text.text : undefined;
}

const hears = (person: Person, conversation: ConversationId, said: string) =>
  until(() => lastOf(person, conversation) === said, `${person.user} hears ${said}`);

test('a new device joins every conversation by itself, and the others are told of it', {
  timeout: 60_000,
}, async () => {
  const [alice, bob] = [await follow('alice'), await follow('bob')];
  await alice.messenger.devices.refresh();
  const { conversation } = await alice.messenger.create('New device', [bob.user]);
  await alice.messenger.say(conversation, text('before'));
  await hears(bob, conversation, 'before');
  const phone = await follow('alice');
  await until(async () => (await (await phone.messenger.messages(conversation)).group.loaded())?.isMember, 'it is in');
  await bob.messenger.say(conversation, text('after'));
  await hears(phone, conversation, 'after');
  const { group } = await phone.messenger.messages(conversation);
  expect(await group.since()).toBe((await group.loaded())?.epoch);
  await group.rejoin();
  expect(await group.since()).toBeLessThan((await group.loaded())?.epoch ?? 0n);
  for (const each of [alice, bob]) {
    expect(await (await each.messenger.messages(conversation)).group.since()).toBeLessThanOrEqual(1n);
  }
  const added = () => alice.messenger.devices.store.state.added.map(({ device }) => device);
  await until(() => added().includes(phone.messenger.device.id), 'alice is told');
  // Also after a start, until it was acknowledged.
  const { devices } = alice.messenger;
  await devices.refresh();
  expect(added()).toEqual([phone.messenger.device.id]);
  await devices.acknowledge();
  await devices.refresh();
  expect(added()).toEqual([]);
  await devices.remove(phone.messenger.device.id);
  await until(() => phone.messenger.home.store.state.connected === false, 'the removed one is out');
});

test('messages of all conversations are found by their words, as they are now, and vanish in time', {
  timeout: 60_000,
}, async () => {
  const [alice, bob] = [await follow('alice'), await follow('bob')];
  const one = (await alice.messenger.create('One', [bob.user])).conversation;
  const two = (await alice.messenger.create('Two', [bob.user])).conversation;
  const id = await alice.messenger.say(one, text('the **mizzen** mast'));
  await alice.messenger.say(two, text('mizzen sail', { after: 1 }));
  await hears(bob, two, 'mizzen sail');
  await hears(bob, one, 'the **mizzen** mast');
  const where = (person: Person, query: string) =>
    person.following
      .search(query)
      .map(({ conversation }) => conversation)
      .sort();
  expect(where(bob, 'MIZZ')).toEqual([one, two].sort());
  await alice.messenger.say(one, {
    kind: 'edit',
    target: id,
    body: { kind: 'text', text: { format: 'plain', text: 'foremast' } },
  });
  await until(() => where(bob, 'foremast').length === 1, 'the new words');
  expect(where(bob, 'mast')).toEqual([]);
  const { timeline } = await bob.messenger.messages(two);
  const [sail] = timeline.items().flatMap((item) => (item.kind === 'message' ? [item.id] : []));
  if (sail) await (await bob.messenger.messages(two)).read(sail);
  await until(() => where(bob, 'mizzen').length === 0, 'it vanishes');
  const last = summary(bob, two)?.last;
  expect(last?.kind === 'message' && last.state).toBe('expired');
});

test('a device joins again that was away while its person was taken out and let in, whoever let him in', {
  timeout: 60_000,
}, async () => {
  const [alice, bob] = [await follow('alice'), await follow('bob')];
  const { conversation } = await alice.messenger.create('Out and in', [bob.user]);
  await alice.messenger.say(conversation, text('before'));
  await hears(bob, conversation, 'before');
  // Who has something to say joins anyway.
  const isSilent = async () => (await bob.vault.list('outbox/')).size + (await bob.vault.list('report/')).size === 0;
  await until(isSilent, 'he has told that he got it');
  for (const each of [bob.following, bob.messenger]) each.close();
  await (await alice.messenger.messages(conversation)).group.update();
  // Of the program that lets him in nothing is left but what it asked for: nobody adds his device.
  await alice.messenger.home.removeMember(conversation, bob.user);
  await alice.messenger.home.addMember(conversation, bob.user);
  // It reads in its queue that he was out when it has found that it is in the group.
  const gate = Promise.withResolvers<void>();
  const write = bob.vault.write.bind(bob.vault);
  bob.vault.write = async (changes) => {
    if (changes.has('inbox')) await gate.promise;
    return write(changes);
  };
  const again = await follow('bob', bob.vault);
  const loaded = async () => (await again.messenger.messages(conversation)).group.loaded();
  await until(() => again.following.messages(conversation), 'it is open');
  const before = await until(loaded, 'what it had');
  expect(before?.isMember).toBe(true);
  gate.resolve();
  await until(async () => (await loaded()) !== before && (await loaded())?.isMember, 'it is in again', 10_000);
  await alice.messenger.say(conversation, text('welcome back'));
  await hears(again, conversation, 'welcome back');
});

test('what was said to somebody who was let in and taken out while his device was away is there when it is back', {
  timeout: 60_000,
}, async () => {
  const [alice, bob] = [await follow('alice'), await follow('bob')];
  for (const each of [bob.following, bob.messenger]) each.close();
  const { conversation } = await alice.messenger.create('In and out', []);
  await alice.messenger.say(conversation, text('alone'));
  await alice.messenger.addMember(conversation, bob.user);
  await alice.messenger.say(conversation, text('to both'));
  await until(async () => !(await alice.messenger.messages(conversation)).isSending, 'it is on its way');
  await alice.messenger.removeMember(conversation, bob.user);
  const again = await follow('bob', bob.vault);
  const { timeline } = await again.messenger.messages(conversation);
  await until(() => timeline.items().some(({ kind }) => kind === 'notice'), 'he sees that he is out');
  expect(timeline.items().map((item) => (item.kind === 'message' ? item.body : item.kind))).toEqual([
    { kind: 'text', text: { format: 'markdown', text: 'to both' } },
    'notice',
  ]);
});
