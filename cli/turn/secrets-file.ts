/** The file of TURN secrets: read, changed, and looked at by whoever must know how old it is. */
import { readFile, stat } from 'node:fs/promises';
import { type Owner, replaceFile } from '#trust/replace.ts';
import { formatSecrets, parseSecrets, type TurnSecrets } from '#turn-config/secrets.ts';
import { Problem } from '../errors.ts';

const ONLY_OWNER = 0o600;

export interface SecretsFile {
  readonly secrets: TurnSecrets;
  /** When it was last changed, ms since 1970. */
  readonly changed: number;
  readonly mode: number;
  readonly owner: Owner;
}

/** Undefined where there is none yet. @throws Problem */
export async function readSecretsFile(file: string): Promise<SecretsFile | undefined> {
  try {
    const { mtimeMs, mode, uid, gid } = await stat(file);
    const secrets = parseSecrets(await readFile(file, 'utf8'));
    return { secrets, changed: mtimeMs, mode: mode & 0o777, owner: { uid, gid } };
  } catch (error) {
    if (error instanceof RangeError)
      throw new Problem(`${file}: ${error.message} hawser turn rotate makes a right one where there is none.`);
    const code = error instanceof Error && 'code' in error ? error.code : error;
    if (code === 'ENOENT') return undefined;
    throw new Problem(`${file} cannot be read (${code}).`);
  }
}

/**
 * Whole, and with the mode and the owner that the old one had: the homeserver reads it, and root may be who changes it.
 * @throws Problem
 */
export async function writeSecretsFile(
  file: string,
  secrets: TurnSecrets,
  old?: Pick<SecretsFile, 'mode' | 'owner'>,
): Promise<void> {
  await replaceFile(file, formatSecrets(secrets), old?.mode ?? ONLY_OWNER, old?.owner).catch(
    (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'its folder is not there' : `${error.code}`;
      throw new Problem(`${file} cannot be written: ${why}.`, { cause: error });
    },
  );
}
