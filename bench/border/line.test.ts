import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Fate, Line, RateLimit } from './line.ts';
import { seededRandom } from './random.ts';

const fates = (line: Line, packets: number, everyMs = 1, bytes = 1_000): Fate[] =>
  Array.from({ length: packets }, (_, index) => line.fateOf(bytes, index * everyMs));

it('draws evenly, and the same for the same seed', () => {
  const draw = (seed: number) => Array.from({ length: 10_000 }, seededRandom(seed));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const tenths = new Array<number>(10).fill(0);
  for (const each of draw(1)) tenths[Math.floor(each * 10)] = (tenths[Math.floor(each * 10)] ?? 0) + 1;
  // Ten standard deviations would be 300.
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

it('loses the wanted part, the same packets for the same seed, others in another direction', () => {
  const lost = (seed: number, index: number) => {
    const all = fates(new Line({ lossPercent: 5, seed }, index), 20_000);
    return all.flatMap((fate, at) => (fate === 'lost' ? [at] : []));
  };
  expect(lost(1, 0).length / 20_000).toBeCloseTo(0.05, 2);
  expect(lost(1, 0)).toEqual(lost(1, 0));
  expect(lost(1, 0)).not.toEqual(lost(1, 1));
  expect(lost(1, 0)).not.toEqual(lost(2, 0));
});

it('loses nothing at 0 per cent and everything at 100', () => {
  expect(fates(new Line({ lossPercent: 0, seed: 1 }, 0), 1_000)).not.toContain('lost');
  expect(new Set(fates(new Line({ lossPercent: 100, seed: 1 }, 0), 1_000))).toEqual(new Set(['lost']));
});

it('lets delay grow to 100 ms before it drops anything', () => {
  // 1 Mbit/s are 125 bytes a millisecond; twice as much comes.
  const limit = new RateLimit(1);
  const waits = Array.from({ length: 400 }, (_, now) => {
    const leaves = limit.departure(250, now);
    return leaves === undefined ? undefined : leaves - now;
  });
  const firstDrop = waits.indexOf(undefined);
  const until = waits.slice(0, firstDrop) as number[];
  expect(until).toEqual([...until].sort((a, b) => a - b));
  expect(until.at(-1)).toBeGreaterThan(98);
  expect(firstDrop).toBeGreaterThan(100);
  // From then on half of it goes through, and what does waits nearly as long as it may.
  const after = waits.slice(200);
  expect(after.filter((wait) => wait === undefined)).toHaveLength(100);
  for (const wait of after) if (wait !== undefined) expect(wait).toBeGreaterThan(97);
});

it('never lets more through than its rate and one burst, never out of order, never after more than 100 ms', () => {
  const packets = fc.array(
    fc.record({ gap: fc.double({ min: 0, max: 30, noNaN: true }), bytes: fc.integer({ min: 20, max: 1_500 }) }),
    {
      minLength: 1,
      maxLength: 300,
    },
  );
  fc.assert(
    fc.property(packets, fc.double({ min: 0.5, max: 50, noNaN: true }), (arriving, mbit) => {
      const limit = new RateLimit(mbit);
      const bytesPerMs = mbit * 125;
      let now = 0;
      const gone: { at: number; bytes: number }[] = [];
      for (const { gap, bytes } of arriving) {
        now += gap;
        const at = limit.departure(bytes, now);
        if (at === undefined) continue;
        expect(at).toBeGreaterThanOrEqual(Math.max(now, gone.at(-1)?.at ?? 0));
        expect(at - now).toBeLessThanOrEqual(100);
        gone.push({ at, bytes });
      }
      let bytes = 0;
      const first = gone[0]?.at ?? 0;
      for (const each of gone) {
        bytes += each.bytes;
        expect(bytes).toBeLessThanOrEqual((each.at - first + 5) * bytesPerMs + (gone[0]?.bytes ?? 0) + 1e-6);
      }
    }),
  );
});
