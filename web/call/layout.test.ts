import fc from 'fast-check';
import { expect, it } from 'vitest';
import { focusPlaces, gridFor, gridPlaces } from './layout.ts';

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

it('centres a last row that is not full', () => {
  const [first, , third] = gridPlaces(3, 1610, 910, 10);
  expect(first).toEqual({ left: 0, top: 0, width: 800, height: 450 });
  expect(third?.left).toBe((1610 - 800) / 2);
});

it('gives one tile the room and the others a row below it', () => {
  const [small, large, other] = focusPlaces(3, 1, 1600, 900, 10);
  expect(large).toEqual({ left: 0, top: 0, width: 1600, height: 900 - 136 - 10 });
  expect([small?.height, other?.height]).toEqual([136, 136]);
  expect(other?.left).toBe((small?.left ?? 0) + 242 + 10);
  expect(focusPlaces(1, 0, 400, 300, 10)).toEqual([{ left: 0, top: 0, width: 400, height: 300 }]);
});
