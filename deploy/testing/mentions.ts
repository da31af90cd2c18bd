/** For tests: what a text tells an administrator to run, read or look up is there. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { table } from '#cli/table.ts';
import { ERRORS } from '#signalling/errors.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** @param where named where something is missing */
export async function checkMentions(text: string, where: string): Promise<void> {
  const commands = table.map(({ name }) => name);
  for (const [, command = ''] of text.matchAll(/\bhawser ([a-z]+(?: [a-z-]+)?)/g)) {
    const [first] = command.split(' ');
    const group = commands.filter((each) => each.split(' ')[0] === first);
    // What follows a command of one word is a name or the rest of the sentence.
    expect(group.includes(command) || commands.includes(first ?? ''), `${where}: hawser ${command}`).toBe(true);
  }
  for (const [path] of text.matchAll(/docs\/[\w/-]+\.md/g)) await access(join(ROOT, path));
  for (const [code] of text.matchAll(/\b(?:SFT|HOME|FED|TRUST|SIG)_[A-Z_]+[A-Z]\b/g)) {
    const known = Object.keys(ERRORS).some((each) => each === code || each.startsWith(`${code}_`));
    expect(known, `${where}: ${code}`).toBe(true);
  }
}
