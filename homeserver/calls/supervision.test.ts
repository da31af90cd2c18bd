/** What an administrator does in calls, between real homeservers: as the one that leads a call, and as one that does not. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallActed, CallReports } from '#signalling/administration.ts';
import type { ConferenceId, ConversationId, ParticipantId } from '#signalling/ids.ts';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import type { Person } from '../testing/person.ts';
import { until } from '../testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  [alice, bob] = await Promise.all([alpha.person('alice'), beta.person('bob')]);
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

/** A conversation of Alice, which alpha leads therefore, with a call that she or Bob has started and both are in. */
async function going(starter: 'alice' | 'bob' = 'alice') {
  const { conversation } = await alice.create('Quarterly figures', bob.id);
  await until(async () => (await bob.conversations()).some((each) => each.conversation === conversation), 'at beta');
  const started = await (starter === 'alice' ? alice : bob).call(conversation);
  const { conference } = started.call;
  const inCall = async (person: Person) => (await person.conversation(conversation)).call?.conference === conference;
  await until(async () => (await inCall(alice)) && (await inCall(bob)), 'the call at both');
  const tickets = { alice: await alice.ticket(conversation), bob: await bob.ticket(conversation) };
  const [hers, his] = [tickets.alice.participant, tickets.bob.participant];
  alpha.sft.presence(conference, [hers]);
  beta.sft.presence(conference, [his]);
  const members = async (person: Person) => (await person.conversation(conversation)).call?.members.length;
  await until(async () => (await members(alice)) === 2 && (await members(bob)) === 2, 'both are in');
  return { conversation, conference, hers, his };
}

const report = async (at: Organisation) => (await (await fetch(`${at.admin}/admin/v1/calls`)).json()) as CallReports;

async function act(at: Organisation, conference: string, what: string, body: object = {}) {
  const response = await fetch(`${at.admin}/admin/v1/calls/${conference}/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as CallActed & { code?: string; message?: string };
}

async function audited(at: Organisation): Promise<string> {
  const { lines } = (await (await fetch(`${at.admin}/admin/v1/audit?last=20`)).json()) as { lines: object[] };
  return JSON.stringify(lines);
}

const isOver = async (person: Person, conversation: ConversationId) =>
  (await person.conversation(conversation)).call === undefined;
const everywhere = { reach: 'everywhere', hub: 'alpha.example' };
const nobody = 'n'.repeat(22) as ParticipantId & ConferenceId;

test('each homeserver names its own people and shows others by their pseudonyms, and tells no title', async () => {
  const { conference, hers, his } = await going();
  const shown = { conference, hub: 'alpha.example', anchor: 'alpha.example', waiting: 0, locked: false };
  const atAlpha = await report(alpha);
  expect(atAlpha).toMatchObject({ domain: 'alpha.example', sft: true, calls: [shown] });
  expect(atAlpha.calls[0]?.participants).toEqual([
    { participant: hers, domain: 'alpha.example', handle: 'alice' },
    { participant: his, domain: 'beta.example' },
  ]);
  const atBeta = await report(beta);
  expect(atBeta.calls[0]?.participants).toEqual([
    { participant: his, domain: 'beta.example', handle: 'bob' },
    { participant: hers, domain: 'alpha.example' },
  ]);
  expect(JSON.stringify([atAlpha, atBeta])).not.toContain('Quarterly');
  expect(await act(alpha, conference, 'put-out', { participant: nobody })).toMatchObject({ code: 'HOME_NOT_FOUND' });
  expect(await act(alpha, nobody, 'end')).toMatchObject({ code: 'HOME_NO_CALL' });
  expect(await act(alpha, conference, 'end')).toEqual(everywhere);
});

test('the one that leads the call puts out whoever it is, also who moderates, and that is seen and stays so', async () => {
  const { conversation, conference, hers, his } = await going();
  expect(await act(alpha, conference, 'put-out', { participant: his })).toEqual(everywhere);
  await until(() => beta.sft.removed.includes(his), 'the SFT of beta is told');
  await expect(bob.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  expect((await alice.conversation(conversation)).call?.moderation?.barred).toEqual([
    { user: bob.id, by: 'mimi://alpha.example.invalid/u/administrator' },
  ]);

  expect(await act(alpha, conference, 'put-out', { participant: hers })).toEqual(everywhere);
  await until(() => alpha.sft.removed.includes(hers), 'the SFT of alpha is told');
  await expect(alice.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  await expect(alice.letIn(conversation, alice.id)).rejects.toMatchObject({ code: 'HOME_FORBIDDEN' });
  expect(await audited(alpha)).toContain(`conference ${conference} participant ${hers}`);
  await act(alpha, conference, 'end');
  await until(() => isOver(bob, conversation), 'the end at beta');
});

test('the one that leads the call mutes one or all, everywhere, and everybody sees it', async () => {
  const { conversation, conference, hers, his } = await going();
  expect(await act(alpha, conference, 'mute', { participant: his })).toEqual(everywhere);
  await until(() => beta.sft.muted.includes(his), 'he is muted');
  expect(alpha.sft.muted).not.toContain(hers);
  expect(await act(alpha, conference, 'mute')).toEqual(everywhere);
  await until(() => alpha.sft.muted.includes(hers), 'she is muted too');
  const muted = async () => (await bob.conversation(conversation)).call?.moderation?.muted;
  await until(async () => (await muted())?.participant === undefined, 'he sees that all were');
  expect((await muted())?.by).toBe('mimi://alpha.example.invalid/u/administrator');
  await act(alpha, conference, 'end');
  await until(() => alpha.sft.ended.includes(conference) && beta.sft.ended.includes(conference), 'both SFTs end it');
  await until(() => isOver(bob, conversation), 'the end at beta');
});

test('where another domain leads the call, the own people are put out and muted, and nobody else', async () => {
  const { conversation, conference, hers, his } = await going();
  const here = { reach: 'here', hub: 'alpha.example' };
  const elsewhere = { code: 'HOME_CALL_ELSEWHERE', message: expect.stringContaining('(alpha.example)') };
  expect(await act(beta, conference, 'put-out', { participant: hers })).toMatchObject(elsewhere);
  expect(await act(beta, conference, 'mute', { participant: hers })).toMatchObject(elsewhere);
  expect(await act(beta, conference, 'end')).toMatchObject(elsewhere);
  expect(await act(beta, conference, 'mute')).toEqual(here);
  await until(() => beta.sft.muted.includes(his), 'he is muted');

  expect(await act(beta, conference, 'put-out', { participant: his })).toEqual(here);
  await until(() => beta.sft.removed.includes(his), 'he is put out');
  await expect(bob.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  // With a ticket from before, or where the SFT lost the word of it.
  const before = beta.sft.removed.length;
  beta.sft.presence(conference, [his]);
  await until(() => beta.sft.removed.length > before, 'he is put out again');
  await beta.stop();
  await beta.start();
  await beta.connectSft();
  await until(async () => (await report(beta)).sft, 'the SFT is back');
  await expect(bob.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  expect(await audited(beta)).toContain('put-out');
  await act(alpha, conference, 'end');
});

test('whose SFT is the anchor ends the call for all, also where another domain leads it', async () => {
  const { conference } = await going('bob');
  expect(await act(beta, conference, 'end')).toEqual({ reach: 'everywhere', hub: 'alpha.example' });
  await until(() => beta.sft.ended.includes(conference), 'its SFT lets go of it');
  beta.sft.close();
  await until(async () => !(await report(beta)).sft, 'the SFT is away');
  expect(await act(beta, conference, 'end')).toMatchObject({ code: 'HOME_SFT_UNREACHABLE' });
});

test('nobody gets the handle that stands for an administrator', async () => {
  const made = alpha.homeserver.createAccount({ handle: 'administrator', name: 'A', password: 'correct horse' });
  await expect(made).rejects.toMatchObject({ code: 'HOME_HANDLE_TAKEN' });
});
