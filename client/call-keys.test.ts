/** From the group of a call to its media: two people of two organisations, over homeservers that are real, without an SFT. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { devicesIn } from './device/verification.ts';
import { type CallRoster, unexpectedIn } from './groups/call-roster.ts';
import type { Messenger } from './messenger.ts';
import { Epochs } from './sframe/epochs.ts';
import { IncomingFrames, type Refusal, WAIT_MS } from './sframe/incoming-frames.ts';
import { nodeEngine } from './sframe/node-engine.ts';
import { OutgoingFrames } from './sframe/outgoing-frames.ts';
import { type AliceAndBob, aliceAndBob, messengerAt } from './testing/messengers.ts';

let world: AliceAndBob;
beforeAll(async () => {
  world = await aliceAndBob();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What a device in the call hears of its keys. */
async function enter(
  messenger: Messenger,
  conversation: ConversationId,
  start: boolean,
  mayHear: (roster: CallRoster) => boolean = () => true,
) {
  let now = 0;
  const { home } = messenger;
  const ticket = await (start ? home.startCall(conversation) : home.callTicket(conversation));
  const { participant } = ticket;
  const epochs = new Epochs(nodeEngine, () => now);
  const sent: bigint[] = [];
  const told: string[] = [];
  let isOut = false;
  await messenger.enterCall(conversation, ticket, {
    onRoster: ({ epoch }) => told.push(`who is in ${epoch}`),
    addEpoch: (epoch) => {
      told.push(`keys of ${epoch.number}`);
      epochs.add(epoch);
    },
    sendWith: (number) => {
      sent.push(number);
      epochs.sendWith(number);
    },
    onOut: () => {
      isOut = true;
    },
    mayHear,
    hold: () => epochs.hold(),
  });
  const reconsider = () => messenger.reconsiderCall(conversation, ticket);
  return {
    reconsider,
    participant,
    epochs,
    sent,
    told,
    isOut: () => isOut,
    now: () => now,
    pass: (ms: number) => (now += ms),
  };
}

test('what one says the other hears, until he is taken out', { timeout: 30_000 }, async () => {
  const [alice, bob] = [await messengerAt(world.alpha, 'alice'), await messengerAt(world.beta, 'bob')];
  const { conversation } = await alice.create('Rigging', [bob.device.user]);
  const hasCall = () => bob.home.store.state.conversations.some(({ call }) => call?.group !== undefined);
  const ofAlice = await enter(alice, conversation, true);
  await until(hasCall, 'he hears of the call');
  const ofBob = await enter(bob, conversation, false);
  await until(() => ofAlice.sent.length === 2, 'she sends with the epoch that he is in');
  expect(ofBob.sent).toEqual([1n]);
  // What is heard with new keys has a name from its first word on.
  expect(ofAlice.told).toEqual(['who is in 0', 'keys of 0', 'who is in 1', 'keys of 1']);

  const outgoing = new OutgoingFrames(ofAlice.epochs, { number: 0, kind: 'microphone', layer: 0 });
  const refused: Refusal[] = [];
  const incoming = new IncomingFrames({
    ...{ epochs: ofBob.epochs, participant: ofAlice.participant, kind: 'microphone', now: ofBob.now },
    onRefused: (refusal) => refused.push(refusal),
  });
  let timestamp = 0;
  const say = async (words: string) => {
    const data = await outgoing.seal({ data: new TextEncoder().encode(words), clear: 0 });
    if (!data) throw new Error('there is no key');
    timestamp += 960;
    const heard = await incoming.take({ data, clear: 0, timestamp });
    return heard.map((each) => new TextDecoder().decode(each.data));
  };
  expect(await say('Ahoy')).toEqual(['Ahoy']);

  await alice.removeMember(conversation, bob.device.user);
  await until(() => ofAlice.sent.length === 3, 'she sends with an epoch that he is not in');
  expect(await say('secret')).toEqual([]);
  ofBob.pass(WAIT_MS);
  expect(await say('secret too')).toEqual([]);
  expect(refused).toEqual(['unknownKey']);
  await until(() => ofBob.isOut(), 'he is told that he is out');
});

test('nothing is sent while somebody who was compared is in it with a device that was not', {
  timeout: 30_000,
}, async () => {
  const [alice, bob] = [await messengerAt(world.alpha, 'alice'), await messengerAt(world.beta, 'bob')];
  const { conversation } = await alice.create('Mooring', [bob.device.user]);
  const group = async () => (await alice.messages(conversation)).group.ready();
  await until(
    async () => (await group()).members.some(({ identity }) => identity.device === bob.device.id),
    'he is in',
  );
  const seen = (await devicesIn(await group())).filter(({ device }) => device === bob.device.id);
  await alice.verification.verify(seen);
  const allowed = new Set<string>();
  const ofAlice = await enter(alice, conversation, true, ({ devices }) =>
    unexpectedIn(devices, alice.verification.store.state, alice.device.id).every(({ device }) => allowed.has(device)),
  );
  const knowsCall = (messenger: Messenger) =>
    until(
      () =>
        messenger.home.store.state.conversations.some((each) => each.conversation === conversation && each.call?.group),
      'he hears of the call',
    );
  await knowsCall(bob);
  await enter(bob, conversation, false);
  await until(() => ofAlice.epochs.sending?.number === 1n, 'she sends to the device that she compared');

  const other = await messengerAt(world.beta, 'bob');
  await knowsCall(other);
  await enter(other, conversation, false);
  await until(() => ofAlice.epochs.sending === undefined, 'she sends nothing any more');
  const outgoing = new OutgoingFrames(ofAlice.epochs, { number: 0, kind: 'microphone', layer: 0 });
  expect(await outgoing.seal({ data: new Uint8Array(8), clear: 0 })).toBeUndefined();
  await ofAlice.reconsider();
  expect(ofAlice.epochs.sending).toBeUndefined();
  allowed.add(other.device.id);
  await ofAlice.reconsider();
  expect(ofAlice.epochs.sending?.number).toBe(2n);
  expect(await outgoing.seal({ data: new Uint8Array(8), clear: 0 })).toBeDefined();
});
