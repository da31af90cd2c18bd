/** The queue of a device for clients without a WebSocket. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Account } from '#client/account.ts';
import { TestDevice } from '#client/testing/test-device.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Delivery } from '#signalling/queue.ts';
import { type Organisation, organise, PASSWORD, type World } from '../../testing/organisation.ts';
import { until } from '../../testing/world.ts';

let world: World;
let alpha: Organisation;
let alice: TestDevice;
let bob: TestDevice;
let conversation: ConversationId;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  for (const handle of ['alice', 'bob'])
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  [alice, bob] = [
    await TestDevice.open(alpha.url, 'alice', PASSWORD),
    await TestDevice.open(alpha.url, 'bob', PASSWORD),
  ];
  for (const { home } of [alice, bob]) await until(() => home.store.state.connected, 'connected');
  ({ conversation } = await alice.home.createConversation('Ropes', [bob.device.user]));
  await until(() => alice.home.store.state.conversations.length === 1, 'it');
  await alice.group(conversation).ready();
  await alice.group(conversation).addPeople([bob.device.user]);
  await until(async () => (await bob.group(conversation).loaded())?.isMember ?? false, 'bob is in');
});
afterAll(async () => {
  for (const each of [alice, bob]) each.close();
  await world[Symbol.asyncDispose]();
});

const waiting = async (after: number) =>
  (await bob.account.call({ method: 'GET', path: `queue?after=${after}`, answer: Delivery })).entries;

test('what waits is fetched again and again, from wherever the device is, and acknowledged', async () => {
  const newest = () => bob.entries.at(-1)?.position ?? 0;
  bob.home.close();
  const from = newest();
  for (const text of ['one', 'two', 'three']) await alice.say(conversation, text);
  const entries = await waiting(from);
  expect(entries.map(({ kind }) => kind)).toEqual(['message', 'message', 'message']);
  expect(await waiting(from)).toEqual(entries);
  const [, second, third] = entries;
  expect(await waiting(second?.position ?? 0)).toEqual([third]);
  const acknowledge = (position: number) =>
    bob.account.call({ method: 'POST', path: 'queue/acknowledgements', body: { position } });
  await acknowledge(third?.position ?? 0);
  await acknowledge(Number.MAX_SAFE_INTEGER);
  await alice.say(conversation, 'four');
  expect((await waiting(third?.position ?? 0)).map(({ kind }) => kind)).toEqual(['message']);
  for (const position of [-1, 1.5, '1', Number.MAX_SAFE_INTEGER + 1]) {
    await expect(acknowledge(position as number)).rejects.toMatchObject({ code: 'HOME_BAD_REQUEST' });
  }
});

test('it is for devices alone', async () => {
  const account = new Account(alpha.url);
  await account.signIn('bob', PASSWORD);
  const asking = account.call({ method: 'GET', path: 'queue?after=0', answer: Delivery });
  await expect(asking).rejects.toMatchObject({ code: 'HOME_NO_DEVICE' });
  for (const after of ['', '-1', '1e3', 'x', '1'.repeat(16)]) {
    const wrong = bob.account.call({ method: 'GET', path: `queue?after=${after}`, answer: Delivery });
    await expect(wrong, after).rejects.toMatchObject({ code: 'HOME_BAD_REQUEST' });
  }
});
