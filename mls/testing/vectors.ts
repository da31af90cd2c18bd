/**
 * The test vectors of the MLS working group (github.com/mlswg/mls-implementations), which are not part of this repository. They are
 * looked for in the folder `mls` of HAWSER_TEST_VECTORS, or of `../shared/data` beside the repository.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { it } from 'vitest';
import { SUITE } from '../suite.ts';

const repository = join(import.meta.dirname, '..', '..');
const { HAWSER_TEST_VECTORS: named } = process.env;
const folder = join(named ?? join(repository, '..', 'shared', 'data'), 'mls');

/** Those of our cipher suite. */
export function vectors<T>(file: string): readonly T[] {
  const all: (T & { cipher_suite: number })[] = JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8'));
  return all.filter((each) => each.cipher_suite === SUITE);
}

/** A test on the vectors of a file; where they are absent it is skipped and says so, unless a folder was named. */
export function itMeets<T>(file: string, check: (vector: T) => Promise<void>, timeout?: number): void {
  if (named === undefined && !existsSync(join(folder, `${file}.json`))) {
    it.skip(`meets the vectors of ${file}: they are not in ${folder}, set HAWSER_TEST_VECTORS`, () => undefined);
    return;
  }
  const run = async () => {
    const cases = vectors<T>(file);
    if (cases.length === 0) throw new Error('there is no vector for our suite');
    for (const each of cases) await check(each);
  };
  it(`meets the vectors of ${file}`, run, timeout);
}
