import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groups, inTurns } from './crowd.ts';

it('lets no more act at once than are allowed, and keeps the order of the results', async () => {
  let acting = 0;
  let most = 0;
  const results = await inTurns([5, 1, 4, 2, 3], 2, async (turns) => {
    acting += 1;
    most = Math.max(most, acting);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    acting -= 1;
    return turns * 10;
  });
  expect([results, most]).toEqual([[50, 10, 40, 20, 30], 2]);
  expect(await inTurns([], 2, async () => 1)).toEqual([]);
});

it('starts nobody after one has failed, and tells the failure', async () => {
  const begun: number[] = [];
  const act = async (person: number) => {
    begun.push(person);
    if (person === 1) throw new Error('no');
  };
  await expect(inTurns([1, 2, 3, 4], 1, act)).rejects.toThrow('no');
  expect(begun).toEqual([1]);
});

it('splits people into even groups and loses none', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 40 }), (count, most) => {
      const people = Array.from({ length: count }, (_, index) => index);
      const parts = groups(people, most);
      expect(parts.flat()).toEqual(people);
      const sizes = parts.map(({ length }) => length);
      expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(most);
      if (sizes.length > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});
