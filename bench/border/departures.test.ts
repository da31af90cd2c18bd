import { expect, it } from 'vitest';
import { monotonicMs } from '../measure/clock.ts';
import { Departures } from './departures.ts';

it('lets everything go in order, none before its moment, and what is due at once', async () => {
  const departures = new Departures();
  const gone: string[] = [];
  const begin = monotonicMs();
  const last = Promise.withResolvers<number>();
  departures.add(begin, () => gone.push('due'));
  expect(gone).toEqual(['due']);
  departures.add(begin + 20, () => gone.push('first'));
  departures.add(begin + 20, () => gone.push('second'));
  departures.add(begin + 30, () => last.resolve(monotonicMs()));
  expect((await last.promise) - begin).toBeGreaterThanOrEqual(30);
  expect(gone).toEqual(['due', 'first', 'second']);
});

it('forgets what waits when it is closed', async () => {
  const departures = new Departures();
  const other = new Departures();
  const gone: string[] = [];
  departures.add(monotonicMs() + 10, () => gone.push('late'));
  departures.close();
  await new Promise<void>((resolve) => other.add(monotonicMs() + 30, resolve));
  expect(gone).toEqual([]);
});
