/** A guest of one organisation in a call at the hub of another, over homeservers that are real: which keys he has, and when he has none. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Organisation } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { type ConversationId, callRoomOf, type DeviceId, type ParticipantId } from '#signalling/ids.ts';
import type { Account } from './account.ts';
import type { CallRoster } from './groups/call-roster.ts';
import type { Messenger } from './messenger.ts';
import { Epochs } from './sframe/epochs.ts';
import { IncomingFrames } from './sframe/incoming-frames.ts';
import { nodeEngine } from './sframe/node-engine.ts';
import { OutgoingFrames } from './sframe/outgoing-frames.ts';
import { type AliceAndBob, aliceAndBob, messengerAt } from './testing/messengers.ts';

let world: AliceAndBob;
beforeAll(async () => {
  world = await aliceAndBob();
});
afterAll(() => world[Symbol.asyncDispose]());

/** The keys of a device in the call, and who else has them. */
async function enter(messenger: Messenger, conversation: ConversationId, isFirst = false) {
  const ticket = await messenger.home[isFirst ? 'startCall' : 'callTicket'](conversation);
  const epochs = new Epochs(nodeEngine, () => 0);
  let roster: CallRoster | undefined;
  await messenger.enterCall(conversation, ticket, {
    addEpoch: (epoch) => epochs.add(epoch),
    sendWith: (number) => epochs.sendWith(number),
    onRoster: (newest) => {
      roster = newest;
    },
  });
  const devices = (): readonly DeviceId[] => roster?.devices.map(({ device }) => device) ?? [];
  return { ...ticket, epochs, devices };
}

const present = ({ sft }: Organisation, conference: Parameters<typeof sft.presence>[0], ...those: ParticipantId[]) =>
  sft.presence(conference, those);

test('a guest has the keys of the call while he is let in, and never those of the conversation', {
  timeout: 60_000,
}, async () => {
  const { alpha, beta } = world;
  const alice = await messengerAt(alpha, 'alice');
  const bob = await messengerAt(beta, 'bob');
  const { conversation } = await alice.create('Rigging', [bob.device.user]);
  const shownTo = (messenger: Messenger) =>
    messenger.home.store.state.conversations.find((each) => each.conversation === conversation);
  const hers = await enter(alice, conversation, true);
  const { conference } = hers.call;
  present(alpha, conference, hers.participant);
  await alice.changeRole(conversation, bob.device.user, 'admin');
  const administers = () =>
    shownTo(bob)?.members.some(({ user, role }) => user === bob.device.user && role === 'admin');
  await until(() => administers() && shownTo(bob)?.call?.group !== undefined, 'he administers, and hears of the call');
  const { token } = await bob.home.moderating.makeGuestLink(conversation);

  let account: Account | undefined;
  const nina = await messengerAt(beta, (made) => {
    account = made;
    return made.comeAsGuest(token, 'Nina');
  });
  const groupOf = (room: string) =>
    account?.callRaw({
      ...{ method: 'GET', path: `conversations/${encodeURIComponent(room)}/group`, signal: AbortSignal.timeout(5_000) },
    });
  const room = callRoomOf(conversation, conference);
  await expect(enter(nina, conversation)).rejects.toMatchObject({ code: 'HOME_CALL_LOBBY' });
  await expect(groupOf(room)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  expect(await nina.home.moderating.knock(conversation)).toBe(false);
  await until(() => shownTo(alice)?.call?.moderation?.waiting.length === 1, 'she waits');
  await alice.home.moderating.letIn(conversation, nina.device.user);
  await until(() => shownTo(nina)?.title === 'Rigging', 'she is let in');

  const ninas = await enter(nina, conversation);
  present(beta, conference, ninas.participant);
  await until(() => hers.devices().includes(nina.device.id), 'she is in the group of the call');
  expect(ninas.devices().toSorted()).toEqual([alice.device.id, nina.device.id].toSorted());
  await expect(groupOf(conversation)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  const ofConversation = await (await alice.messages(conversation)).group.ready();
  expect(ofConversation.members.map(({ identity }) => identity.device)).not.toContain(nina.device.id);
  const message = { conversation, number: 1, message: 'AAAA' };
  await expect(nina.home.send(message)).rejects.toMatchObject({ code: 'HOME_FORBIDDEN' });

  const outgoing = new OutgoingFrames(hers.epochs, { number: 0, kind: 'microphone', layer: 0 });
  const incoming = new IncomingFrames({
    ...{ epochs: ninas.epochs, participant: hers.participant, kind: 'microphone', now: () => 0 },
    onRefused: () => undefined,
  });
  let timestamp = 0;
  const hears = async (words: string) => {
    const data = await outgoing.seal({ data: new TextEncoder().encode(words), clear: 0 });
    if (!data) throw new Error('there is no key');
    timestamp += 960;
    return (await incoming.take({ data, clear: 0, timestamp })).map((each) => new TextDecoder().decode(each.data));
  };
  const epochOf = () => hers.epochs.sending?.number ?? 0n;
  await until(() => epochOf() > 0n, 'she sends with the keys that the guest has too');
  expect(await hears('Ahoy')).toEqual(['Ahoy']);

  await until(() => shownTo(alice)?.call?.members.some(({ user }) => user === nina.device.user), 'she is seen there');
  const before = epochOf();
  await alice.home.moderating.putOut(conversation, nina.device.user);
  await until(() => epochOf() > before, 'the keys are others');
  expect(hers.devices()).toEqual([alice.device.id]);
  expect(await hears('secret')).toEqual([]);
  await expect(groupOf(room)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });

  await alice.home.endCall(conversation);
  await until(() => account?.store.state.phase === 'signedOut', 'her session is over');
});
