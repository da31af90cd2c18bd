import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

/** Work that ends when it is told to, or when its signal says so. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const run = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    return promise;
  };
  return { run, finish: () => resolve('done') };
}

it('lets the later one win, one at a time, and keeps nothing', async () => {
  const turns = new Turns();
  const [first, second, third] = [work(), work(), work()];
  const running = [turns.take('a', first.run), turns.take('a', second.run), turns.take('a', third.run)];
  const other = turns.take('b', async () => 'other');
  third.finish();
  expect((await Promise.allSettled(running)).map((each) => each.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  await expect(running[0]).rejects.toMatchObject({ code: 'HOME_ASSET_OVERTAKEN' });
  expect(await other).toBe('other');
  expect(turns.size).toBe(0);
});

it('waits for work that cannot be ended', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const slow = turns.take('a', async () => {
    begin();
    await promise;
    order.push('slow');
  });
  await begun;
  const next = turns.take('a', async () => order.push('next'));
  resolve();
  await Promise.all([slow, next]);
  expect(order).toEqual(['slow', 'next']);
});
