import fc from 'fast-check';
import { expect, it } from 'vitest';
import { layersToRun } from './guard.ts';

const layers = fc.subarray([0, 1, 2]);

it('runs only layers that live, and no more of them than are wanted', () => {
  fc.assert(
    fc.property(layers, layers, (wanted, live) => {
      const run = layersToRun(wanted, new Set(live));
      for (const layer of run) expect(live).toContain(layer);
      expect(run.length).toBeLessThanOrEqual(wanted.length);
      expect(new Set(run).size).toBe(run.length);
    }),
  );
});

it('runs exactly what is wanted where all of it lives', () => {
  fc.assert(
    fc.property(layers, (wanted) => {
      expect(layersToRun(wanted, new Set([0, 1, 2]))).toEqual(wanted);
    }),
  );
});

it('leaves nobody without a picture while any layer lives', () => {
  fc.assert(
    fc.property(fc.subarray([0, 1, 2], { minLength: 1 }), fc.subarray([0, 1, 2], { minLength: 1 }), (wanted, live) => {
      expect(layersToRun(wanted, new Set(live)).length).toBeGreaterThan(0);
    }),
  );
});

it.each([
  [[2], [0, 1], [1]],
  [[0, 2], [0], [0]],
  [[0], [1, 2], [1]],
  [
    [1, 2],
    [0, 2],
    [0, 2],
  ],
  [[0, 1, 2], [], []],
])('of %j wanted and %j live runs %j', (wanted, live, run) => expect(layersToRun(wanted, new Set(live))).toEqual(run));
