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

test('what is new counts until it is read on any device, and senders learn who got and read it', {
  timeout: 60_000,
}, async () => {
  const [alice, phone, bob] = [await follow('alice'), await follow('alice'), await follow('bob')];
  const { conversation } = await alice.messenger.create('Rigging', [bob.user]);
  const id = await bob.messenger.say(conversation, text(`ahoy [@alice](${alice.user})`));
  for (const each of [alice, phone]) {
    await hears(each, conversation, `ahoy [@alice](${alice.user})`);
    expect(summary(each, conversation)?.unread).toEqual({ messages: 1, mentions: 1 });
  }
  const { timeline } = await bob.messenger.messages(conversation);
  const state = () => {
    const message = timeline.message(id);
    return message && timeline.delivery(message, [alice.user]).state;
  };
  await until(() => state() === 'delivered', 'it is delivered');
  await (await phone.messenger.messages(conversation)).read(id);
  await until(() => state() === 'read', 'it is read');
  await until(() => summary(alice, conversation)?.unread.messages === 0, 'it is read on the other device too');
});

test('settings go to the own devices and to nobody else', { timeout: 60_000 }, async () => {
  const [alice, phone, bob] = [await follow('alice'), await follow('alice'), await follow('bob')];
  const { conversation } = await alice.messenger.create('Muted', [bob.user]);
  await alice.messenger.say(conversation, text('first'));
  await hears(bob, conversation, 'first');
  // At once: the second must not be said before the other device can hear it.
  await Promise.all([
    alice.messenger.set(conversation, { muted: 'all-but-mentions' }),
    alice.messenger.set(conversation, { archived: true }),
  ]);
  const wanted = { muted: 'all-but-mentions', archived: true };
  expect(summary(alice, conversation)?.settings).toEqual(wanted);
  await until(() => summary(phone, conversation)?.settings.archived, 'the other device knows');
  expect(summary(phone, conversation)?.settings).toEqual(wanted);
  await phone.messenger.set(conversation, { archived: false });
  await until(() => summary(alice, conversation)?.settings.archived === false, 'and back');
  expect(summary(alice, conversation)?.settings.muted).toBe('all-but-mentions');
  expect(summary(bob, conversation)?.settings).toEqual({});
  for (const each of [alice, phone, bob]) expect(each.following.store.state.has(conversation)).toBe(true);
  const own = alice.messenger.home.store.state.conversations.filter(({ members }) => members.length === 1);
  expect(own).toHaveLength(1);
  expect(alice.following.store.state.has(own[0]?.conversation as ConversationId)).toBe(false);
});

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
