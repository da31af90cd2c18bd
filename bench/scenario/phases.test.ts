import fc from 'fast-check';
import { expect, it } from 'vitest';
import { judgedOf, phasesOf } from './phases.ts';
import type { Person } from './scenario.ts';

const people: Person[] = [
  { name: 'alpha-1', at: 'alpha', publishes: ['camera', 'microphone'] },
  { name: 'alpha-2', at: 'alpha', publishes: ['camera', 'microphone'] },
  { name: 'beta-1', at: 'beta', publishes: [], watch: { layout: 'speaker', small: 1 } },
];

it('makes a phase of each time in which the same people speak; the speaker stays large until another one begins', () => {
  const turns = [
    { who: 'alpha-2', from: 5, to: 12 },
    { who: 'alpha-1', from: 20, to: 40 },
  ];
  const phases = phasesOf({ people, turns, seconds: 30 });
  expect(
    phases.map(({ from, to, speaking, wants }) => [from, to, speaking.join(), wants.get('beta-1')?.[0]?.who]),
  ).toEqual([
    [0, 5, '', 'alpha-1'],
    [5, 12, 'alpha-2', 'alpha-2'],
    [12, 20, '', 'alpha-2'],
    [20, 30, 'alpha-1', 'alpha-1'],
  ]);
  expect(judgedOf(phases)).toEqual([
    { from: 0, to: 4.75 },
    { from: 8, to: 11.75 },
    { from: 15, to: 19.75 },
    { from: 23, to: 30 },
  ]);
});

it('fills the window without a gap, however turns lie', () => {
  const turn = fc.record({
    who: fc.constantFrom('alpha-1', 'alpha-2'),
    from: fc.nat(60),
    length: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 8 }), fc.integer({ min: 2, max: 60 }), (list, seconds) => {
      const turns = list.map(({ who, from, length }) => ({ who, from, to: from + length }));
      const phases = phasesOf({ people, turns, seconds });
      expect(phases[0]?.from).toBe(0);
      expect(phases.at(-1)?.to).toBe(seconds);
      phases.forEach((phase, index) => {
        if (index > 0) expect(phase.from).toBe(phases[index - 1]?.to);
        const middle = (phase.from + phase.to) / 2;
        const now = turns.filter(({ from, to }) => from <= middle && middle < to).map(({ who }) => who);
        expect(new Set(phase.speaking)).toEqual(new Set(now));
      });
    }),
  );
});
