/** Which tests the words after `hawser test` mean. */
import { glob } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { repository } from '../setup/packages.ts';

export interface Selection {
  /** Test files, relative to the repository; empty means all. */
  files: readonly string[];
  /** A regular expression for the names of tests; undefined means all. */
  names: string | undefined;
}

/** All test files, relative to the repository, in alphabetical order. */
export async function testFiles(): Promise<string[]> {
  const files: string[] = [];
  const exclude = (path: string) => /(^|\/)(node_modules|dist|\.git)$/.test(path);
  for await (const file of glob('**/*.test.ts', { cwd: repository, exclude })) files.push(file);
  return files.sort();
}

/**
 * A word that is part of the path of a test file selects those files: a folder, a file, `sft/link`, also as `./sft/link` or relative to
 * the folder one is in. Any other word is part of the name of a test. Both together: tests of that name in those files.
 */
export function select(words: readonly string[], files: readonly string[], cwd: string = repository): Selection {
  const chosen = new Set<string>();
  const names: string[] = [];
  for (const word of words) {
    const path = relative(repository, resolve(cwd, word));
    const wanted = path.startsWith(`..${sep}`) || path === '..' ? word : path;
    const exact = files.filter((file) => wanted === '' || file === wanted || file.startsWith(wanted + sep));
    const matching = exact.length > 0 ? exact : files.filter((file) => file.includes(wanted) || file.includes(word));
    for (const file of matching) chosen.add(file);
    if (matching.length === 0) names.push(word);
  }
  return {
    files: [...chosen].sort(),
    names: names.length === 0 ? undefined : names.map((name) => RegExp.escape(name)).join('|'),
  };
}
