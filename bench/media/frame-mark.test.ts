import { expect, it } from 'vitest';
import { drawMark, linesOfMark, MARKS, readMark } from './frame-mark.ts';

const [WIDTH, HEIGHT] = [640, 64];

function picture(number: number): Uint8Array {
  const luma = new Uint8Array(WIDTH * HEIGHT).fill(128);
  drawMark(luma, WIDTH, number);
  return luma;
}

/** As an encoder makes a layer: each pixel is the mean of those that it stands for. */
function smaller(luma: Uint8Array, by: number): Uint8Array {
  const width = WIDTH / by;
  return Uint8Array.from({ length: width * (HEIGHT / by) }, (_, at) => {
    const [left, top] = [(at % width) * by, Math.floor(at / width) * by];
    let sum = 0;
    for (let line = 0; line < by; line++) {
      for (let column = 0; column < by; column++) sum += luma[(top + line) * WIDTH + left + column] ?? 0;
    }
    return sum / by ** 2;
  });
}

it('reads the numbers that it draws, in each size of a camera', () => {
  for (let number = 0; number < MARKS; number += 5) {
    expect(readMark(picture(number), WIDTH)).toBe(number);
    expect(readMark(smaller(picture(number), 2), WIDTH / 2)).toBe(number);
    expect(readMark(smaller(picture(number), 4), WIDTH / 4)).toBe(number);
  }
});

it('reads none where there is none, or where a square is spoilt', () => {
  expect(readMark(new Uint8Array(WIDTH * HEIGHT).fill(128), WIDTH)).toBeUndefined();
  const spoilt = picture(77);
  const side = linesOfMark(WIDTH);
  for (let line = 0; line < side; line++) spoilt.fill(128, line * WIDTH, line * WIDTH + side);
  for (let line = 0; line < side; line++) spoilt.fill(128, line * WIDTH + 8 * side, line * WIDTH + 9 * side);
  expect(readMark(spoilt, WIDTH)).toBeUndefined();
  expect(readMark(picture(77).subarray(0, WIDTH), WIDTH)).toBeUndefined();
});

it('draws no number that it could not read', () => {
  expect(() => picture(MARKS)).toThrow(RangeError);
  expect(() => picture(-1)).toThrow(RangeError);
});
