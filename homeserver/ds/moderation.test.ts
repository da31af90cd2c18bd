import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operation, Statement } from '#signalling/federation.ts';
import {
  type ConferenceId,
  type ConversationId,
  callRoomOf,
  domainOf,
  officeOf,
  type ParticipantId,
  type UserId,
} from '#signalling/ids.ts';
import { entryOf, MAX_WAITING, WAITING_MS } from '#signalling/moderation.ts';
import { domain, user } from '../testing/world.ts';
import { administered, apply, created, expired, type Looked } from './conversation.ts';
import { peopleOf } from './held-groups.ts';

const alpha = domain('alpha.example');
const alice = user('@alice@alpha.example');
const anna = user('@anna@alpha.example');
const bob = user('@bob@beta.example');
const carol = user('@carol@gamma.example');
const people = [alice, anna, bob, carol];
const conversation = `mimi://${alpha}/r/AAAAAAAAAAAAAAAAAAAAAA` as ConversationId;
const conference = 'c'.repeat(22) as ConferenceId;
const participantOf = (who: UserId) => `${people.indexOf(who)}`.repeat(22) as ParticipantId;
const coded = (code: string) => expect.objectContaining({ code });

/** Alice administers, Bob has started the call. */
const start = apply(
  created({
    conversation,
    title: 'Ropes',
    creator: { user: alice, name: 'Alice' },
    others: [bob, anna, carol].map((each) => ({ user: each, name: 'X' })),
  }),
  domainOf(bob),
  { type: 'startCall', actor: bob, conference },
  5,
);

type Act = Operation extends infer O ? (O extends { conference: ConferenceId } ? Omit<O, 'conference'> : never) : never;
const act = (state: Statement, operation: Act, now = 10) =>
  apply(state, alpha, { ...operation, conference } as Looked, now);
/** Everybody of their domain who is in the call, by name. */
const present = (state: Statement, seq: number, ...users: UserId[]) =>
  apply(
    state,
    domainOf(users[0] ?? alice),
    {
      ...{ type: 'presence', conference, seq },
      participants: users.map((each) => ({ participant: participantOf(each), user: each })),
    },
    10,
  );
const entry = (state: Statement, who: UserId) => {
  const member = state.members.find((each) => each.user === who);
  return state.call && member && entryOf(state.call, member);
};
const inCall = ({ call }: Statement) => call?.members.map((each) => each.user);

test('only who administers or started the call decides anything in it', () => {
  for (const actor of [anna, carol]) {
    expect(() => act(start, { type: 'ruleCall', actor, rules: { lobby: true } })).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => act(start, { type: 'muteInCall', actor })).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => act(start, { type: 'putOutOfCall', actor, user: anna })).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => act(start, { type: 'letIntoCall', actor, user: carol })).toThrow(coded('HOME_FORBIDDEN'));
  }
  for (const actor of [alice, bob]) {
    const state = act(start, { type: 'ruleCall', actor, rules: { speak: 'moderators' } });
    expect(state.call?.moderation).toMatchObject({
      by: actor,
      at: 10,
      rules: { speak: 'moderators', film: 'everybody' },
    });
  }
  const stranger = user('@mallory@beta.example');
  expect(() => act(start, { type: 'knock', actor: stranger })).toThrow(coded('HOME_NOT_FOUND'));
});

test('a rule that is so already changes nothing', () => {
  const state = act(start, { type: 'ruleCall', actor: bob, rules: { locked: true } });
  expect(act(state, { type: 'ruleCall', actor: alice, rules: { locked: true } }, 20)).toBe(state);
});

describe('a lobby', () => {
  const closed = act(present(start, 1, alice), { type: 'ruleCall', actor: alice, rules: { lobby: true } });

  test('keeps those in who are in, also when they come again', () => {
    const all = present(present(start, 1, alice, anna), 1, bob);
    const shut = act(all, { type: 'ruleCall', actor: bob, rules: { lobby: true } });
    expect(entry(shut, anna)).toBe('open');
    const without = present(shut, 2, alice);
    expect(inCall(without)).toEqual([bob, alice]);
    expect(inCall(present(without, 3, alice, anna))).toEqual([bob, alice, anna]);
  });

  test('lets in whoever was let in, whom everybody sees waiting before', () => {
    const waiting = act(closed, { type: 'knock', actor: carol });
    expect(waiting.call?.moderation?.waiting).toEqual([{ user: carol, name: 'X', until: 10 + WAITING_MS }]);
    const inside = act(waiting, { type: 'letIntoCall', actor: bob, user: carol });
    expect(inside.call?.moderation?.waiting).toEqual([]);
    expect(entry(inside, carol)).toBe('open');
    expect(inCall(present(inside, 1, carol))).toContain(carol);
  });

  test('does not count as present whoever was not let in, whatever his domain says', () => {
    expect(inCall(present(closed, 1, carol))).not.toContain(carol);
  });

  test('does not let keys to whoever was not let in, nor to whoever was put out', () => {
    const room = callRoomOf(conversation, conference);
    expect(peopleOf(closed, room).roles.has(carol)).toBe(false);
    expect(peopleOf(closed, conversation).roles.has(carol)).toBe(true);
    const inside = act(closed, { type: 'letIntoCall', actor: bob, user: carol });
    expect(peopleOf(inside, room).roles.has(carol)).toBe(true);
    const out = act(inside, { type: 'putOutOfCall', actor: bob, user: carol });
    expect(peopleOf(out, room).roles.has(carol)).toBe(false);
  });

  test('turns away, and whoever was turned away does not knock again', () => {
    const waiting = act(closed, { type: 'knock', actor: carol });
    const away = act(waiting, { type: 'putOutOfCall', actor: alice, user: carol });
    expect(away.call?.moderation).toMatchObject({ waiting: [], barred: [{ user: carol, by: alice }] });
    expect(() => act(away, { type: 'knock', actor: carol })).toThrow(coded('HOME_CALL_BARRED'));
    expect(entry(act(away, { type: 'letIntoCall', actor: bob, user: carol }), carol)).toBe('open');
  });

  test('forgets whoever does not knock again, and not whoever does', () => {
    const waiting = act(closed, { type: 'knock', actor: carol });
    expect(act(waiting, { type: 'knock', actor: carol }, 20)).toBe(waiting);
    const again = act(waiting, { type: 'knock', actor: carol }, 10 + WAITING_MS - 1);
    const later = 10 + WAITING_MS;
    const both = present(waiting, 2, alice);
    expect(expired(both, later).call?.moderation?.waiting).toEqual([]);
    expect(expired(both, later - 1)).toBe(both);
    expect(expired(again, later)).toBe(again);
    expect(act(waiting, { type: 'stopKnocking', actor: carol }).call?.moderation?.waiting).toEqual([]);
  });

  test('that is opened or locked has nobody who waits', () => {
    const waiting = act(closed, { type: 'knock', actor: carol });
    const open = act(waiting, { type: 'ruleCall', actor: alice, rules: { lobby: false } });
    expect(open.call?.moderation?.waiting).toEqual([]);
    expect(entry(open, carol)).toBe('open');
    expect(act(open, { type: 'knock', actor: carol })).toBe(open);
    const locked = act(waiting, { type: 'ruleCall', actor: alice, rules: { locked: true } });
    expect(locked.call?.moderation?.waiting).toEqual([]);
    expect(() => act(locked, { type: 'knock', actor: carol })).toThrow(coded('HOME_CALL_LOCKED'));
  });

  test('is full at some time', () => {
    const users = Array.from({ length: MAX_WAITING + 1 }, (_, i) => user(`@u${i}@beta.example`));
    let state = created({
      conversation,
      title: 'Crowd',
      creator: { user: alice, name: 'Alice' },
      others: users.map((each) => ({ user: each, name: 'X' })),
    });
    state = apply(state, alpha, { type: 'startCall', actor: alice, conference }, 5);
    state = act(state, { type: 'ruleCall', actor: alice, rules: { lobby: true } });
    for (const actor of users.slice(0, MAX_WAITING)) state = act(state, { type: 'knock', actor });
    expect(() => act(state, { type: 'knock', actor: users.at(-1) ?? alice })).toThrow(coded('HOME_LOBBY_FULL'));
  });
});

describe('whoever is put out', () => {
  const all = present(present(present(start, 1, alice, anna), 1, bob), 1, carol);

  test('is out at once, and comes in only where somebody lets him', () => {
    const out = act(all, { type: 'putOutOfCall', actor: bob, user: anna });
    expect(inCall(out)).toEqual([alice, bob, carol]);
    expect(inCall(present(out, 2, alice, anna))).not.toContain(anna);
    expect(act(out, { type: 'putOutOfCall', actor: alice, user: anna })).toBe(out);
  });

  test('is nobody who moderates', () => {
    expect(() => act(all, { type: 'putOutOfCall', actor: bob, user: alice })).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => act(all, { type: 'putOutOfCall', actor: alice, user: bob })).toThrow(coded('HOME_FORBIDDEN'));
  });
});

describe('whoever runs the hub', () => {
  const all = present(present(start, 1, alice, anna), 1, bob);
  const office = officeOf(alpha);

  test('puts out those who moderate too, who decide nothing then and come in only where somebody else lets them', () => {
    const out = administered(all, { type: 'putOutOfCall', conference, user: bob }, 20);
    expect(inCall(out)).toEqual([alice, anna]);
    expect(out.call?.moderation?.barred).toEqual([{ user: bob, by: office }]);
    expect(inCall(present(out, 2, bob))).not.toContain(bob);
    expect(() => act(out, { type: 'letIntoCall', actor: bob, user: bob })).toThrow(coded('HOME_FORBIDDEN'));
    const back = act(out, { type: 'letIntoCall', actor: alice, user: bob });
    expect(inCall(present(back, 3, bob))).toContain(bob);
  });

  test('outdoes a bar by somebody who moderates, so that it holds also when the role changes', () => {
    const barred = act(all, { type: 'putOutOfCall', actor: bob, user: anna });
    const out = administered(barred, { type: 'putOutOfCall', conference, user: anna }, 20);
    expect(out.call?.moderation?.barred).toEqual([{ user: anna, by: office }]);
    const admin = apply(out, alpha, { type: 'changeRole', actor: alice, user: anna, role: 'admin' }, 21);
    expect(entry(admin, anna)).toBe('barred');
  });

  test('mutes and ends, and only the call that goes on', () => {
    const muted = administered(all, { type: 'muteInCall', conference }, 20);
    expect(muted.call?.moderation?.muted).toEqual({ by: office, at: 20 });
    expect(administered(muted, { type: 'endCall', conference }, 21).call).toBeUndefined();
    const other = 'd'.repeat(22) as ConferenceId;
    expect(() => administered(all, { type: 'endCall', conference: other }, 21)).toThrow(coded('HOME_NO_CALL'));
    const stranger = user('@mallory@beta.example');
    const act = { type: 'putOutOfCall', conference, user: stranger } as const;
    expect(() => administered(all, act, 21)).toThrow(coded('HOME_NOT_FOUND'));
  });
});

test('who muted whom last stands there; somebody who is not in the call cannot be muted', () => {
  const all = present(start, 1, alice, anna);
  expect(act(all, { type: 'muteInCall', actor: bob }).call?.moderation?.muted).toEqual({ by: bob, at: 10 });
  const one = act(all, { type: 'muteInCall', actor: bob, participant: participantOf(anna) }, 11);
  expect(one.call?.moderation?.muted).toEqual({ by: bob, at: 11, participant: participantOf(anna) });
  expect(act(one, { type: 'muteInCall', actor: bob, participant: participantOf(carol) })).toBe(one);
});

test('of whoever is out of the conversation nothing is kept', () => {
  let state = act(present(start, 1, alice, anna), { type: 'ruleCall', actor: bob, rules: { lobby: true } });
  state = act(state, { type: 'knock', actor: carol });
  state = apply(state, domainOf(carol), { type: 'leave', actor: carol }, 11);
  state = apply(state, alpha, { type: 'removeMember', actor: alice, user: anna }, 12);
  expect(JSON.stringify(state.call?.moderation)).not.toMatch(/carol|anna/);
});

test('whatever is done in whichever order, only those are in the call who may be', () => {
  const actor = fc.constantFrom(...people);
  const whom = fc.constantFrom(...people);
  const operation = fc.oneof(
    fc.record({
      type: fc.constant('ruleCall' as const),
      actor,
      rules: fc.record({ lobby: fc.boolean(), locked: fc.boolean() }, { requiredKeys: [] }),
    }),
    fc.record({ type: fc.constantFrom('putOutOfCall' as const, 'letIntoCall' as const), actor, user: whom }),
    fc.record({ type: fc.constantFrom('knock' as const, 'stopKnocking' as const), actor }),
    fc.record({
      type: fc.constant('presence' as const),
      seq: fc.constant(1),
      users: fc.subarray(people, { minLength: 1 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
      let state = present(present(start, 1, alice), 1, bob);
      for (const each of operations) {
        if (!state.call) return;
        try {
          if (each.type !== 'presence') state = act(state, each);
          else for (const [, users] of Map.groupBy(each.users, domainOf)) state = present(state, 1, ...users);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^HOME_/) });
        }
        const { call } = state;
        const waiting = new Set(call?.moderation?.waiting.map((one) => one.user));
        for (const who of inCall(state) ?? []) expect(waiting.has(who)).toBe(false);
        for (const who of call?.moderation?.barred ?? []) expect(inCall(state)).not.toContain(who.user);
      }
    }),
  );
});
