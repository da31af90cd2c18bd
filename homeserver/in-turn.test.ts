import { expect, test } from 'vitest';
import { InTurn } from './in-turn.ts';

class Longest {
  max = 0;
  reset(): void {
    this.max = 0;
  }
}

const recorded = () => {
  const inTurn = new InTurn(() => new Longest());
  const note = (lag: number) => {
    for (const each of inTurn.both) each.max = Math.max(each.max, lag);
  };
  return { inTurn, note, read: () => inTurn.older.max };
};

test('a reader takes nothing away from another one', () => {
  const { note, read } = recorded();
  note(7);
  expect([read(), read()]).toEqual([7, 7]);
});

test('what was is read for a whole turn at least, and for two at most', () => {
  const { inTurn, note, read } = recorded();
  inTurn.turn();
  note(9);
  expect(read()).toBe(9);
  inTurn.turn();
  note(2);
  expect(read()).toBe(9);
  inTurn.turn();
  expect(read()).toBe(2);
  inTurn.turn();
  expect(read()).toBe(0);
});
