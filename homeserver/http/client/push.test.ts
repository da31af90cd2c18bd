/** From what one person writes to the push service of another one's browser, with real devices and a fake service. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Account } from '#client/account.ts';
import type { Content } from '#client/content/content.ts';
import { Messenger } from '#client/messenger.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { PushOffer } from '#signalling/push.ts';
import { FakePushService } from '../../qs/testing/fake-push-service.ts';
import { type Organisation, organise, PASSWORD, type World } from '../../testing/organisation.ts';
import { until } from '../../testing/world.ts';

let world: World;
let alpha: Organisation;
let service: FakePushService;
const open: Messenger[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  service = await FakePushService.listen(alpha.certificates);
  await alpha.stop();
  Object.assign(alpha.site.homeserver, { pushServices: [service.name] });
  await alpha.start({ pushNetwork: service.network });
  await alpha.connectSft();
  for (const handle of ['alice', 'bob']) {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  }
});
afterEach(() => {
  for (const messenger of open.splice(0)) messenger.close();
  service.taken.length = 0;
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

async function personOf(handle: string) {
  const account = new Account(alpha.url);
  await account.signIn(handle, PASSWORD);
  const messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName: 'Test' });
  open.push(messenger);
  await until(() => messenger.home.store.state.connected, `${handle} is connected`);
  const subscribe = (endpoint: string) =>
    account.call({ method: 'PUT', path: 'devices/current/push', body: { endpoint } });
  return { account, messenger, subscribe };
}

const text = (said: string): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'plain', text: said } },
});

/** Alice has gone, Bob is there, and both are in a conversation. */
async function aliceIsAway(endpoint: string) {
  const [alice, bob] = [await personOf('alice'), await personOf('bob')];
  const { conversation } = await bob.messenger.create('Both', [alice.messenger.device.user]);
  await bob.messenger.say(conversation, text('hello'));
  const { timeline } = await alice.messenger.messages(conversation);
  await until(() => timeline.items().length === 1, 'alice reads');
  await alice.subscribe(endpoint);
  await alice.messenger.idle();
  const before = await eventConnections();
  alice.messenger.close();
  await until(async () => (await eventConnections()) < before, 'alice is gone');
  return { alice, bob, conversation };
}

async function eventConnections(): Promise<number> {
  const metrics = await (await fetch(`${alpha.admin}/metrics`)).text();
  return Number(/event_connections (\d+)\n/.exec(metrics)?.[1]);
}

/** Everything that Bob wrote is accepted. */
async function settled(bob: Messenger, conversation: ConversationId): Promise<void> {
  const messages = await bob.messages(conversation);
  await until(() => !messages.isSending, 'all is accepted');
}

test('a message wakes who is away, and what is no message wakes nobody', { timeout: 30_000 }, async () => {
  const { alice, bob, conversation } = await aliceIsAway(`${service.endpoint}alice`);
  const { key } = await alice.account.call({ method: 'GET', path: 'push', answer: PushOffer });
  const id = await bob.messenger.say(conversation, text('first'));
  await until(() => service.taken.length === 1, 'a wake-up');
  expect(service.taken).toEqual([
    expect.objectContaining({ path: '/wake/alice', body: '', key, subject: 'https://127.0.0.1', topic: 'message' }),
  ]);
  // Alice is woken once a minute; somebody who was not woken yet would be for anything that counts.
  const again = await aliceIsAway(`${service.endpoint}alice-again`);
  service.taken.length = 0;
  await bob.messenger.say(conversation, { kind: 'reaction', target: id, emojis: ['👍'] });
  await again.bob.messenger.say(again.conversation, { kind: 'typing', active: true });
  await again.bob.messenger.say(again.conversation, { kind: 'typing', active: false });
  await settled(bob.messenger, conversation);
  await settled(again.bob.messenger, again.conversation);
  expect(service.taken.filter(({ path }) => path === '/wake/alice-again')).toEqual([]);
  await again.bob.messenger.say(again.conversation, text('second'));
  await until(() => service.taken.some(({ path }) => path === '/wake/alice-again'), 'a wake-up');
});

test('a call wakes at once, and who signed out is left alone', async () => {
  const { alice, bob, conversation } = await aliceIsAway(`${service.endpoint}caller`);
  await bob.messenger.home.startCall(conversation);
  await until(() => service.taken.some(({ path, topic }) => path === '/wake/caller' && topic === 'call'), 'a call');
  await bob.messenger.home.endCall(conversation);
  service.taken.length = 0;
  await alice.account.signOut();
  await bob.messenger.home.startCall(conversation);
  const { account, subscribe } = await personOf('alice');
  await subscribe(`${service.endpoint}after`);
  expect(service.taken.filter(({ path }) => path === '/wake/caller')).toEqual([]);
  await account.call({ method: 'DELETE', path: 'devices/current/push' });
});

test('only what a browser gives is an endpoint, and only at a service that is used', async () => {
  const { subscribe } = await personOf('bob');
  for (const endpoint of [
    ...['http://push.example/x', 'https://push.example:8443/x', 'https://user@push.example/x', 'https://127.0.0.1/x'],
    ...[
      'https://[::1]/x',
      'https://localhost/x',
      'https://push.example',
      'https://PUSH.example/x',
      'https://2130706433/',
    ],
    ...[
      'https://push.example/\r\nx',
      'https://push.example\\@evil.example/',
      `https://push.example/${'x'.repeat(1_000)}`,
    ],
  ]) {
    await expect(subscribe(endpoint), endpoint).rejects.toMatchObject({ code: 'HOME_BAD_REQUEST' });
  }
  await expect(subscribe('https://evil.example/x')).rejects.toMatchObject({ code: 'HOME_PUSH_SERVICE' });
});
