/** The files that a site names: they must be there, and nobody else may read a key. */
import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isFileKind, type SecretKind } from './fields.ts';
import type { Mistake } from './mistakes.ts';
import { concerns, type Part } from './part.ts';
import { type Leaf, mistake, text } from './yaml.ts';

const OTHERS = 0o007;
/** What a shell would replace: no server does. */
const EXPANDED = /^~(?:\/|$)|\$\{?[A-Za-z_]|%[A-Za-z_]+%/;

export async function checkFiles(
  leaves: readonly Leaf[],
  folder: string,
  parts: readonly Part[],
): Promise<readonly Mistake[]> {
  const mistakes: Mistake[] = [];
  for (const { path, schema, value, place } of leaves) {
    const kind = text(schema, 'kind');
    if (typeof value !== 'string' || !concerns(path, parts)) continue;
    if ((kind === 'path' || isFileKind(kind)) && EXPANDED.test(value)) {
      const message = `${path}: ~ and variables are not replaced here.`;
      mistakes.push(mistake(place, message, { path, remedy: 'Write the whole path, beginning with /.' }));
      continue;
    }
    if (!isFileKind(kind)) continue;
    const wrong = await whatIsWrong(resolve(folder, value), value, kind, text(schema, 'madeBy'));
    if (wrong) mistakes.push(mistake(place, `${path}: ${wrong.message}`, { path, remedy: wrong.remedy }));
  }
  return mistakes;
}

/** What everybody may do with one that he can read. */
const MAY: Readonly<Record<SecretKind, string>> = {
  key: 'may use the key',
  password: 'may read the password in',
  secret: 'may read the secrets in',
};

interface Wrong {
  readonly message: string;
  readonly remedy: string;
}

/** @param madeBy the command that makes such a file, where there is one */
async function whatIsWrong(
  file: string,
  written: string,
  kind: 'file' | SecretKind,
  madeBy: string,
): Promise<Wrong | undefined> {
  // A key that was pasted in place of its path must not reach a log.
  if (written.includes('\n') || written.includes('-----')) {
    const remedy = 'Write that text in a file of its own, and the path of the file here.';
    return { message: 'this is the path of a file, not its content.', remedy };
  }
  try {
    const found = await stat(file);
    if (!found.isFile()) return { message: `${file} is not a file.`, remedy: 'Write the path of a file.' };
    await access(file, constants.R_OK);
    if (kind !== 'file' && (found.mode & OTHERS) !== 0) {
      const remedy = 'Whoever read it meanwhile has it: replace it too, if others work on this machine.';
      return { message: `everybody on this machine ${MAY[kind]} ${file}. Run: chmod 600 ${file}`, remedy };
    }
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    if (code === 'ENOENT') {
      const make = madeBy === '' ? 'Put it there' : `Make it with ${madeBy}`;
      return {
        message: `there is no file ${file}.`,
        remedy: `${make}, or correct the path; it counts from the folder of this file.`,
      };
    }
    const remedy = 'Let the user of the server read it, or run this as that user.';
    return { message: `${file} cannot be read (${code}).`, remedy };
  }
}
