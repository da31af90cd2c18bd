import { expect, it } from 'vitest';
import { ClipWindow } from './clip-window.ts';

const seenOf = (numbers: readonly (number | undefined)[], frames: number) => {
  const window = new ClipWindow(frames, 10);
  for (const number of numbers) window.take(number, 720);
  return { ...window.seen, isOver: window.isOver };
};

it('counts every picture over several rounds of the clip, from wherever it begins', () => {
  const numbers = Array.from({ length: 25 }, (_, at) => (at + 7) % 10);
  expect(seenOf(numbers, 25)).toMatchObject({ shown: 25, missing: [], repeated: 0, unreadable: 0, isOver: true });
  expect(seenOf(numbers.slice(0, -1), 25)).toMatchObject({ shown: 24, missing: [24], isOver: false });
});

it('knows which ones are missing, also at the end', () => {
  expect(seenOf([8, 9, 1, 2, 5], 6)).toMatchObject({ shown: 4, missing: [2, 5], isOver: true });
});

it('counts what was seen twice, and what could not be read, and neither as another picture', () => {
  expect(seenOf([3, 3, undefined, 5], 3)).toMatchObject({ shown: 2, missing: [1], repeated: 1, unreadable: 1 });
});

it('counts how often the size changes', () => {
  const window = new ClipWindow(5, 10);
  for (const [number, height] of [720, 720, 360, 360, 720].entries()) window.take(number, height);
  expect(window.seen).toMatchObject({ sizeChanges: 2, height: 720 });
});
