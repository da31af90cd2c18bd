import { expect, it } from 'vitest';
import { until } from './testing-until.ts';

it('gives up when the time is over, and says what did not come', async () => {
  const begin = performance.now();
  await expect(until(() => false, 'nothing', 100)).rejects.toThrow('not within 100 ms: nothing');
  expect(performance.now() - begin).toBeGreaterThanOrEqual(100);
});

it('hardly counts the time in which the process stood still', async () => {
  const end = performance.now() + 1_000;
  let asked = 0;
  const still = () => {
    while (performance.now() < end);
    return ++asked === 2;
  };
  expect(await until(still, 'the second answer', 500)).toBe(true);
});
