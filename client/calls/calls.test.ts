/** A call between two organisations, and the devices of whoever is called: homeservers are real, and what is answered goes encrypted. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Organisation } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ConferenceId, ConversationId } from '#signalling/ids.ts';
import { Following } from '../following.ts';
import type { Messenger } from '../messenger.ts';
import { type AliceAndBob, aliceAndBob, messengerAt } from '../testing/messengers.ts';
import { answersTo } from './answers.ts';

let world: AliceAndBob;
beforeAll(async () => {
  world = await aliceAndBob();
});
afterAll(() => world[Symbol.asyncDispose]());

async function deviceOf(handle: string, organisation: Organisation): Promise<Messenger> {
  const messenger = await messengerAt(organisation, handle);
  // Lets devices in that come later.
  const following = new Following(messenger, () => undefined);
  onTestFinished(() => following.close());
  return messenger;
}

const rings = ({ home }: Messenger, conversation: ConversationId) => home.store.state.ringing.includes(conversation);
const outcomeAt = ({ calls }: Messenger, conference: ConferenceId) => calls.log.store.state.get(conference)?.outcome;

test('one device declines or accepts, the others of the person stop to ring, and the caller sees it', {
  timeout: 60_000,
}, async () => {
  const alice = await deviceOf('alice', world.alpha);
  const [phone, laptop] = [await deviceOf('bob', world.beta), await deviceOf('bob', world.beta)];
  const { conversation } = await alice.create('Rigging', [phone.device.user]);
  for (const device of [phone, laptop])
    await until(
      async () => (await (await device.messages(conversation)).group.loaded())?.members.length === 3,
      'all devices are in',
    );
  const bob = phone.device.user;

  const first = await alice.home.startCall(conversation);
  await alice.announceCall(conversation, first);
  const { conference } = first.call;
  for (const device of [phone, laptop]) await until(() => rings(device, conversation), 'both ring');
  await phone.answerCall(conversation, 'ringing');
  await until(
    () => answersTo(alice.calls.answers.state, conference).get(bob) === 'ringing',
    'alice sees that it rings',
  );
  expect(rings(laptop, conversation)).toBe(true);
  await phone.answerCall(conversation, 'declined');
  expect(rings(phone, conversation)).toBe(false);
  await until(() => !rings(laptop, conversation), 'the other one stops');
  await until(
    () => answersTo(alice.calls.answers.state, conference).get(bob) === 'declined',
    'alice sees that he declined',
  );
  await alice.home.endCall(conversation);
  await until(() => outcomeAt(alice, conference) === 'unanswered', 'nobody came');
  for (const device of [phone, laptop]) await until(() => outcomeAt(device, conference) === 'declined', 'he declined');

  const second = await alice.home.startCall(conversation);
  await alice.announceCall(conversation, second);
  for (const device of [phone, laptop]) await until(() => rings(device, conversation), 'both ring again');
  await laptop.answerCall(conversation, 'accepted');
  await until(() => !rings(phone, conversation), 'the other one stops');
  await phone.answerCall(conversation, 'moved');
  await until(() => laptop.calls.moved.state.has(second.call.conference), 'he goes on with the phone');
  expect(phone.calls.moved.state.size).toBe(0);
  await alice.home.endCall(conversation);
  for (const device of [alice, phone, laptop])
    await until(() => outcomeAt(device, second.call.conference) === 'answered', 'it was answered');

  const third = await alice.home.startCall(conversation);
  await alice.announceCall(conversation, third);
  await until(() => rings(phone, conversation), 'it rings once more');
  await alice.home.endCall(conversation);
  for (const device of [phone, laptop])
    await until(() => outcomeAt(device, third.call.conference) === 'missed', 'he missed it');
});
