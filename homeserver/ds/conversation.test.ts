import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operation, Statement } from '#signalling/federation.ts';
import {
  type ConferenceId,
  type ConversationId,
  type GroupId,
  handleOf,
  type ParticipantId,
  type UserId,
} from '#signalling/ids.ts';
import { domain, user } from '../testing/world.ts';
import { apply, created, EMPTY_CALL_MS, expired, withoutDomain } from './conversation.ts';

const alpha = domain('alpha.example');
const beta = domain('beta.example');
const alice = user('@alice@alpha.example');
const anna = user('@anna@alpha.example');
const bob = user('@bob@beta.example');
const conversation = `mimi://${alpha}/r/AAAAAAAAAAAAAAAAAAAAAA` as ConversationId;
const conference = 'c'.repeat(22) as ConferenceId;
const participant = (letter: string) => letter.repeat(22) as ParticipantId;

const start = created({
  conversation,
  title: 'Ropes',
  creator: { user: alice, name: 'Alice' },
  others: [
    { user: bob, name: 'Bob' },
    { user: anna, name: 'Anna' },
  ],
});
const startCall = { type: 'startCall', actor: bob, conference } as const;
const presence = (seq: number, ...participants: { participant: ParticipantId; user: typeof alice }[]) =>
  ({ type: 'presence', conference, seq, participants }) as const;

const coded = (code: string) => expect.objectContaining({ code });

test('the creator administers, the others are members', () => {
  expect(start.members.map(({ role }) => role)).toEqual(['admin', 'member', 'member']);
  expect(start.seq).toBe(1);
});

describe('calls', () => {
  test('the anchor is the domain of whoever starts, not the hub', () => {
    const state = apply(start, beta, startCall, 5);
    expect(state.call).toEqual({ conference, anchor: beta, startedBy: bob, startedAt: 5, members: [] });
    expect(state.seq).toBe(2);
  });

  test('of two who start at once the second finds the first one’s call', () => {
    const state = apply(start, beta, startCall, 5);
    expect(
      apply(state, alpha, { type: 'startCall', actor: alice, conference: 'd'.repeat(22) as ConferenceId }, 6),
    ).toBe(state);
  });

  test('strangers cannot start one', () => {
    const stranger = user('@mallory@beta.example');
    expect(() => apply(start, beta, { ...startCall, actor: stranger }, 5)).toThrow(coded('HOME_NOT_FOUND'));
  });

  test('who is present is stated whole by each domain for its own people', () => {
    let state = apply(start, beta, startCall, 5);
    state = apply(state, alpha, presence(1, { participant: participant('a'), user: alice }), 6);
    state = apply(state, beta, presence(1, { participant: participant('b'), user: bob }), 7);
    expect(state.call?.members.map(({ user: who, name }) => [who, name])).toEqual([
      [alice, 'Alice'],
      [bob, 'Bob'],
    ]);
    state = apply(state, alpha, presence(2, { participant: participant('x'), user: anna }), 8);
    expect(state.call?.members.map(({ user: who }) => who)).toEqual([bob, anna]);
  });

  test('repeating a statement changes nothing', () => {
    const called = apply(start, beta, startCall, 5);
    const state = apply(called, alpha, presence(1, { participant: participant('a'), user: alice }), 6);
    expect(apply(state, alpha, presence(2, { participant: participant('a'), user: alice }), 9)).toBe(state);
  });

  test('nobody is present who is no member, or of another domain than the one that speaks', () => {
    const called = apply(start, beta, startCall, 5);
    const claim = presence(1, { participant: participant('a'), user: alice });
    expect(apply(called, beta, claim, 6)).toBe(called);
    const stranger = presence(1, { participant: participant('m'), user: user('@mallory@beta.example') });
    expect(apply(called, beta, stranger, 6)).toBe(called);
  });

  test('nobody takes a name by which an SFT knows somebody else, and none is told twice', () => {
    let state = apply(start, beta, startCall, 5);
    state = apply(state, alpha, presence(1, { participant: participant('a'), user: alice }), 6);
    const both = { participant: participant('b'), user: bob };
    state = apply(state, beta, presence(1, { participant: participant('a'), user: bob }, both, both), 7);
    expect(state.call?.members.map(({ participant: name, user: who }) => [name, who])).toEqual([
      [participant('a'), alice],
      [participant('b'), bob],
    ]);
    // Its own people’s names are a domain’s own affair.
    state = apply(state, alpha, presence(2, { participant: participant('a'), user: anna }), 8);
    expect(state.call?.members.map(({ user: who }) => who)).toEqual([bob, anna]);
  });

  test('the last one of all domains who leaves ends it', () => {
    let state = apply(start, beta, startCall, 5);
    state = apply(state, alpha, presence(1, { participant: participant('a'), user: alice }), 6);
    state = apply(state, beta, presence(1, { participant: participant('b'), user: bob }), 7);
    state = apply(state, alpha, presence(2), 8);
    expect(state.call).toBeDefined();
    state = apply(state, beta, presence(2), 9);
    expect(state.call).toBeUndefined();
  });

  test('an empty statement before anybody came does not end it', () => {
    const called = apply(start, beta, startCall, 5);
    expect(apply(called, alpha, presence(1), 6)).toBe(called);
  });

  test('one that nobody comes to ends after a minute', () => {
    const called = apply(start, beta, startCall, 5);
    expect(expired(called, 4 + EMPTY_CALL_MS)).toBe(called);
    expect(expired(called, 5 + EMPTY_CALL_MS).call).toBeUndefined();
    const attended = apply(called, beta, presence(1, { participant: participant('b'), user: bob }), 7);
    expect(expired(attended, 5 + EMPTY_CALL_MS)).toBe(attended);
  });

  test('administrators and whoever started it may end it for all', () => {
    const called = apply(start, beta, startCall, 5);
    expect(apply(called, alpha, { type: 'endCall', actor: alice, conference }, 6).call).toBeUndefined();
    expect(apply(called, beta, { type: 'endCall', actor: bob, conference }, 6).call).toBeUndefined();
    expect(() => apply(called, alpha, { type: 'endCall', actor: anna, conference }, 6)).toThrow(
      coded('HOME_FORBIDDEN'),
    );
    const other = 'd'.repeat(22) as ConferenceId;
    expect(() => apply(called, alpha, { type: 'endCall', actor: alice, conference: other }, 6)).toThrow(
      coded('HOME_NO_CALL'),
    );
  });

  test('a domain that may no longer federate is taken out, with the call that it anchors', () => {
    const called = apply(start, beta, startCall, 5);
    expect(withoutDomain(called, beta).call).toBeUndefined();
    let own = apply(start, alpha, { ...startCall, actor: alice }, 5);
    own = apply(own, alpha, presence(1, { participant: participant('a'), user: alice }), 6);
    own = apply(own, beta, presence(1, { participant: participant('b'), user: bob }), 7);
    expect(withoutDomain(own, beta).call?.members.map(({ user: who }) => who)).toEqual([alice]);
  });
});

test('a new name is seen everywhere, in the call too, and the same one again changes nothing', () => {
  const called = apply(start, beta, startCall, 5);
  const present = apply(called, beta, presence(1, { participant: participant('b'), user: bob }), 6);
  const rename = { type: 'changeName', actor: bob, name: 'Bobby' } as const;
  const renamed = apply(present, beta, rename, 7);
  expect(renamed.members.map(({ name }) => name)).toEqual(['Alice', 'Bobby', 'Anna']);
  expect(renamed.call?.members.map(({ name }) => name)).toEqual(['Bobby']);
  expect(renamed.seq).toBe(present.seq + 1);
  expect(apply(renamed, beta, rename, 8)).toBe(renamed);
  expect(() => apply(start, beta, { ...rename, actor: user('@mallory@beta.example') }, 8)).toThrow(
    coded('HOME_NOT_FOUND'),
  );
});

describe('members', () => {
  const carol = { user: user('@carol@gamma.example'), name: 'Carol' };

  test('administrators add people', () => {
    const state = apply(start, alpha, { type: 'addMember', actor: alice, ...carol }, 5);
    expect(state.members.at(-1)).toEqual({ ...carol, domain: domain('gamma.example'), role: 'member' });
  });

  test('members do not, and strangers learn nothing', () => {
    expect(() => apply(start, beta, { type: 'addMember', actor: bob, ...carol }, 5)).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => apply(start, beta, { type: 'addMember', actor: carol.user, ...carol }, 5)).toThrow(
      coded('HOME_NOT_FOUND'),
    );
  });

  test('adding somebody twice changes nothing', () => {
    expect(apply(start, alpha, { type: 'addMember', actor: alice, user: bob, name: 'Bob' }, 5)).toBe(start);
  });
});

describe('going', () => {
  const remove = (actor: UserId, who: UserId) => ({ type: 'removeMember', actor, user: who }) as const;
  const users = ({ members }: Statement) => members.map(({ user: who, role }) => `${handleOf(who)} ${role}`);

  test('administrators remove people, and whoever is not there is removed already', () => {
    const state = apply(start, alpha, remove(alice, bob), 5);
    expect(users(state)).toEqual(['alice admin', 'anna member']);
    expect(apply(state, alpha, remove(alice, bob), 6)).toBe(state);
  });

  test('members remove nobody, and nobody removes himself', () => {
    expect(() => apply(start, beta, remove(bob, anna), 5)).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => apply(start, alpha, remove(alice, alice), 5)).toThrow(coded('HOME_REMOVE_SELF'));
  });

  test('everybody leaves, once', () => {
    const state = apply(start, beta, { type: 'leave', actor: bob }, 5);
    expect(users(state)).toEqual(['alice admin', 'anna member']);
    expect(() => apply(state, beta, { type: 'leave', actor: bob }, 6)).toThrow(coded('HOME_NOT_FOUND'));
  });

  test('with the last administrator gone, whoever has been there longest is one', () => {
    expect(users(apply(start, alpha, { type: 'leave', actor: alice }, 5))).toEqual(['bob admin', 'anna member']);
    const two = apply(start, alpha, { type: 'changeRole', actor: alice, user: anna, role: 'admin' }, 5);
    expect(users(apply(two, alpha, { type: 'leave', actor: alice }, 6))).toEqual(['bob member', 'anna admin']);
  });

  test('the last one out ends it, with its call and its group; guests alone do not stay', () => {
    const group = 'mimi://alpha.example/g/AAAAAAAAAAAAAAAAAAAAAA' as GroupId;
    const guest = { user: user('@guest@alpha.example'), domain: alpha, name: 'Guest', role: 'guest' } as const;
    const [first] = start.members;
    const state: Statement = { ...start, group, members: first ? [first, guest] : [] };
    const called = apply(state, alpha, { type: 'startCall', actor: alice, conference }, 5);
    expect(apply(called, alpha, { type: 'leave', actor: alice }, 6)).toEqual({
      conversation,
      title: 'Ropes',
      seq: 3,
      members: [],
    });
  });

  test('takes out of the call; it ends with its last one, and with the last member of its anchor', () => {
    let state = apply(start, beta, startCall, 5);
    state = apply(state, alpha, presence(1, { participant: participant('a'), user: alice }), 6);
    state = apply(state, beta, presence(1, { participant: participant('b'), user: bob }), 7);
    expect(apply(state, alpha, remove(alice, bob), 8).call).toBeUndefined();
    const own = { ...state, call: state.call && { ...state.call, anchor: alpha, startedBy: anna } };
    const without = apply(own, alpha, remove(alice, anna), 8);
    // It is somebody else's of that domain then, who is in it.
    expect(without.call).toMatchObject({ startedBy: alice, members: [{ user: alice }, { user: bob }] });
    const alone = apply(state, beta, presence(2), 9);
    expect(apply(alone, alpha, { type: 'leave', actor: alice }, 10).call).toBeUndefined();
  });
});

describe('roles and title', () => {
  const change = (actor: UserId, who: UserId, role: 'admin' | 'member') =>
    ({ type: 'changeRole', actor, user: who, role }) as const;

  test('administrators make others administrators, and members again', () => {
    const two = apply(start, alpha, change(alice, bob, 'admin'), 5);
    expect(two.members[1]).toMatchObject({ user: bob, role: 'admin' });
    expect(apply(two, beta, change(bob, alice, 'member'), 6).members[0]).toMatchObject({ role: 'member' });
    expect(apply(two, alpha, change(alice, bob, 'admin'), 6)).toBe(two);
  });

  test('the last one stays one, members change nothing, and guests stay guests', () => {
    expect(() => apply(start, alpha, change(alice, alice, 'member'), 5)).toThrow(coded('HOME_LAST_ADMIN'));
    expect(() => apply(start, beta, change(bob, bob, 'admin'), 5)).toThrow(coded('HOME_FORBIDDEN'));
    expect(() => apply(start, alpha, change(alice, user('@nobody@beta.example'), 'admin'), 5)).toThrow(
      coded('HOME_NOT_FOUND'),
    );
    const members = start.members.map((each) => (each.user === bob ? { ...each, role: 'guest' as const } : each));
    expect(() => apply({ ...start, members }, alpha, change(alice, bob, 'admin'), 5)).toThrow(coded('HOME_GUEST_ROLE'));
  });

  test('guests start no call, and join one', () => {
    const members = start.members.map((each) => (each.user === bob ? { ...each, role: 'guest' as const } : each));
    const state = { ...start, members };
    expect(() => apply(state, beta, startCall, 5)).toThrow(coded('HOME_FORBIDDEN'));
    const called = apply(state, alpha, { ...startCall, actor: alice }, 5);
    const joined = apply(called, beta, presence(1, { participant: participant('b'), user: bob }), 6);
    expect(joined.call?.members.map(({ user: who }) => who)).toEqual([bob]);
  });

  test('a title is one line of what can be seen, new or old', () => {
    const rename = (title: string) => apply(start, alpha, { type: 'changeTitle', actor: alice, title }, 5);
    expect(rename(' Masts\n and \u202e spars ').title).toBe('Masts and spars');
    expect(rename('Ropes')).toBe(start);
    expect(() => rename(' \u2066\u200b ')).toThrow(coded('HOME_BAD_TITLE'));
    const creator = { user: alice, name: 'Alice' };
    expect(() => created({ conversation, title: '\t', creator, others: [] })).toThrow(coded('HOME_BAD_TITLE'));
    expect(() => apply(start, beta, { type: 'changeTitle', actor: bob, title: 'Mine' }, 5)).toThrow(
      coded('HOME_FORBIDDEN'),
    );
  });
});

test('whatever is done: numbers grow by one, somebody administers, a call has members of the conversation only', () => {
  const people = [alice, anna, bob];
  const conferences = ['c', 'd'].map((letter) => letter.repeat(22) as ConferenceId);
  const actor = fc.constantFrom(...people);
  const operation: fc.Arbitrary<Operation> = fc.oneof(
    fc.record({ type: fc.constant('removeMember' as const), actor, user: actor }),
    fc.record({ type: fc.constant('leave' as const), actor }),
    fc.record({
      type: fc.constant('changeRole' as const),
      ...{ actor, user: actor, role: fc.constantFrom('admin' as const, 'member' as const) },
    }),
    fc.record({
      type: fc.constant('startCall' as const),
      actor: fc.constantFrom(...people),
      conference: fc.constantFrom(...conferences),
    }),
    fc.record({
      type: fc.constant('endCall' as const),
      actor: fc.constantFrom(...people),
      conference: fc.constantFrom(...conferences),
    }),
    fc.record({
      type: fc.constant('presence' as const),
      conference: fc.constantFrom(...conferences),
      seq: fc.integer({ min: 1, max: 9 }),
      participants: fc.uniqueArray(
        fc.record({
          participant: fc.constantFrom(...['a', 'b', 'e'].map(participant)),
          user: fc.constantFrom(...people),
        }),
        { selector: (each) => each.participant },
      ),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(alpha, beta), operation), { maxLength: 30 }), (steps) => {
      let state: Statement = start;
      for (const [from, step] of steps) {
        let next = state;
        try {
          if (step.type !== 'addMember') next = apply(state, from, step, 0);
        } catch {
          continue;
        }
        expect(next.seq).toBe(next === state ? state.seq : state.seq + 1);
        state = next;
        const members = new Set(state.members.map(({ user: who }) => who));
        for (const { user: who } of state.call?.members ?? []) expect(members).toContain(who);
        if (state.call) expect(members).toContain(state.call.startedBy);
        expect(state.members.length === 0 || state.members.some(({ role }) => role === 'admin')).toBe(true);
      }
    }),
  );
});
