/**
 * A number in the picture itself: a row of squares at its upper edge, light or dark, that is still there when the picture
 * was encoded and made smaller. So whoever sees a picture can tell which one of a clip it is. Pure.
 */

const BITS = 8;
/** The bits, and then the same the other way round, by which squares are found out that cannot be read. */
const SQUARES = 2 * BITS;
/** So many squares would fit side by side. */
const ACROSS = 40;
const LIGHT = 216;
const DARK = 40;
/** Between a light and a dark square of one bit there is at least so much. */
const CONTRAST = 60;

/** Numbers are below this. */
export const MARKS = 2 ** BITS;

/** How many lines the row takes of a picture, and has to be given to `readMark`; even, as the halved colours of a picture need it. */
export function linesOfMark(width: number): number {
  return 2 * Math.floor(width / ACROSS / 2);
}

/** @param luma one byte a pixel, line by line */
export function drawMark(luma: Uint8Array, width: number, number: number): void {
  if (!Number.isInteger(number) || number < 0 || number >= MARKS) throw new RangeError(`no mark for ${number}`);
  const side = linesOfMark(width);
  for (let square = 0; square < SQUARES; square++) {
    const bit = (number >> (square % BITS)) & 1;
    const isLight = square < BITS ? bit === 1 : bit === 0;
    for (let line = 0; line < side; line++) {
      const from = line * width + square * side;
      luma.fill(isLight ? LIGHT : DARK, from, from + side);
    }
  }
}

/** @param luma of the first `linesOfMark` lines. @returns undefined where no number can be read */
export function readMark(luma: Uint8Array, width: number): number | undefined {
  const side = linesOfMark(width);
  if (side === 0 || luma.length < width * side) return undefined;
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) {
    const [straight, reversed] = [bit, bit + BITS].map((square) => brightness(luma, width, square * side, side));
    const difference = (straight ?? 0) - (reversed ?? 0);
    if (Math.abs(difference) < CONTRAST) return undefined;
    if (difference > 0) number |= 1 << bit;
  }
  return number;
}

/** The mean of the middle of a square: at its edges an encoder mixes it with what is beside it. */
function brightness(luma: Uint8Array, width: number, left: number, side: number): number {
  const [from, to] = [Math.floor(side / 4), Math.ceil((side * 3) / 4)];
  let sum = 0;
  for (let line = from; line < to; line++) {
    for (let column = from; column < to; column++) sum += luma[line * width + left + column] ?? 0;
  }
  return sum / (to - from) ** 2;
}
