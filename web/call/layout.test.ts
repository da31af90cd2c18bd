import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gridFor } from './layout.ts';

it('uses the room well for a few tiles', () => {
  expect(gridFor(1, 1600, 900, 10)).toEqual({ columns: 1, rows: 1, width: 1600, height: 900 });
  expect(gridFor(2, 1600, 500, 10)).toMatchObject({ columns: 2, rows: 1 });
  expect(gridFor(2, 400, 900, 10)).toMatchObject({ columns: 1, rows: 2 });
  expect(gridFor(5, 1600, 900, 10)).toMatchObject({ columns: 3, rows: 2 });
});

it('never overflows and has a cell for everybody', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(3000), fc.nat(2000), (count, width, height) => {
      const grid = gridFor(count, width, height, 12);
      expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
      if (grid.width > 0) {
        expect(grid.columns * grid.width + (grid.columns - 1) * 12).toBeLessThanOrEqual(width);
        expect(grid.rows * grid.height + (grid.rows - 1) * 12).toBeLessThanOrEqual(height);
      }
    }),
  );
});
