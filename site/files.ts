/** The files that a site names: they must be there, and nobody else may read a key. */
import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Mistake } from './mistakes.ts';
import { concerns, type Part } from './part.ts';
import { type Leaf, mistake, text } from './yaml.ts';

const OTHERS = 0o007;

export async function checkFiles(
  leaves: readonly Leaf[],
  folder: string,
  parts: readonly Part[],
): Promise<readonly Mistake[]> {
  const mistakes: Mistake[] = [];
  for (const { path, schema, value, place } of leaves) {
    const kind = text(schema, 'kind');
    if (!isFile(kind) || typeof value !== 'string' || !concerns(path, parts)) continue;
    const wrong = await whatIsWrong(resolve(folder, value), value, kind);
    if (wrong !== undefined) mistakes.push(mistake(place, `${path}: ${wrong}`));
  }
  return mistakes;
}

type Kind = 'file' | 'key' | 'password';

function isFile(kind: string): kind is Kind {
  return kind === 'file' || kind === 'key' || kind === 'password';
}

async function whatIsWrong(file: string, written: string, kind: Kind): Promise<string | undefined> {
  // A key that was pasted in place of its path must not reach a log.
  if (written.includes('\n') || written.includes('-----')) return 'this is the path of a file, not its content.';
  try {
    const found = await stat(file);
    if (!found.isFile()) return `${file} is not a file.`;
    await access(file, constants.R_OK);
    if (kind !== 'file' && (found.mode & OTHERS) !== 0) {
      const may = kind === 'key' ? 'may use the key' : 'may read the password in';
      return `everybody on this machine ${may} ${file}. Run: chmod 600 ${file}`;
    }
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return code === 'ENOENT' ? `there is no file ${file}.` : `${file} cannot be read (${code}).`;
  }
}
