/** Calls that are moderated, between real homeservers: who is let in, who is told, and what the SFTs are told. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConferenceId, ConversationId, ParticipantId } from '#signalling/ids.ts';
import { type Organisation, organise, type World } from './testing/organisation.ts';
import type { Person } from './testing/person.ts';
import { until } from './testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let [alice, anna, bob, berta]: Person[] = [];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  [alice, anna] = await Promise.all([alpha.person('alice', 'Alice'), alpha.person('anna', 'Anna')]);
  [bob, berta] = await Promise.all([beta.person('bob', 'Bob'), beta.person('berta', 'Berta')]);
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

interface Going {
  readonly conversation: ConversationId;
  readonly conference: ConferenceId;
  /** Alice, who has started it, and Bob. */
  readonly participants: readonly [ParticipantId, ParticipantId];
}

/** A call of all four in which Alice and Bob are. */
async function going(title: string): Promise<Going> {
  const [a, b, c, d] = people();
  const { conversation } = await a.create(title, b.id, c.id, d.id);
  const first = await a.call(conversation);
  const { conference } = first.call;
  alpha.sft.presence(conference, [first.participant]);
  // Not `conversation`, which is an error until the first of it has come to beta.
  await until(
    async () => (await c.conversations()).find((each) => each.conversation === conversation)?.call,
    'the call at beta',
  );
  const second = await c.ticket(conversation);
  beta.sft.presence(conference, [second.participant]);
  await until(async () => (await a.conversation(conversation)).call?.members.length === 2, 'both in the call');
  return { conversation, conference, participants: [first.participant, second.participant] };
}

function people(): [Person, Person, Person, Person] {
  if (!alice || !anna || !bob || !berta) throw new Error('nobody');
  return [alice, anna, bob, berta];
}

const moderationOf = async (person: Person, conversation: ConversationId) =>
  (await person.conversation(conversation)).call?.moderation;

test('somebody of another organisation waits in the lobby, is seen, and let in', async () => {
  const [a, , , d] = people();
  const { conversation, conference } = await going('Lobby');
  await a.rule(conversation, { lobby: true });
  await until(async () => (await moderationOf(d, conversation))?.rules.lobby, 'the lobby at beta');
  await expect(d.ticket(conversation)).rejects.toMatchObject({ status: 403, code: 'HOME_CALL_LOBBY' });
  await expect(d.call(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_LOBBY' });
  expect(await d.knock(conversation)).toBe('lobby');
  await until(
    () =>
      a.events.some(
        (event) => event.type === 'moderated' && event.moderation.waiting.some(({ user }) => user === d.id),
      ),
    'she is told who waits',
  );
  await expect(d.letIn(conversation, d.id)).rejects.toMatchObject({ status: 403, code: 'HOME_FORBIDDEN' });
  await a.letIn(conversation, d.id);
  await until(async () => (await moderationOf(d, conversation))?.admitted.includes(d.id), 'she is let in');
  expect(await d.knock(conversation)).toBe('open');
  expect((await d.ticket(conversation)).call.conference).toBe(conference);
  await a.endCall(conversation);
});

test('a locked call lets nobody in, and those who are in come back', async () => {
  const [a, b, c] = people();
  const { conversation } = await going('Locked');
  await a.rule(conversation, { locked: true });
  await expect(b.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_LOCKED' });
  await expect(b.knock(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_LOCKED' });
  await until(async () => (await moderationOf(c, conversation))?.rules.locked, 'the lock at beta');
  await c.ticket(conversation);
  await a.endCall(conversation);
});

test('whoever is put out is put out by his own SFT, and neither comes in nor knocks', async () => {
  const [a, , c] = people();
  const { conversation, conference, participants } = await going('Out');
  await expect(c.putOut(conversation, a.id)).rejects.toMatchObject({ code: 'HOME_FORBIDDEN' });
  await a.putOut(conversation, c.id);
  await until(() => beta.sft.removed.includes(participants[1]), 'the SFT of beta is told');
  await expect(c.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  await expect(c.knock(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  // An SFT that lost the word of it, and says that he is there.
  const before = beta.sft.removed.length;
  beta.sft.presence(conference, [participants[1]]);
  await until(() => beta.sft.removed.length > before, 'told once more');
  expect((await a.conversation(conversation)).call?.members.map(({ user }) => user)).toEqual([a.id]);
  await a.letIn(conversation, c.id);
  await until(async () => (await moderationOf(c, conversation))?.barred.length === 0, 'he may come again');
  await c.ticket(conversation);
  await a.endCall(conversation);
});

test('both SFTs are told what participants may send: those they have, and all that come', async () => {
  const [a, b, c] = people();
  const { conversation, conference, participants } = await going('Quiet');
  const [her, his] = participants;
  const said = (organisation: Organisation) => organisation.sft.permissions.get(conference);
  expect(said(alpha)).toBeUndefined();
  await a.rule(conversation, { speak: 'moderators', share: 'moderators' });
  await until(() => said(alpha) && said(beta), 'both are told');
  for (const organisation of [alpha, beta]) {
    expect(said(organisation)?.unnamed).toEqual(['video']);
    const named = new Map(said(organisation)?.named.map(({ participant, may }) => [participant, may]));
    expect(named.get(her)).toEqual(['audio', 'video', 'screen']);
    expect(named.get(his)).toEqual(['video']);
  }
  // Whoever gets a ticket is named before he comes.
  const { participant } = await b.ticket(conversation);
  await until(() => said(alpha)?.named.some((each) => each.participant === participant), 'Anna is named');
  // Who administers may speak at once.
  await a.changeRole(conversation, c.id, 'admin');
  const mayNow = () => said(beta)?.named.find((each) => each.participant === his)?.may.length === 3;
  await until(mayNow, 'Bob may speak');
  await expect(b.rule(conversation, { speak: 'everybody' })).rejects.toMatchObject({ code: 'HOME_FORBIDDEN' });

  // An SFT that was away hears it when it is back.
  beta.sft.close();
  await beta.connectSft();
  await until(() => said(beta), 'told anew');
  expect(said(beta)?.unnamed).toEqual(['video']);
  await a.endCall(conversation);
});

test('to mute everybody mutes all but the own microphone, to mute one mutes that one', async () => {
  const [a, , c] = people();
  const { conversation, participants } = await going('Mute');
  const [her, his] = participants;
  await a.mute(conversation);
  await until(() => beta.sft.muted.includes(his), 'Bob is muted');
  expect(alpha.sft.muted).not.toContain(her);
  await until(async () => (await moderationOf(c, conversation))?.muted?.by === a.id, 'he sees who did it');
  beta.sft.muted.length = 0;
  await a.mute(conversation, his);
  await until(() => beta.sft.muted.includes(his), 'Bob is muted again');
  await expect(c.mute(conversation, her)).rejects.toMatchObject({ code: 'HOME_FORBIDDEN' });
  await a.endCall(conversation);
});
