import { expect, test } from 'vitest';
import type { ConferenceId } from '#signalling/ids.ts';
import { ABSENCE_MS, connected, due, lost, stated } from './sft-watch.ts';

const [one, other] = ['a', 'b'].map((letter) => letter.repeat(22) as ConferenceId) as [ConferenceId, ConferenceId];

test('an SFT that does not come back in time has left everything, once', () => {
  let watch = lost(0);
  let left: ConferenceId[];
  [watch, left] = due(watch, [one, other], ABSENCE_MS - 1);
  expect(left).toEqual([]);
  [watch, left] = due(watch, [one, other], ABSENCE_MS);
  expect(left).toEqual([one, other]);
  [watch, left] = due(watch, [one, other], ABSENCE_MS * 2);
  expect(left).toEqual([]);
});

test('one that is back has left what it does not state again', () => {
  const watch = stated(connected(10_000), one);
  expect(due(watch, [one, other], 10_000 + ABSENCE_MS - 1)[1]).toEqual([]);
  expect(due(watch, [one, other], 10_000 + ABSENCE_MS)[1]).toEqual([other]);
});
