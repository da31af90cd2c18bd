/** The commands in pages, scripts and Compose files that people copy, held against those that there are. */
import { spawnSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { repository } from '#cli/setup/packages.ts';
import { table } from '#cli/table.ts';

/** `hawser` is also the name of an image, a namespace and folders; after these it is no command. */
const COMMAND = /(?<!-n |\/|tag |namespace )\bhawser ([a-z][a-z-]*)(?: ([a-z][a-z-]+))?/g;

/** Each `hawser …` of a text that is no command, as it stands there. */
export function unknownCommands(text: string): string[] {
  const names = new Set(table.map(({ name }) => name));
  const families = new Set(table.map(({ name }) => name.split(' ')[0]));
  const wrong = [...text.matchAll(COMMAND)].filter(([, first = '', second]) => {
    if (second === undefined) return !families.has(first);
    return !names.has(first) && !names.has(`${first} ${second}`);
  });
  return wrong.map(([all]) => all);
}

/** What stands as code in a page: indented lines, and words between backticks. */
export function codeOf(page: string): string {
  const blocks = blocksOf(page).join('\n');
  const words = [...page.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return `${blocks}\n${words.join('\n')}`;
}

/** Each run of lines that are indented as code, without the indentation. */
export function blocksOf(page: string): string[] {
  const blocks = page.matchAll(/(?:^|\n\n)((?: {4,}\S.*(?:\n|$))+)/g);
  return [...blocks].map(([, block = '']) => block.replace(/^ +/gm, '').trimEnd());
}

/**
 * Runs lines of a page as they stand there, in `folder`, with this checkout's `hawser`.
 * @throws Error with what they said where one of them fails
 */
export async function runAsWritten(lines: string, folder: string): Promise<void> {
  const programs = join(folder, '.bin');
  await mkdir(programs, { recursive: true });
  await symlink(join(repository, 'hawser'), join(programs, 'hawser')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` };
  const { status, stderr, stdout } = spawnSync('sh', ['-euc', lines], { cwd: folder, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${stdout}${stderr}\n(ended with ${status})`);
}
