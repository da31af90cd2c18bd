import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentOf, roomOf, sizeOf, typeOf } from './sizes.ts';

describe('files in words', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_000, '1.0 kB'],
    [25_000_000, '25 MB'],
    [999_600, '1.0 MB'],
    [3_200_000_000, '3.2 GB'],
  ])('%d is %s', (bytes, words) => expect(sizeOf(bytes)).toBe(words));

  it.each([
    ['application/pdf', 'plan.pdf', 'Document, PDF'],
    ['image/png', 'invoice.exe', 'Program, EXE'],
    ['image/svg+xml', 'drawing.svg', 'Picture, SVG'],
    ['application/octet-stream', 'README', 'File'],
  ])('%s %s is %s', (type, name, words) => expect(typeOf(type, name)).toBe(words));

  it('are never said to be over before they are', () => {
    expect(percentOf(999_999, 1_000_000)).toBe(99);
    expect(percentOf(1_000_000, 1_000_000)).toBe(100);
    expect(percentOf(0, 0)).toBe(100);
  });
});

describe('the room of a picture', () => {
  it('is bounded whatever its size is said to be, and keeps its form where that can be seen', () => {
    const side = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const room = roomOf({ width, height });
        expect(room.width).toBeLessThanOrEqual(380);
        expect(room.height).toBeLessThanOrEqual(340);
        expect(Math.min(room.width, room.height)).toBeGreaterThanOrEqual(72);
      }),
    );
    expect(roomOf({ width: 4_000, height: 2_000 })).toEqual({ width: 380, height: 190 });
    expect(roomOf({ width: 200, height: 100 })).toEqual({ width: 200, height: 100 });
  });
});
