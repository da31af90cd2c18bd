import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PortPool } from '../trunk/port-pool.ts';
import { PortRow } from './port-row.ts';

it('knows of every port whether it was tried, and if not, why', () => {
  const few = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 30 });
  fc.assert(
    fc.property(few, few, fc.integer({ min: 1, max: 16 }), fc.boolean(), (inCalls, held, most, isOwn) => {
      const range = { from: 1, to: 40 };
      const pool = new PortPool(range.from, range.to);
      const row = new PortRow(range, isOwn ? 'busy' : 'taken');
      const all = Array.from({ length: 40 }, (_, index) => index + 1);
      for (const _port of all) pool.take();
      for (const port of all.filter((each) => !inCalls.includes(each))) pool.give(port);
      row.busy(inCalls);
      const tried = new Set<number>();
      for (let turn = 0; turn < 100 && !row.isDone; turn++) {
        const lent = pool.lend(most);
        const had = lent.filter((port) => !held.includes(port));
        if (isOwn) row.taken(lent.filter((port) => held.includes(port)));
        if (had.length > 0 || lent.length === 0 || !isOwn) row.tried(had);
        for (const port of had) tried.add(port);
        for (const port of lent) pool.give(port);
      }
      const { busy, taken, late } = row.left;
      const reasons = [...busy, ...taken, ...late];
      expect([...tried, ...reasons].sort((a, b) => a - b)).toEqual(all);
      expect(late).toEqual([]);
    }),
  );
});

it('says of the rest that their turn did not come', () => {
  const row = new PortRow({ from: 1, to: 5 }, 'taken');
  row.busy([2]);
  row.tried([1, 3]);
  expect([row.isDone, row.left]).toEqual([false, { busy: [2], taken: [], late: [4, 5] }]);
  row.tried([1]);
  expect([row.isDone, row.left]).toEqual([true, { busy: [2], taken: [4, 5], late: [] }]);
});
