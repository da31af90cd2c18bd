import { expect, test } from 'vitest';
import { closingLine, count } from './summary.ts';

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((status) => ({ status })),
});

test('the closing line counts all files, and skipped tests only when there are any', () => {
  const report = { testResults: [file('passed', 'passed', 'passed'), file('passed', 'passed')] };
  expect(closingLine(count(report))).toBe('3 passed, 0 failed');
  const mixed = { testResults: [file('failed', 'passed', 'failed'), file('passed', 'skipped', 'todo', 'pending')] };
  expect(closingLine(count(mixed))).toBe('1 passed, 1 failed, 3 skipped');
});

test('a file that could not be loaded counts as a failure', () => {
  expect(count({ testResults: [file('failed')] })).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(count({ testResults: [file('failed', 'passed')] })).toEqual({ passed: 1, failed: 1, skipped: 0 });
});
