/** A guest of one organisation in a call at the hub of another, over homeservers that are real: which keys he has, and when he has none. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { nodeEngine as mlsEngine } from '#mls/node-engine.ts';
import { type ConversationId, callRoomOf, type DeviceId, type ParticipantId } from '#signalling/ids.ts';
import { Account } from './account.ts';
import type { CallRoster } from './groups/call-roster.ts';
import { Messenger } from './messenger.ts';
import { Epochs } from './sframe/epochs.ts';
import { IncomingFrames } from './sframe/incoming-frames.ts';
import { nodeEngine } from './sframe/node-engine.ts';
import { OutgoingFrames } from './sframe/outgoing-frames.ts';
import { MemoryVault } from './vault/memory.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  await alpha.homeserver.createAccount({ handle: 'alice', name: 'Alice', password: PASSWORD });
  await beta.homeserver.createAccount({ handle: 'bob', name: 'Bob', password: PASSWORD });
});
afterAll(() => world[Symbol.asyncDispose]());

async function messengerOf({ url }: Organisation, come: (account: Account) => Promise<unknown>): Promise<Messenger> {
  const account = new Account(url);
  await come(account);
  const options = { account, vault: new MemoryVault(), deviceName: 'Test', engine: mlsEngine, keyPackages: 1 };
  const messenger = await Messenger.open(options);
  onTestFinished(() => {
    messenger.close();
    account[Symbol.dispose]();
  });
  await until(() => messenger.home.store.state.connected, 'it is connected');
  return messenger;
}

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
  const alice = await messengerOf(alpha, (account) => account.signIn('alice', PASSWORD));
  const bob = await messengerOf(beta, (account) => account.signIn('bob', PASSWORD));
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
  const nina = await messengerOf(beta, (made) => {
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
