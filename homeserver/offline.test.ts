/** What an administrator does to accounts while the homeserver is not running has the same effect as while it is. */
import 'reflect-metadata';
import { X509Crl } from '@peculiar/x509';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Account } from '#client/account.ts';
import type { Content } from '#client/content/content.ts';
import { Messenger } from '#client/messenger.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { Authority } from '#signalling/devices.ts';
import type { ConversationId, DeviceId } from '#signalling/ids.ts';
import { type EmailAddress, parseEmail } from '#signalling/person.ts';
import { openAdministration } from './offline.ts';
import { Catcher } from './testing/catcher.ts';
import { type Organisation, organise, PASSWORD, type World } from './testing/organisation.ts';
import { until } from './testing/world.ts';

let world: World;
let alpha: Organisation;
let catcher: Catcher;
const open: Messenger[] = [];

beforeAll(async () => {
  catcher = await Catcher.listen();
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  await alpha.stop();
  Object.assign(alpha.site.homeserver, { mail: { url: catcher.url, from: 'hawser@alpha.example' } });
  await alpha.start();
});
afterEach(() => {
  for (const messenger of open.splice(0)) messenger.close();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await catcher.close();
});

type Signed = Messenger & { readonly account: Account };

async function messengerOf(handle: string, deviceName = 'Firefox on Linux'): Promise<Signed> {
  const account = new Account(alpha.url);
  await account.signIn(handle, PASSWORD);
  const messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName });
  open.push(messenger);
  await until(() => messenger.home.store.state.connected, `${handle} is connected`);
  return Object.assign(messenger, { account });
}

async function accounts(...handles: readonly string[]): Promise<void> {
  for (const handle of handles) {
    const email = parseEmail(`${handle}@mail.example`) as EmailAddress;
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD, email });
  }
}

const text = (said: string): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'plain', text: said } },
});

async function devicesSeenBy(messenger: Messenger, conversation: ConversationId): Promise<DeviceId[]> {
  const { group } = await messenger.messages(conversation);
  return (await group.ready()).members.map(({ identity }) => identity.device);
}

async function revokedSerials({ account }: Signed): Promise<number> {
  const { revocations } = await account.call({ method: 'GET', path: 'authorities/alpha.example', answer: Authority });
  return revocations
    .map((list) => new X509Crl(Buffer.from(list, 'base64url')).entries.length)
    .reduce((a, b) => a + b, 0);
}

test('a new device is told to the owner by e-mail, with its name, when and from where', async () => {
  await accounts('nora');
  const nora = await messengerOf('nora', 'Phone of Nora');
  const { text, subject } = await catcher.mailTo('nora@mail.example');
  expect(subject).toBe('A new device at alpha.example');
  expect(text).toMatch(/"Phone of Nora"\n {4}\d{4}-\d\d-\d\d \d\d:\d\d UTC, from 127\.0\.0\.1\n/);
  expect(text.replaceAll('\n', ' ')).toContain(`change your password at ${alpha.url} at once`);
  const second = await messengerOf('nora', 'Laptop');
  expect((await catcher.mailTo('nora@mail.example', 2)).text).toContain('"Laptop"');
  const { added } = await until(
    () => nora.devices.store.state.added.length > 0 && nora.devices.store.state,
    'the other device hears of it',
  );
  expect(added).toEqual([
    expect.objectContaining({ device: second.device.id, name: 'Laptop', lastAddress: '127.0.0.1' }),
  ]);
});

test.each(['a new password', 'the end of the account'] as const)(
  '%s takes the devices from everywhere',
  { timeout: 30_000 },
  async (act) => {
    const [mine, his] = act === 'a new password' ? ['alice', 'bob'] : ['carol', 'dave'];
    await accounts(mine, his);
    const [victim, other] = [await messengerOf(mine), await messengerOf(his)];
    const { conversation } = await other.create('Both', [victim.device.user]);
    await other.say(conversation, text('hello'));
    await until(async () => (await devicesSeenBy(other, conversation)).includes(victim.device.id), 'both are in');
    const before = await revokedSerials(other);

    await alpha.stop();
    {
      await using office = await openAdministration(alpha.site);
      if (act === 'a new password') await office.administration.setPassword(mine, 'quite another password');
      else await office.administration.remove(mine);
    }
    await alpha.start();

    await until(() => victim.account.store.state.phase === 'signedOut', 'its session is over');
    await expect(new Account(alpha.url).signIn(mine, PASSWORD)).rejects.toMatchObject({
      code: 'HOME_WRONG_CREDENTIALS',
    });
    await until(() => other.home.store.state.connected, 'the other one is back');
    await until(async () => (await revokedSerials(other)) === before + 1, 'its certificate is listed as revoked');
    if (act === 'the end of the account') {
      const { members } = await until(
        () => other.home.store.state.conversations.find((each) => each.members.length === 1),
        'the person is out',
      );
      expect(members).toMatchObject([{ user: other.device.user, role: 'admin' }]);
    }
    await other.say(conversation, text('still there?'));
    await until(async () => !(await devicesSeenBy(other, conversation)).includes(victim.device.id), 'its keys are out');
  },
);
