import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConnectionOperation, ConnectionState } from '#signalling/connections.ts';
import { HawserError } from '#signalling/errors.ts';
import { act, type Decision, hear, isReachable, type Side, STRANGERS, stateOf, wants } from './connection.ts';

const DECISIONS: readonly Decision[] = ['none', 'wanted', 'ignored', 'blocked'];
const SIDES: readonly Side[] = DECISIONS.flatMap((decision) =>
  [false, true].map((isWanted) => ({ decision, isWanted })),
);
const STATES: readonly ConnectionState[] = ['none', 'sent', 'received', 'ignored', 'connected', 'blocked'];
const OPERATIONS: readonly ConnectionOperation[] = ['request', 'accept', 'ignore', 'cancel', 'block', 'unblock'];

/** What the owner sees after an operation; a refusal is its code. */
function outcome(side: Side, operation: ConnectionOperation): string {
  try {
    return stateOf(act(side, operation));
  } catch (error) {
    if (error instanceof HawserError) return error.code;
    throw error;
  }
}

/** A side on which the owner sees the state. */
const SEEN: Readonly<Record<ConnectionState, Side>> = {
  none: STRANGERS,
  sent: { decision: 'wanted', isWanted: false },
  received: { decision: 'none', isWanted: true },
  ignored: { decision: 'ignored', isWanted: true },
  connected: { decision: 'wanted', isWanted: true },
  blocked: { decision: 'blocked', isWanted: false },
};

describe('what the owner does', () => {
  test.each<[ConnectionOperation, Record<ConnectionState, string>]>([
    [
      'request',
      {
        none: 'sent',
        sent: 'sent',
        received: 'connected',
        ignored: 'connected',
        connected: 'connected',
        blocked: 'HOME_BLOCKED',
      },
    ],
    [
      'accept',
      {
        none: 'HOME_NO_REQUEST',
        sent: 'HOME_NO_REQUEST',
        received: 'connected',
        ignored: 'connected',
        connected: 'connected',
        blocked: 'HOME_BLOCKED',
      },
    ],
    [
      'ignore',
      {
        none: 'HOME_NO_REQUEST',
        sent: 'HOME_NO_REQUEST',
        received: 'ignored',
        ignored: 'ignored',
        connected: 'HOME_NO_REQUEST',
        blocked: 'HOME_NO_REQUEST',
      },
    ],
    [
      'cancel',
      {
        none: 'none',
        sent: 'none',
        received: 'received',
        ignored: 'ignored',
        connected: 'ignored',
        blocked: 'blocked',
      },
    ],
    [
      'block',
      {
        none: 'blocked',
        sent: 'blocked',
        received: 'blocked',
        ignored: 'blocked',
        connected: 'blocked',
        blocked: 'blocked',
      },
    ],
    [
      'unblock',
      {
        none: 'none',
        sent: 'sent',
        received: 'received',
        ignored: 'ignored',
        connected: 'connected',
        blocked: 'none',
      },
    ],
  ])('%s', (operation, expected) => {
    expect(Object.fromEntries(STATES.map((state) => [state, outcome(SEEN[state], operation)]))).toEqual(expected);
  });

  test('done twice changes nothing more', () => {
    for (const side of SIDES) {
      for (const operation of OPERATIONS) {
        if (outcome(side, operation).startsWith('HOME_')) continue;
        const once = act(side, operation);
        expect(act(once, operation)).toEqual(once);
      }
    }
  });
});

describe('somebody who asked', () => {
  test('sees the same, whether the other one has not looked, ignores, ends it or blocks', () => {
    for (const operation of ['ignore', 'cancel', 'block'] as const) {
      const answered = act(SEEN.received, operation === 'cancel' ? 'accept' : operation);
      const after = operation === 'cancel' ? act(answered, 'cancel') : answered;
      expect(stateOf(hear(SEEN.sent, wants(after)))).toBe('sent');
    }
    expect(stateOf(hear(SEEN.sent, wants(SEEN.received)))).toBe('sent');
    expect(stateOf(hear(SEEN.sent, wants(hear(SEEN.blocked, true))))).toBe('sent');
  });

  test('is not shown again by taking the request back and asking anew, once he was ignored or blocked', () => {
    for (const side of [SEEN.ignored, act(SEEN.blocked, 'block')]) {
      expect(['ignored', 'blocked']).toContain(stateOf(hear(hear(side, false), true)));
    }
    expect(stateOf(act(hear(SEEN.blocked, true), 'unblock'))).toBe('ignored');
  });
});

/** Two people at two homeservers; what one states reaches the other in order, some time later. */
class Pair {
  readonly sides: [Side, Side] = [STRANGERS, STRANGERS];
  readonly #ways: [boolean[], boolean[]] = [[], []];

  act(who: 0 | 1, operation: ConnectionOperation): void {
    const before = this.sides[who];
    try {
      this.sides[who] = act(before, operation);
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      return;
    }
    if (wants(before) !== wants(this.sides[who])) this.#ways[who === 0 ? 1 : 0].push(wants(this.sides[who]));
  }

  /** False where nothing is on the way to that side. */
  deliver(who: 0 | 1): boolean {
    const stated = this.#ways[who].shift();
    if (stated === undefined) return false;
    this.sides[who] = hear(this.sides[who], stated);
    return true;
  }

  settle(): void {
    while (this.deliver(0) || this.deliver(1)) {
      // until nothing is on the way
    }
  }
}

test('whatever two people do, however late each hears of it: both are connected or none is, and only if both want it', () => {
  const who = fc.constantFrom<0 | 1>(0, 1);
  const event = fc.oneof(fc.tuple(who, fc.constantFrom(...OPERATIONS)), fc.tuple(who, fc.constant('deliver' as const)));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const pair = new Pair();
      for (const [side, what] of events) {
        if (what === 'deliver') pair.deliver(side);
        else pair.act(side, what);
      }
      pair.settle();
      const [one, other] = pair.sides.map(stateOf);
      const bothWant = pair.sides.every(wants);
      expect([one === 'connected', other === 'connected']).toEqual([bothWant, bothWant]);
      // Whoever has a request to answer was really asked, and whoever asked sees that it waits.
      const isAsked = (state: ConnectionState | undefined) => state === 'received' || state === 'ignored';
      if (isAsked(one)) expect(other).toBe('sent');
      if (isAsked(other)) expect(one).toBe('sent');
    }),
    { numRuns: 3_000 },
  );
});

test('who blocks is not reached and does not reach; team mates need nobody’s consent, others that of both', () => {
  for (const from of STATES) {
    for (const to of STATES) {
      const blocked = from === 'blocked' || to === 'blocked';
      expect(isReachable({ from, to, areTeamMates: true })).toBe(!blocked);
      const connected = from === 'connected' && to === 'connected';
      expect(isReachable({ from, to, areTeamMates: false })).toBe(connected);
    }
  }
});
