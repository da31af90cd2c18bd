/** For tests: what a text tells an administrator to run, read or look up is there. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ERRORS } from '#signalling/errors.ts';
import { unknownCommands } from '../testing-commands.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** @param where named where something is missing */
export async function checkMentions(text: string, where: string): Promise<void> {
  expect(unknownCommands(text), where).toEqual([]);
  for (const [path] of text.matchAll(/docs\/[\w/-]+\.md/g)) await access(join(ROOT, path));
  for (const [code] of text.matchAll(/\b(?:SFT|HOME|FED|TRUST|SIG)_[A-Z_]+[A-Z]\b/g)) {
    const known = Object.keys(ERRORS).some((each) => each === code || each.startsWith(`${code}_`));
    expect(known, `${where}: ${code}`).toBe(true);
  }
}
