import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ERRORS, HawserError } from './errors.ts';
import { errorsPage } from './errors-page.ts';

it('has a page that is up to date and holds every code', async () => {
  const page = errorsPage();
  expect(await readFile(new URL('../docs/reference/errors.md', import.meta.url), 'utf8')).toBe(page);
  for (const code of Object.keys(ERRORS)) expect(page).toContain(`\`${code}\``);
});

it('has a legal close code and HTTP status for each, and a sentence that ends', () => {
  for (const { status, close, sentence } of Object.values(ERRORS)) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(close === 1009 || (close >= 4000 && close < 5000)).toBe(true);
    expect(sentence).toMatch(/\.$/);
  }
});

it('says the sentence and the detail', () => {
  const error = new HawserError('SFT_FULL', 'conferences');
  expect(error.message).toContain(ERRORS.SFT_FULL.sentence);
  expect(error.message).toContain('conferences');
  expect([error.status, error.retry]).toEqual([503, true]);
});
