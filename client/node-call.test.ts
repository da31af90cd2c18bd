/** Programs of two organisations in one call: what one says, the other hears, through homeservers that are real. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Account } from './account.ts';
import type { RefusedSignal } from './conference/reactions.ts';
import type { RefusedFrame } from './media/node/encryption.ts';
import { Messenger } from './messenger.ts';
import { NodeCall } from './node-call.ts';
import { CallWorld } from './testing/call-world.ts';
import { MemoryVault } from './vault/memory.ts';

let world: CallWorld;
beforeAll(async () => {
  world = await CallWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

async function callOf(url: string, handle: string, password: string, conversation: ConversationId) {
  const account = new Account(url);
  await account.signIn(handle, password);
  const messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName: 'A program' });
  const refused: (RefusedFrame | RefusedSignal)[] = [];
  const call = new NodeCall({ messenger, conversation, onRefused: (each) => refused.push(each) });
  onTestFinished(() => {
    call.close();
    messenger.close();
    account[Symbol.dispose]();
  });
  await until(() => messenger.home.store.state.conversations.length > 0, 'it has the conversation');
  return { call, refused };
}

const peopleIn = ({ conference: { state } }: NodeCall) => (state.phase === 'joined' ? state.participants : []);

test('hear each other, and come and go', { timeout: 30_000 }, async () => {
  const { handle, bobsHandle, password, conversation } = await world.friends();
  const alice = await callOf(world.url, handle, password, conversation);
  const bob = await callOf(world.farUrl, bobsHandle, password, conversation);
  await alice.call.join();
  const participant = await bob.call.join();
  const microphone = await bob.call.conference.publish('microphone', {});
  if (!microphone) throw new Error('not published');
  const heard: string[] = [];
  let count = 0;
  await expect
    .poll(
      async () => {
        count += 1;
        await microphone.sendFrame({ data: Buffer.from(`word ${count}`), timestamp: count * 960, audioLevel: 30 });
        const [person] = peopleIn(alice.call);
        const media = person?.sources[0]?.renditions[0]?.media;
        if (media) media.onFrame ??= ({ data }) => void heard.push(Buffer.from(data).toString());
        return heard.length;
      },
      { interval: 20, timeout: 10_000 },
    )
    .toBeGreaterThan(20);
  expect(heard.every((words) => /^word \d+$/.test(words))).toBe(true);
  expect(alice.refused).toEqual([]);
  expect(peopleIn(alice.call).map((each) => each.participant)).toEqual([participant]);
  bob.call.close();
  await until(() => peopleIn(alice.call).length === 0, 'he is gone');
});
