/** Several runs as one. Pure. */

/**
 * The same shape with the median in place of each number; words are those of the first. What some of them do not have
 * counts where it is there. Undefined where there is nothing.
 */
export function median<T>(values: readonly T[]): T | undefined {
  return values.length === 0 ? undefined : (middleOf(values) as T);
}

function middleOf(values: readonly unknown[]): unknown {
  const [first] = values;
  if (typeof first === 'number') return middleNumber(values.filter((each) => typeof each === 'number'));
  if (Array.isArray(first)) return first.map((_, index) => middleOf(present(values, index)));
  if (typeof first !== 'object' || first === null) return first;
  const keys = new Set(values.flatMap((each) => Object.keys(each ?? {})));
  return Object.fromEntries([...keys].map((key) => [key, middleOf(present(values, key))]));
}

function present(values: readonly unknown[], key: string | number): unknown[] {
  return values.map((each) => Reflect.get(Object(each), key)).filter((each) => each !== undefined);
}

/** Of an even number the mean of the two in the middle. */
function middleNumber(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [low = 0, high = low] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return Number(((low + high) / 2).toFixed(6));
}
