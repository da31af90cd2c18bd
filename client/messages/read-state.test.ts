/** Where too many people are in a conversation to tell each sender, the own devices are told all the same. */
import { expect, test } from 'vitest';
import { organise, PASSWORD } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { userIdOf } from '#signalling/ids.ts';
import { Account } from '../account.ts';
import { Messenger } from '../messenger.ts';
import { MemoryVault } from '../vault/memory.ts';
import { MAX_REPORTING } from './reports.ts';

test('what was read on one device in a large conversation is read on the others, and its sender is not told', {
  timeout: 60_000,
}, async () => {
  await using world = await organise('alpha.example');
  const [alpha] = world.organisations;
  if (!alpha) throw new Error('no organisation');
  const others = Array.from({ length: MAX_REPORTING }, (_, number) => `member${number}`);
  for (const handle of ['alice', 'bob', ...others]) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
  await using open = new AsyncDisposableStack();
  const faults: unknown[] = [];
  const device = async (handle: string, vault = new MemoryVault()) => {
    const account = new Account(alpha.url);
    await account.signIn(handle, PASSWORD);
    const onFault = (error: unknown) => faults.push(error);
    const messenger = open.use(await Messenger.open({ account, vault, deviceName: handle, onFault }));
    await until(() => messenger.home.store.state.connected, `${handle} is connected`);
    return messenger;
  };
  const [bob, laptop, phone] = [await device('bob'), await device('alice'), await device('alice')];
  const users = ['alice', ...others].map((handle) => userIdOf(alpha.domain, handle));
  const { conversation } = await bob.create('Large', users);
  const said = [];
  for (const text of ['one', 'two', 'three']) {
    said.push(
      await bob.say(conversation, { kind: 'message', body: { kind: 'text', text: { format: 'plain', text } } }),
    );
  }
  const [atLaptop, atPhone] = [await laptop.messages(conversation), await phone.messages(conversation)];
  for (const { timeline } of [atLaptop, atPhone]) await until(() => timeline.unread().messages === 3, 'all came');
  await atLaptop.read(said[1] ?? expect.fail());
  await until(() => atPhone.timeline.unread().messages === 1, 'the phone knows');
  await atPhone.read(said[2] ?? expect.fail());
  await until(() => atLaptop.timeline.unread().messages === 0, 'the laptop knows');
  const sent = (await bob.messages(conversation)).timeline;
  for (const id of said) {
    const message = sent.message(id) ?? expect.fail();
    expect(sent.delivery(message, users)).toMatchObject({ state: 'sent', delivered: 0, read: 0 });
  }
  expect(faults).toEqual([]);
});
