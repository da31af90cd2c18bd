import { describe, expect, it } from 'vitest';
import type { Connection } from '#signalling/connections.ts';
import type { DomainName, UserId } from '#signalling/ids.ts';
import { asked, sections, waiting } from './sections.ts';

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

  it('of other organisations are not asked, nor is oneself', () => {
    const me = { user: 'mimi://alpha.example/u/alice' as UserId, domain: 'alpha.example' as DomainName };
    expect(asked(undefined, me)).toMatch(/looks like/);
    expect(asked(me.user, me)).toMatch(/your own/);
    expect(asked('mimi://beta.example/u/bob' as UserId, me)).toMatch(/other organisations/);
    expect(asked('mimi://alpha.example/u/bob' as UserId, me)).toBeUndefined();
  });
});
