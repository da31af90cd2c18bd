import { describe, expect, test } from 'vitest';
import type { Operation, Statement } from '#signalling/federation.ts';
import { MAX_GUESTS } from '#signalling/guests.ts';
import {
  type ConferenceId,
  type ConversationId,
  callRoomOf,
  domainOf,
  type ParticipantId,
  type UserId,
} from '#signalling/ids.ts';
import { entryOf, permissionsIn } from '#signalling/moderation.ts';
import { inWordsOf } from '../federation/judge.ts';
import { domain, user } from '../testing/world.ts';
import { toldBy } from './changes.ts';
import { apply, created, type Looked, parted, withoutDomain } from './conversation.ts';
import { peopleInCall, shownToGuest } from './guests.ts';
import { peopleOf } from './held-groups.ts';

const alpha = domain('alpha.example');
const beta = domain('beta.example');
const alice = user('@alice@alpha.example');
const anna = user('@anna@alpha.example');
const bob = user('@bob@beta.example');
const nina = user('@guest-nina@alpha.example');
const nils = user('@guest-nils@beta.example');
const conversation = `mimi://${alpha}/r/AAAAAAAAAAAAAAAAAAAAAA` as ConversationId;
const conference = 'c'.repeat(22) as ConferenceId;
const room = callRoomOf(conversation, conference);
const coded = (code: string) => expect.objectContaining({ code });
const participantOf = (who: UserId) =>
  [...`${who}`].reverse().join('').replace(/\W/g, '').padEnd(22, 'A').slice(0, 22) as ParticipantId;

/** Alice administers and has started the call. */
const start = apply(
  created({
    conversation,
    title: 'Ropes',
    creator: { user: alice, name: 'Alice' },
    others: [
      { user: anna, name: 'Anna' },
      { user: bob, name: 'Bob' },
    ],
  }),
  alpha,
  { type: 'startCall', actor: alice, conference },
  5,
);

type Act = Operation extends infer O ? (O extends { conference: ConferenceId } ? Omit<O, 'conference'> : never) : never;
const act = (state: Statement, operation: Act, now = 10) =>
  apply(state, alpha, { ...operation, conference } as Looked, now);
const present = (state: Statement, of: typeof alpha, ...users: UserId[]) =>
  apply(
    state,
    of,
    {
      ...{ type: 'presence', conference, seq: 1 },
      participants: users.map((each) => ({ participant: participantOf(each), user: each })),
    },
    10,
  );
const invite = (state: Statement, guest: UserId = nina, name = 'Nina', actor = alice) =>
  act(state, { type: 'inviteGuest', actor, user: guest, name });
const entry = (state: Statement, who: UserId) => {
  const person = peopleInCall(state).find((each) => each.user === who);
  return state.call && person && entryOf(state.call, person);
};
const inCall = ({ call }: Statement) => call?.members.map((each) => each.user);
const letIn = (state: Statement, guest = nina) => act(state, { type: 'letIntoCall', actor: alice, user: guest });

const going = present(start, alpha, alice, anna);
const waiting = act(invite(going), { type: 'knock', actor: nina });
const inside = present(letIn(waiting), alpha, alice, anna, nina);

describe('a guest', () => {
  test('is invited by whoever moderates, of his own organisation, under a name that is one', () => {
    expect(invite(going).call?.guests).toEqual([{ user: nina, name: 'Nina', by: alice }]);
    expect(() => invite(going, nina, 'Nina', anna)).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => invite(going, nils, 'Nils')).toThrow(coded('FED_FOREIGN'));
    expect(() => invite(going, anna, 'Anna')).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => invite(going, nina, 'Nina ✓')).toThrow(coded('HOME_GUEST_NAME_REFUSED'));
    expect(() => invite(going, nina, 'Nina', nina)).toThrow(coded('HOME_NOT_FOUND'));
    const locked = act(going, { type: 'ruleCall', actor: alice, rules: { locked: true } });
    expect(() => invite(locked)).toThrow(coded('HOME_CALL_LOCKED'));
    expect(invite(waiting)).toBe(waiting);
  });

  test('waits until somebody lets him in, also where there is no lobby', () => {
    expect(entry(invite(going), nina)).toBe('lobby');
    expect(waiting.call?.moderation?.waiting).toMatchObject([{ user: nina, name: 'Nina' }]);
    expect(inCall(present(waiting, alpha, alice, anna, nina))).not.toContain(nina);
    expect(peopleOf(waiting, room).roles.has(nina)).toBe(false);
    expect(entry(letIn(waiting), nina)).toBe('open');
    expect(inside.call?.members.at(-1)).toMatchObject({ user: nina, name: 'Nina', domain: alpha });
    expect(peopleOf(inside, room).roles.get(nina)).toBe('guest');
  });

  test('stays let in and goes on waiting while rules are changed, and comes in nowhere that is locked', () => {
    const opened = act(inside, { type: 'ruleCall', actor: alice, rules: { lobby: true } });
    const again = act(opened, { type: 'ruleCall', actor: alice, rules: { lobby: false } });
    expect(entry(again, nina)).toBe('open');
    const away = present(inside, alpha, alice, anna);
    const shut = act(away, { type: 'ruleCall', actor: alice, rules: { locked: true } });
    expect(entry(shut, nina)).toBe('open');
    const rest = act(waiting, { type: 'ruleCall', actor: alice, rules: { speak: 'moderators' } });
    expect(rest.call?.moderation?.waiting).toHaveLength(1);
    const locked = act(waiting, { type: 'ruleCall', actor: alice, rules: { locked: true } });
    expect(locked.call?.moderation?.waiting).toEqual([]);
    expect(entry(locked, nina)).toBe('locked');
  });

  test('is put out, with his keys, and comes in again only where he is let in', () => {
    const out = act(inside, { type: 'putOutOfCall', actor: alice, user: nina });
    expect(inCall(out)).not.toContain(nina);
    expect(peopleOf(out, room).roles.has(nina)).toBe(false);
    expect(() => act(out, { type: 'knock', actor: nina })).toThrow(coded('HOME_CALL_BARRED'));
    expect(entry(letIn(out), nina)).toBe('open');
  });

  test('may speak and show video as a guest, and decides nothing', () => {
    const [person] = peopleInCall(inside).filter((each) => each.user === nina);
    expect(person && inside.call && permissionsIn(inside.call, person)).toEqual(['audio', 'video']);
    for (const operation of [
      { type: 'ruleCall', actor: nina, rules: { lobby: true } },
      { type: 'muteInCall', actor: nina },
      { type: 'putOutOfCall', actor: nina, user: anna },
      { type: 'letIntoCall', actor: nina, user: nina },
    ] as const) {
      expect(() => act(inside, operation)).toThrow(coded('HOME_NOT_FOUND'));
    }
  });

  test('is nobody in the conversation', () => {
    expect(peopleOf(inside, conversation).roles.has(nina)).toBe(false);
    const refused = coded('HOME_NOT_FOUND');
    for (const operation of [
      { type: 'leave', actor: nina },
      { type: 'changeTitle', actor: nina, title: 'Mine' },
      { type: 'changeName', actor: nina, name: 'Alice' },
      { type: 'endCall', actor: nina, conference },
      { type: 'startCall', actor: nina, conference },
    ] as const) {
      expect(() => apply(inside, alpha, operation, 10)).toThrow(refused);
    }
  });

  test('goes with the call, and with the last of his organisation', () => {
    expect(act(inside, { type: 'endCall', actor: alice }).call).toBeUndefined();
    let state = act(present(start, beta, bob), { type: 'inviteGuest', actor: alice, user: nina, name: 'Nina' });
    state = apply(state, alpha, { type: 'changeRole', actor: alice, user: bob, role: 'admin' }, 10);
    state = apply(state, beta, { type: 'inviteGuest', actor: bob, conference, user: nils, name: 'Nils' }, 10);
    state = present(letIn(state, nils), beta, nils, bob);
    const left = apply(state, beta, { type: 'leave', actor: bob }, 11);
    expect(left.call).toBeUndefined();
    const both = present(state, alpha, alice);
    const alone = apply(both, beta, { type: 'leave', actor: bob }, 11);
    expect(alone.call?.guests?.map((each) => each.user)).toEqual([nina]);
    expect(inCall(alone)).toEqual([alice]);
    expect(JSON.stringify(alone)).not.toContain(nils);
    expect(JSON.stringify(parted(both, beta))).not.toContain(nils);
    expect(JSON.stringify(withoutDomain(both, beta).call)).not.toContain(nils);
  });

  test('is never the one whose call it is', () => {
    let state = apply(start, alpha, { type: 'addMember', actor: alice, user: bob, name: 'Bob' }, 6);
    state = present(letIn(invite(state)), alpha, nina);
    state = apply(state, alpha, { type: 'leave', actor: alice }, 11);
    expect(state.call?.startedBy).toBe(anna);
  });
});

test('of too many guests one goes who is not there; where all are, nobody comes', () => {
  const guest = (i: number) => user(`@guest-${i}@alpha.example`);
  let state = going;
  for (let i = 0; i < MAX_GUESTS; i++) state = invite(state, guest(i), `G${i}`);
  state = act(state, { type: 'knock', actor: guest(0) });
  const more = invite(state);
  const users = more.call?.guests?.map((each) => each.user);
  expect(users).toHaveLength(MAX_GUESTS);
  expect(users).toContain(guest(0));
  expect(users).toContain(nina);
  expect(users).not.toContain(guest(1));
  for (let i = 1; i < MAX_GUESTS; i++) state = act(state, { type: 'knock', actor: guest(i) });
  expect(() => invite(state)).toThrow(coded('HOME_TOO_MANY_GUESTS'));
});

describe('what a guest is told', () => {
  const eventsOf = (before: Statement, after: Statement) =>
    toldBy({ before, after }).flatMap(({ user: who, event }) => (who === nina ? [event] : []));

  test('before he was let in, is who invited him', () => {
    const shown = shownToGuest(present(waiting, beta, bob), nina);
    expect(shown).toMatchObject({ title: '', members: [{ user: nina }], call: { startedBy: alice, members: [] } });
    expect(JSON.stringify(shown)).not.toMatch(/Ropes|anna|bob/);
    expect(eventsOf(going, invite(going))).toMatchObject([{ type: 'conversation' }]);
    // Who comes and goes meanwhile is not his affair.
    expect(eventsOf(waiting, present(waiting, beta, bob))).toEqual([]);
  });

  test('then, is who is in the call, and nobody else', () => {
    const shown = shownToGuest(inside, nina);
    expect(shown?.title).toBe('Ropes');
    expect(shown?.members.map((each) => [each.user, each.role])).toEqual([
      [alice, 'admin'],
      [anna, 'member'],
      [nina, 'guest'],
    ]);
    expect(shown?.domains).toEqual([alpha, beta]);
    expect(JSON.stringify(shown)).not.toMatch(/bob@|Bob/);
    const closed = act(act(inside, { type: 'ruleCall', actor: alice, rules: { lobby: true } }), {
      type: 'knock',
      actor: bob,
    });
    expect(JSON.stringify(shownToGuest(closed, nina))).not.toMatch(/u\/bob/);
  });

  test('when he is put out, is by whom, and nothing else any more', () => {
    const out = act(inside, { type: 'putOutOfCall', actor: alice, user: nina });
    const shown = shownToGuest(out, nina);
    expect(shown).toMatchObject({
      title: '',
      call: { members: [], moderation: { barred: [{ user: nina, by: alice }] } },
    });
    expect(shown?.members.map(({ name }) => name)).toEqual(['Alice', 'Nina']);
  });

  test('and when it is over, that it is', () => {
    const over = act(inside, { type: 'endCall', actor: alice });
    expect(eventsOf(inside, over).map(({ type }) => type)).toEqual(['ended', 'conversationRemoved']);
  });

  test('others are told of him by the conversation, as of who comes into it', () => {
    const told = toldBy({ before: going, after: invite(going) }).filter(({ user: who }) => who === bob);
    expect(told).toMatchObject([{ event: { type: 'conversation' } }, { event: { type: 'moderated' } }]);
  });
});

test('a domain that speaks an older version hears nothing of guests', () => {
  const old = inWordsOf(1, inside);
  expect(JSON.stringify(old)).not.toContain(nina);
  expect(old.call?.members.map((each) => each.user)).toEqual([alice, anna]);
  expect(inWordsOf(2, inside)).toBe(inside);
  expect(domainOf(nina)).toBe(alpha);
});
