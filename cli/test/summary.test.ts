import { expect, test } from 'vitest';
import { closingLine, count, failures } from './summary.ts';

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

test('what failed is named once more at the end, one line each', () => {
  const of = (
    name: string,
    status: string,
    ...assertionResults: { status: string; fullName: string; failureMessages?: string[] }[]
  ) => ({
    ...{ name: `/hawser/${name}`, status, assertionResults },
    ...(assertionResults.length === 0 && { message: 'Cannot find it\nin many words' }),
  });
  const testResults = [
    of(
      'sft/a.test.ts',
      'failed',
      { status: 'passed', fullName: 'well' },
      { status: 'failed', fullName: 'ill', failureMessages: [`no${'o'.repeat(400)}\nat b`] },
    ),
    of('sft/b.test.ts', 'failed'),
    of('sft/c.test.ts', 'passed', { status: 'skipped', fullName: 'later' }),
  ];
  expect(failures({ testResults }, '/hawser')).toEqual([
    `sft/a.test.ts > ill: no${'o'.repeat(298)}`,
    'sft/b.test.ts: Cannot find it',
  ]);
});
