import { expect, it } from 'vitest';
import { clockStep, type Kept } from './clock.ts';

const look = (seconds: number, kept: Kept) =>
  clockStep({
    ...{ step: 'clock', whose: 'the two homeservers', domain: 'beta.example' },
    ...{ difference: seconds * 1_000, kept },
  });

it.each([
  ['yes', 'them', /^On that machine/],
  ['no', 'you', /^On this machine/],
  ['unknown', 'both', /both machines/],
] as const)('says whose clock is wrong, as far as it is known: of the own one, %s', (kept, who, todo) => {
  for (const seconds of [600, -600]) {
    const step = look(seconds, kept);
    expect(step).toMatchObject({ step: 'clock', outcome: 'failed', who, rule: 'time-out' });
    expect(step.saw).toBe(`that of beta.example is 600 s ${seconds > 0 ? 'ahead of' : 'behind'} yours`);
    expect(step.todo).toMatch(todo);
  }
});

it('warns before tickets are refused, and takes seconds for nothing', () => {
  expect(look(30, 'yes').outcome).toBe('warning');
  expect(look(3, 'yes').outcome).toBe('ok');
  expect(look(-3, 'no').outcome).toBe('ok');
});
