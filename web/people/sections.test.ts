import { describe, expect, it } from 'vitest';
import type { Connection } from '#signalling/connections.ts';
import type { UserId } from '#signalling/ids.ts';
import { sections, waiting, whoToAsk } from './sections.ts';

const person = (name: string, state: Connection['state']) =>
  ({ user: `mimi://alpha.example/u/${name}` as UserId, name, state }) as Connection;

describe('people', () => {
  it('stand under what can be done about them, by name, and no heading stands alone', () => {
    const list = [person('zoe', 'received'), person('bob', 'blocked'), person('ann', 'received')];
    expect(sections(list).map(({ title, people }) => [title, ...people.map(({ name }) => name)])).toEqual([
      ['They ask to connect', 'ann', 'zoe'],
      ['Blocked', 'bob'],
    ]);
    expect(waiting(list)).toBe(2);
    expect(sections([])).toEqual([]);
  });

  it('can be blocked from everywhere, and unblocked only where they are', () => {
    for (const state of ['received', 'sent', 'connected', 'ignored', 'blocked'] as const) {
      const operations = sections([person('bob', state)]).flatMap(({ verbs }) => verbs.map((each) => each.operation));
      expect(operations.includes('block')).toBe(state !== 'blocked');
      expect(operations.includes('unblock')).toBe(state === 'blocked');
    }
  });

  it('of any organisation are asked, oneself is not', () => {
    const me = { user: 'mimi://alpha.example/u/alice' as UserId };
    const bob = 'mimi://alpha.example/u/bob' as UserId;
    expect(() => whoToAsk(undefined, me)).toThrow(/looks like/);
    expect(() => whoToAsk(me.user, me)).toThrow(/your own/);
    for (const who of [bob, 'mimi://beta.example/u/bob' as UserId]) expect(whoToAsk(who, me)).toBe(who);
  });
});
