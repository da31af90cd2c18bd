/** The way into a call with a lobby, of programs of two organisations, through homeservers that are real. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { Account } from '../account.ts';
import { Messenger } from '../messenger.ts';
import { NodeCall } from '../node-call.ts';
import { CallWorld } from '../testing/call-world.ts';
import { MemoryVault } from '../vault/memory.ts';

let world: CallWorld;
beforeAll(async () => {
  world = await CallWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

async function callOf(url: string, handle: string, password: string, conversation: ConversationId) {
  const account = new Account(url);
  await account.signIn(handle, password);
  const messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName: 'A program' });
  const call = new NodeCall({ messenger, conversation });
  onTestFinished(() => {
    call.close();
    messenger.close();
    account[Symbol.dispose]();
  });
  const known = () => messenger.home.store.state.conversations.find((each) => each.conversation === conversation);
  await until(() => known() !== undefined, 'it has the conversation');
  const waiting = () => known()?.call?.moderation?.waiting.map(({ user }) => user) ?? [];
  return { call, moderating: messenger.home.moderating, known, waiting };
}

/** Alice is in a call with a lobby, and Bob knocks. */
async function atTheDoor() {
  const { handle, bobsHandle, bob, password, conversation } = await world.friends();
  const alice = await callOf(world.url, handle, password, conversation);
  const other = await callOf(world.farUrl, bobsHandle, password, conversation);
  await alice.call.join();
  await alice.moderating.rule(conversation, { lobby: true });
  await until(() => other.known()?.call?.moderation?.rules.lobby, 'the lobby at beta');
  const joining = other.call.join();
  joining.catch(() => undefined);
  await until(() => alice.waiting().includes(bob.id), 'she sees him wait');
  await until(() => other.call.lobby.state, 'he knows that he waits');
  return { alice, bob: other, his: bob.id as UserId, joining, conversation };
}

test('whoever knocks comes in when he is let in, with the keys', { timeout: 30_000 }, async () => {
  const { alice, bob, his, joining, conversation } = await atTheDoor();
  await alice.moderating.letIn(conversation, his);
  const participant = await joining;
  expect(bob.call.lobby.state).toBe(false);
  await until(() => bob.call.roster.state?.devices.length === 2, 'both have the keys');
  const { state } = alice.call.conference;
  await until(() => state.phase === 'joined', 'she is in it');
  await until(() => alice.known()?.call?.members.some((each) => each.participant === participant), 'he is in it');
});

test('whoever is turned away does not come in, and is told', { timeout: 30_000 }, async () => {
  const { alice, bob, his, joining, conversation } = await atTheDoor();
  await alice.moderating.putOut(conversation, his);
  await expect(joining).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  expect(bob.call.roster.state).toBeUndefined();
});

test('whoever goes away does not wait any more, nor where the call ends', { timeout: 30_000 }, async () => {
  const first = await atTheDoor();
  first.bob.call.close();
  await expect(first.joining).rejects.toMatchObject({ code: 'SIG_CLOSED' });
  await until(() => first.alice.waiting().length === 0, 'nobody waits');
  const second = await atTheDoor();
  second.alice.call.close();
  await expect(second.joining).rejects.toMatchObject({ code: 'HOME_NO_CALL' });
});

test('whoever is put out of a call loses the keys with the next change of them', { timeout: 30_000 }, async () => {
  const { alice, his, joining, conversation } = await atTheDoor();
  await alice.moderating.letIn(conversation, his);
  await joining;
  await until(() => alice.call.roster.state?.devices.length === 2, 'both have the keys');
  await alice.moderating.putOut(conversation, his);
  await until(() => alice.call.roster.state?.devices.length === 1, 'she alone has the keys');
});
