import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../setup/packages.ts';
import { select, testFiles } from './selection.ts';

const files = ['cli/parse.test.ts', 'sft/link/link.test.ts', 'sft/link/tls.e2e.test.ts', 'sft/trunk/trunk.test.ts'];

test('a folder or a file selects its tests, however it is written', () => {
  const link = ['sft/link/link.test.ts', 'sft/link/tls.e2e.test.ts'];
  expect(select(['sft/link'], files)).toEqual({ files: link, names: undefined });
  expect(select(['./sft/link/'], files).files).toEqual(link);
  expect(select(['link'], files, join(repository, 'sft')).files).toEqual(link);
  expect(select([join(repository, 'sft/trunk/trunk.test.ts')], files).files).toEqual(['sft/trunk/trunk.test.ts']);
  expect(select(['trunk/trunk', 'parse'], files).files).toEqual(['cli/parse.test.ts', 'sft/trunk/trunk.test.ts']);
});

test('any other word is part of the name of a test, taken literally', () => {
  const { files: chosen, names } = select(['sft/link', 'is refused (twice)'], files);
  expect(chosen).toHaveLength(2);
  expect('it is refused (twice) and logged').toMatch(new RegExp(names ?? ''));
  expect('it is refused twice').not.toMatch(new RegExp(names ?? ''));
});

test('without words all tests are meant, and they are all found', async () => {
  expect(select([], files)).toEqual({ files: [], names: undefined });
  expect(await testFiles()).toContain('cli/test/selection.test.ts');
  expect((await testFiles()).some((file) => file.includes('node_modules'))).toBe(false);
});
