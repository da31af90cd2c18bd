/** Guests of calls, between real homeservers: how they come, what they see, that everything else is closed to them, and that nothing is left. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API } from '#signalling/client-home.ts';
import { GuestInvitation, MAX_GUEST_LINKS } from '#signalling/guests.ts';
import type { ConferenceId, ConversationId, ParticipantId } from '#signalling/ids.ts';
import { type Organisation, organise, PASSWORD, type World } from './testing/organisation.ts';
import { ask, Person } from './testing/person.ts';
import { until } from './testing/world.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let [alice, anna, bob]: Person[] = [];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  [alice, anna] = await Promise.all([alpha.person('alice', 'Alice'), alpha.person('anna', 'Anna')]);
  bob = await beta.person('bob', 'Bob');
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

function people(): [Person, Person, Person] {
  if (!alice || !anna || !bob) throw new Error('nobody');
  return [alice, anna, bob];
}

interface Going {
  readonly conversation: ConversationId;
  readonly conference: ConferenceId;
  readonly participant: ParticipantId;
}

/** A call of Alice and Anna of alpha and Bob of beta, in which Alice is. */
async function going(title: string): Promise<Going> {
  const [a, b, c] = people();
  const { conversation } = await a.create(title, b.id, c.id);
  const { call, participant } = await a.call(conversation);
  alpha.sft.presence(call.conference, [participant]);
  await until(async () => (await a.conversation(conversation)).call?.members.length === 1, 'Alice is in the call');
  await until(
    async () => (await c.conversations()).find((each) => each.conversation === conversation)?.call,
    'the call at beta',
  );
  return { conversation, conference: call.conference, participant };
}

const seenBy = async (guest: Person) => (await guest.conversations())[0];
const refused = (status: number, code: string) => expect.objectContaining({ status, code });

test('a guest comes by a link, waits, is let in, seen by all with his name, put out, and gone with the call', async () => {
  const [a, , c] = people();
  const { conversation, conference, participant } = await going('Secret ropes');
  const { token } = await a.makeGuestLink(conversation);
  expect(await ask(alpha.url, 'POST', 'guest-links/look', GuestInvitation, { body: { token } })).toEqual({
    by: 'Alice',
    domain: 'alpha.example',
  });
  const nina = await alpha.guest(token, ' Nina ');
  expect(nina.session.user).toMatchObject({ name: 'Nina', domain: 'alpha.example', guest: true });
  expect(nina.id).toMatch(/^mimi:\/\/alpha\.example\/u\/guest-[0-9a-f]{26}$/);

  expect(await seenBy(nina)).toMatchObject({ conversation, title: '', members: [{ user: nina.id }] });
  await expect(nina.ticket(conversation)).rejects.toEqual(refused(403, 'HOME_CALL_LOBBY'));
  expect(await nina.knock(conversation)).toBe('lobby');
  const isWaiting = (events: Person['events']) =>
    events.some((event) => event.type === 'moderated' && event.moderation.waiting.some(({ user }) => user === nina.id));
  await until(() => isWaiting(a.events) && isWaiting(c.events), 'both are told who waits');
  await expect(c.letIn(conversation, nina.id)).rejects.toEqual(refused(403, 'HOME_FORBIDDEN'));
  await a.letIn(conversation, nina.id);
  await until(
    () => nina.events.some((event) => event.type === 'conversation' && event.conversation.title !== ''),
    'she is told',
  );
  const ticket = await nina.ticket(conversation);
  expect(ticket.call.members.map(({ user }) => user)).toEqual([a.id]);
  alpha.sft.presence(conference, [participant, ticket.participant]);
  await until(async () => (await c.conversation(conversation)).call?.members.length === 2, 'she is there at beta');
  const call = (await c.conversation(conversation)).call;
  expect(call?.members[1]).toMatchObject({ user: nina.id, name: 'Nina', domain: 'alpha.example' });
  expect(call?.guests).toEqual([{ user: nina.id, name: 'Nina', by: a.id }]);
  expect((await c.conversation(conversation)).members.map(({ user }) => user)).not.toContain(nina.id);
  const shown = await seenBy(nina);
  expect(shown).toMatchObject({ title: 'Secret ropes', domains: ['alpha.example', 'beta.example'] });
  // Bob is in the conversation, and not in the call.
  expect(shown?.members.map(({ user }) => user)).toEqual([a.id, nina.id]);
  // She may speak and show video, and share nothing.
  const may = () =>
    alpha.sft.permissions.get(conference)?.named.find((each) => each.participant === ticket.participant)?.may;
  await until(() => may()?.length === 2, 'her SFT is told');
  expect(may()).toEqual(['audio', 'video']);

  await a.putOut(conversation, nina.id);
  await until(() => alpha.sft.removed.includes(ticket.participant), 'her SFT puts her out');
  await expect(nina.ticket(conversation)).rejects.toEqual(refused(403, 'HOME_CALL_BARRED'));
  await a.endCall(conversation);
  await nina.hear('ended');
  await nina.hear('conversationRemoved');
  await until(() => !nina.isListening, 'her session is over');
  await expect(nina.conversations()).rejects.toEqual(refused(401, 'HOME_UNAUTHENTICATED'));
  await expect(alpha.guest(token, 'Nina')).rejects.toEqual(refused(403, 'HOME_GUEST_LINK_REFUSED'));
  expect(alpha.logged.join('\n')).not.toMatch(new RegExp(`${token}|Nina`));
});

test('a guest of another organisation than the hub’s is one of whoever invited, who administers there', async () => {
  const [a, , c] = people();
  const { conversation } = await going('Two sides');
  await expect(c.makeGuestLink(conversation)).rejects.toEqual(refused(403, 'HOME_FORBIDDEN'));
  await a.changeRole(conversation, c.id, 'admin');
  const isAdmin = async () =>
    (await c.conversation(conversation)).members.some(({ user, role }) => user === c.id && role === 'admin');
  await until(isAdmin, 'Bob administers, at beta too');
  const { token } = await c.makeGuestLink(conversation);
  // It is a link of beta: alpha knows nothing of it.
  await expect(alpha.guest(token, 'Nils')).rejects.toEqual(refused(403, 'HOME_GUEST_LINK_REFUSED'));
  const nils = await beta.guest(token, 'Nils');
  expect(await nils.knock(conversation)).toBe('lobby');
  await a.letIn(conversation, nils.id);
  await until(async () => (await seenBy(nils))?.title === 'Two sides', 'he is let in, at beta too');
  const { participant, call } = await nils.ticket(conversation);
  beta.sft.presence(call.conference, [participant]);
  await until(async () => (await a.conversation(conversation)).call?.members.length === 2, 'alpha sees him');
  expect((await a.conversation(conversation)).call?.members[1]).toMatchObject({ user: nils.id, name: 'Nils' });
  // Whoever does not administer any more invites nobody.
  await a.changeRole(conversation, c.id, 'member');
  await expect(beta.guest(token, 'Nobody')).rejects.toEqual(refused(403, 'HOME_GUEST_LINK_REFUSED'));
  await a.endCall(conversation);
  await until(() => !nils.isListening, 'his session is over');
});

test('a guest who signs out is gone at once', async () => {
  const [a] = people();
  const { conversation } = await going('Short');
  const { token } = await a.makeGuestLink(conversation);
  const nina = await alpha.guest(token, 'Nina');
  await nina.signOut();
  await until(() => !nina.isListening, 'her session is over');
  await expect(nina.conversations()).rejects.toEqual(refused(401, 'HOME_UNAUTHENTICATED'));
  await a.endCall(conversation);
});

test('coming and going as a guest leaves the cookie alone of somebody who uses the same browser', async () => {
  const [a] = people();
  const { conversation } = await going('Cookies');
  const { token } = await a.makeGuestLink(conversation);
  const come = await fetch(`${alpha.url}${API}/guests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, name: 'Nina' }),
  });
  expect([come.status, come.headers.getSetCookie()]).toEqual([201, []]);
  const { accessToken } = (await come.json()) as { accessToken: string };
  const go = await fetch(`${alpha.url}${API}/sessions/current`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${accessToken}` },
  });
  expect([go.status, go.headers.getSetCookie()]).toEqual([204, []]);
  await a.endCall(conversation);
});

test('links are of whoever made them, are few, can be taken back, and are not guessed', async () => {
  const [a, b] = people();
  const { conversation } = await going('Links');
  await expect(b.makeGuestLink(conversation)).rejects.toEqual(refused(403, 'HOME_FORBIDDEN'));
  const made = await a.makeGuestLink(conversation);
  const [listed] = await a.guestLinks(conversation);
  expect(listed).toMatchObject({ id: made.id, expiresAt: made.expiresAt });
  expect(JSON.stringify(listed)).not.toContain(made.token);
  await a.takeBackGuestLink(conversation, made.id);
  await expect(a.takeBackGuestLink(conversation, made.id)).rejects.toEqual(refused(404, 'HOME_NOT_FOUND'));
  expect(await a.guestLinks(conversation)).toEqual([]);
  await expect(alpha.guest(made.token, 'Nina')).rejects.toEqual(refused(403, 'HOME_GUEST_LINK_REFUSED'));
  for (let i = 0; i < MAX_GUEST_LINKS; i++) await a.makeGuestLink(conversation);
  await expect(a.makeGuestLink(conversation)).rejects.toEqual(refused(409, 'HOME_TOO_MANY_GUEST_LINKS'));
  await a.endCall(conversation);
});

test('nobody has to do with a guest outside of the call', async () => {
  const [a, b] = people();
  const { conversation } = await going('Nobody');
  const { token } = await a.makeGuestLink(conversation);
  await expect(alpha.guest(token, 'Alice ✓')).rejects.toEqual(refused(400, 'HOME_GUEST_NAME_REFUSED'));
  const nina = await alpha.guest(token, 'Nina');
  const { handle } = nina.session.user;
  await expect(b.find(`@${handle}@alpha.example`)).rejects.toEqual(refused(404, 'HOME_NOT_FOUND'));
  await expect(a.addMember(conversation, nina.id)).rejects.toEqual(refused(404, 'HOME_NOT_FOUND'));
  await expect(b.create('With a guest', nina.id)).rejects.toEqual(refused(404, 'HOME_NOT_FOUND'));
  await expect(Person.signIn(alpha.url, handle, PASSWORD)).rejects.toEqual(refused(401, 'HOME_WRONG_CREDENTIALS'));
  // She is told nothing of others, and may not say that she is in the conversation.
  await expect(nina.conversation(conversation)).rejects.toEqual(refused(403, 'HOME_FORBIDDEN'));
  await a.endCall(conversation);
});

interface Operation {
  readonly description?: string;
  readonly security: readonly object[];
}

/** What is open to guests. Whoever opens one more route writes it down here. */
const OPEN = [
  'delete /conversations/{conversation}/call/lobby',
  'delete /conversations/{conversation}/group/turns',
  'delete /sessions/current',
  'get /authorities/{domain}',
  'get /conversations',
  'get /conversations/{conversation}/group',
  'get /conversations/{conversation}/group/trees/{epoch}',
  'get /devices/current/key-packages',
  'get /queue',
  'post /conversations/{conversation}/call/tickets',
  'post /conversations/{conversation}/group',
  'post /conversations/{conversation}/group/commits',
  'post /conversations/{conversation}/group/joins',
  'post /conversations/{conversation}/group/turns',
  'post /devices',
  'post /devices/current',
  'post /devices/current/certificate',
  'post /queue/acknowledgements',
  'put /conversations/{conversation}/call/lobby',
  'put /devices/current/key-packages',
];

test('every route but those for calls is closed to a guest, before anything he sends is read', async () => {
  const [a] = people();
  const { conversation } = await going('Door');
  const { token } = await a.makeGuestLink(conversation);
  const nina = await alpha.guest(token, 'Nina');
  const { paths } = (await (await fetch(`${alpha.url}${API}/openapi.json`)).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const open: string[] = [];
  let closed = 0;
  for (const [path, methods] of Object.entries(paths)) {
    const filled = path
      .replace('{conversation}', encodeURIComponent(conversation))
      .replaceAll(/\{(?:user|device)\}/g, encodeURIComponent(a.id))
      .replace('{domain}', 'alpha.example')
      .replaceAll(/\{\w+\}/g, '1');
    for (const [method, { description = '' }] of Object.entries(methods)) {
      if (description.includes('Also for guests of a call.')) {
        open.push(`${method} ${path}`);
        continue;
      }
      const response = await fetch(`${alpha.url}${API}${filled}`, {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${nina.session.accessToken}` },
      });
      const { code } = (await response.json()) as { code?: string };
      expect([response.status, code], `${method} ${path}`).toEqual([403, 'HOME_FORBIDDEN']);
      closed += 1;
    }
  }
  expect(open.toSorted()).toEqual(OPEN);
  expect(closed).toBeGreaterThan(50);
  // What of it names a room is closed again, where that is not the call.
  const headers = { authorization: `Bearer ${nina.session.accessToken}` };
  const group = await fetch(`${alpha.url}${API}/conversations/${encodeURIComponent(conversation)}/group`, { headers });
  expect(group.status).toBe(403);
  const authority = await fetch(`${alpha.url}${API}/authorities/gamma.example`, { headers });
  expect(authority.status).toBe(404);
  await a.endCall(conversation);
});

test('whoever tries links at random has to wait longer and longer', async () => {
  const outcomes: unknown[] = [];
  for (let i = 0; i < 7; i++) {
    const looking = ask(alpha.url, 'POST', 'guest-links/look', GuestInvitation, { body: { token: `${i}`.repeat(32) } });
    outcomes.push(await looking.catch(({ code }: { code: string }) => code));
  }
  expect(outcomes.slice(0, 2)).toEqual(['HOME_GUEST_LINK_REFUSED', 'HOME_GUEST_LINK_REFUSED']);
  expect(outcomes.at(-1)).toBe('HOME_SLOW_DOWN');
});
