import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { whenIdle } from './idle.ts';

/** Keeps the event loop for some ms. */
function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

it('lets others go first as long as there are any', async () => {
  let left = 5;
  const others = (async () => {
    for (; left > 0; left--) {
      work(5);
      await turn();
    }
  })();
  await whenIdle(5_000);
  expect(left).toBe(0);
  await others;
});

it('goes on where others never end', async () => {
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) {
      work(5);
      await turn();
    }
  })();
  await whenIdle(500);
  expect(turns).toBeGreaterThan(2);
  isOver = true;
  await others;
});
