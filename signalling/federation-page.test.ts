import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { FEDERATION_PATHS } from './federation.ts';
import { FEDERATION_CALLS } from './federation-calls.ts';
import { federationPage } from './federation-page.ts';

test('the reference page tells of every call, and is the one that is made of the list', async () => {
  expect(Object.keys(FEDERATION_CALLS).sort()).toEqual(Object.keys(FEDERATION_PATHS).sort());
  const page = federationPage();
  expect(await readFile(new URL('../docs/reference/federation-calls.md', import.meta.url), 'utf8')).toBe(page);
});
