/** Numbers on paper: axes with round steps, coordinates, and figures as they are written. Pure. */

/** Round values from 0 up to the first that is not below `most`; between three and seven of them. */
export function ticksTo(most: number): number[] {
  const step = roundStep(Math.max(most, Number.MIN_VALUE * 1e10) / 5);
  const count = Math.max(2, Math.ceil(most / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** The next of 1, 2, 5, 10, … that is not below. */
export function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((each) => each * power >= least * (1 - 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(12));
}

/**
 * Where the axes of charts that belong together end: at the same value, so that they can be compared by eye. One that would
 * fill less than a third of its chart has an end of its own, so that something can be seen in it.
 */
export function commonEnds(values: readonly number[]): number[] {
  const most = Math.max(0, ...values);
  return values.map((value) => (value < most / 3 ? Math.max(0, ...values.filter((each) => each < most / 3)) : most));
}

/** A coordinate to a tenth of a unit, which nobody sees. */
export function place(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** With as many decimals as are worth reading: 26.4, 3.41, 0.027. */
export function figure(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3);
}
