import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Account } from './account.ts';
import type { Content } from './content/content.ts';
import { Messenger } from './messenger.ts';
import { MemoryVault } from './vault/memory.ts';
import type { Vault } from './vault/vault.ts';

let world: World;
let alpha: Organisation;
const open: Messenger[] = [];
const faults: unknown[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'bob', 'carol']) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const messenger of open.splice(0)) messenger.close();
  expect(faults.splice(0)).toEqual([]);
});

async function messengerOf(handle: string, vault: Vault = new MemoryVault()): Promise<Messenger> {
  const account = new Account(alpha.url);
  await account.signIn(handle, PASSWORD);
  const onFault = (error: unknown) => faults.push(error);
  const messenger = await Messenger.open({ account, vault, deviceName: 'Test', onFault });
  open.push(messenger);
  await until(() => messenger.home.store.state.connected, `${handle} is connected`);
  return messenger;
}

const text = (said: string): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'plain', text: said } },
});

async function textsOf(messenger: Messenger, conversation: ConversationId): Promise<string[]> {
  const { timeline } = await messenger.messages(conversation);
  return timeline.items().map((item) => {
    if (item.kind === 'gap') return `(${item.reason})`;
    if (item.kind === 'notice') return `(${item.change.type})`;
    return item.body?.kind === 'text' ? item.body.text.text : `(${item.state})`;
  });
}

const shows = (messenger: Messenger, conversation: ConversationId, ...wanted: string[]) =>
  until(async () => JSON.stringify(await textsOf(messenger, conversation)) === JSON.stringify(wanted), wanted.join());

test("what one says the other reads, in the hub's order, on all devices", { timeout: 60_000 }, async () => {
  const [alice, phone, bob] = [await messengerOf('alice'), await messengerOf('alice'), await messengerOf('bob')];
  const { conversation } = await alice.create('Rigging', [bob.device.user]);
  await alice.say(conversation, text('one'));
  await shows(bob, conversation, 'one');
  await bob.say(conversation, text('two'));
  for (const each of [alice, phone, bob]) await shows(each, conversation, 'one', 'two');
  const { timeline } = await phone.messages(conversation);
  expect(timeline.items().map((item) => item.kind === 'message' && item.sender)).toEqual([
    alice.device.user,
    bob.device.user,
  ]);
});

describe('what a person wrote', () => {
  test('while the server was away is shown at once and sent once, later', { timeout: 60_000 }, async () => {
    const [alice, bob] = [await messengerOf('alice'), await messengerOf('bob')];
    const { conversation } = await alice.create('Away', [bob.device.user]);
    await alice.say(conversation, text('before'));
    await shows(bob, conversation, 'before');
    await alpha.stop();
    await until(() => !alice.home.store.state.connected, 'it is noticed');
    for (const said of ['a', 'b', 'c']) await alice.say(conversation, text(said));
    await shows(alice, conversation, 'before', 'a', 'b', 'c');
    await alpha.start();
    await shows(bob, conversation, 'before', 'a', 'b', 'c');
    await until(async () => !(await alice.messages(conversation)).isSending, 'all is accepted');
  });

  test('is still there after the program was ended, and is sent when it starts again', {
    timeout: 60_000,
  }, async () => {
    const vault = new MemoryVault();
    const [alice, bob] = [await messengerOf('alice', vault), await messengerOf('bob')];
    const { conversation } = await alice.create('Ended', [bob.device.user]);
    await alice.say(conversation, text('first'));
    await shows(bob, conversation, 'first');
    await alpha.stop();
    await alice.say(conversation, text('second'));
    alice.close();
    await alpha.start();
    const again = await messengerOf('alice', vault);
    expect(again.device.id).toBe(alice.device.id);
    await shows(bob, conversation, 'first', 'second');
    await shows(again, conversation, 'first', 'second');
    await again.say(conversation, text('third'));
    await shows(bob, conversation, 'first', 'second', 'third');
  });
});

test('who comes later reads what is said from then on', { timeout: 60_000 }, async () => {
  const [alice, bob, carol] = [await messengerOf('alice'), await messengerOf('bob'), await messengerOf('carol')];
  const { conversation } = await alice.create('Later', [bob.device.user]);
  await alice.say(conversation, text('early'));
  await shows(bob, conversation, 'early');
  await alice.addMember(conversation, carol.device.user);
  await bob.say(conversation, text('welcome'));
  await shows(carol, conversation, 'welcome');
  await shows(alice, conversation, 'early', '(added)', 'welcome');
  const device = await messengerOf('bob');
  await (await device.messages(conversation)).group.ready();
  await carol.say(conversation, text('hello'));
  await shows(device, conversation, 'hello');
});
