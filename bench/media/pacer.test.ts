import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Pacer, steadyClock } from './pacer.ts';

it('hands out each packet once, in order, and none before its time', () => {
  const steps = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(steps, (distances) => {
      let moment = 0;
      const pacer = new Pacer(20, 0, () => {
        const packets = [0, 0.3, 0.6].map((at) => ({ at, due: (moment + at) * 20 }));
        moment += 1;
        return packets;
      });
      let now = 0;
      const out: number[] = [];
      for (const distance of distances) {
        now += distance;
        for (const { due } of pacer.due(now)) {
          expect(due).toBeLessThanOrEqual(now);
          out.push(due);
        }
      }
      const all = Array.from({ length: moment }, (_, index) => [0, 0.3, 0.6].map((at) => (index + at) * 20)).flat();
      expect(out).toEqual(all.filter((due) => due <= now));
      expect(pacer.skipped).toBe(0);
    }),
  );
});

it('leaves moments out after a long stop instead of sending them all at once', () => {
  const pacer = new Pacer(20, 0, () => [{ at: 0 }]);
  expect(pacer.due(0)).toHaveLength(1);
  expect(pacer.due(10_000)).toHaveLength(1);
  expect(pacer.skipped).toBe(499);
  expect(pacer.due(10_040)).toHaveLength(2);
});

it('makes up lost time in small steps and gives up a long stop', () => {
  expect(steadyClock(100, 103)).toBe(103);
  // 50 ms late, then a look each 3 ms: 17 looks of 6 ms each are enough.
  let clock = 100;
  const steps = Array.from({ length: 17 }, (_, index) => {
    const before = clock;
    clock = steadyClock(clock, 150 + index * 3);
    return clock - before;
  });
  expect(Math.max(...steps)).toBe(6);
  expect(clock).toBe(150 + 16 * 3);
  expect(steadyClock(100, 700)).toBe(700);
});
