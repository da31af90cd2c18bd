/** From vitest's JSON report to the closing lines. */
import { relative } from 'node:path';

/** The part of vitest's JSON report that counts. */
export interface Report {
  testResults: readonly {
    name: string;
    status: string;
    /** Why the file could not be loaded. */
    message?: string;
    assertionResults: readonly { status: string; fullName?: string; failureMessages?: readonly string[] }[];
  }[];
}

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A file that could not even be loaded has no tests; it counts as one failed one, or it would go unnoticed. */
export function count({ testResults }: Report): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of testResults) {
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed++;
      // Tests that a filter left out, and those marked skip or todo.
      else counts.skipped++;
    }
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) counts.failed++;
  }
  return counts;
}

/** Characters of a message that are enough to know it again; all of it stands where the test is reported. */
const MOST = 300;

/** One line for each test that failed, in the order of the report: what is kept of a long run is often only its end. */
export function failures({ testResults }: Report, folder: string): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(folder, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (status === 'failed' && failed.length === 0) return [`${file}: ${firstLine(message)}`];
    return failed.map((test) => `${file} > ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
  });
}

const firstLine = (message = '') => (message.trim().split('\n', 1)[0] ?? '').slice(0, MOST);

export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
