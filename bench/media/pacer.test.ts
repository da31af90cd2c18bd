import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Pacer } from './pacer.ts';

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
