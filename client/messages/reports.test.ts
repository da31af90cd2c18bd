import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Report } from '#client/content/content.ts';
import { MAX_REPORTED } from '#client/content/limits.ts';
import { Reports } from './reports.ts';
import { idOf } from './testing/chat.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('reports are gathered into few messages, each with the furthest that is known', () => {
  const sent: (readonly Report[])[] = [];
  const reports = new Reports((each) => sent.push(each));
  reports.add(idOf(1), 'delivered');
  reports.add(idOf(1), 'read');
  reports.add(idOf(1), 'delivered');
  for (let number = 2; number <= MAX_REPORTED + 1; number++) reports.add(idOf(number), 'delivered');
  expect(sent).toEqual([]);
  vi.runAllTimers();
  expect(sent.map((each) => each.length)).toEqual([MAX_REPORTED, 1]);
  expect(sent[0]?.[0]).toEqual({ message: idOf(1), status: 'read' });
  reports.add(idOf(1), 'read');
  reports.close();
  vi.runAllTimers();
  expect(sent).toHaveLength(2);
});
