import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SPREAD, wantsOf } from './scenario.ts';

const { layout } = SPREAD;

it('gives each of eight viewers one large and eight small pictures of twelve publishers', () => {
  expect(wantsOf(0, { publishers: 12, layout })).toEqual([
    { publisher: 0, layer: 2 },
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((publisher) => ({ publisher, layer: 0 })),
  ]);
  expect(wantsOf(7, { publishers: 12, layout }).map(({ publisher }) => publisher)).toEqual([
    7, 8, 9, 10, 11, 0, 1, 2, 3,
  ]);
});

it('never shows anybody twice to one viewer, and all publishers nearly alike', () => {
  const numbers = fc.record({
    publishers: fc.integer({ min: 1, max: 100 }),
    viewers: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(numbers, ({ publishers, viewers }) => {
      const looks = new Array<number>(publishers).fill(0);
      for (let viewer = 0; viewer < viewers; viewer++) {
        const wants = wantsOf(viewer, { publishers, layout });
        expect(new Set(wants.map(({ publisher }) => publisher)).size).toBe(wants.length);
        expect(wants.length).toBe(Math.min(publishers, 9));
        expect(wants.filter(({ layer }) => layer === 2)).toHaveLength(1);
        for (const { publisher } of wants) looks[publisher] = (looks[publisher] ?? 0) + 1;
      }
      expect(Math.max(...looks) - Math.min(...looks)).toBeLessThanOrEqual(9);
    }),
  );
});
