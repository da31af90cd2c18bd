/** Writes a file so that whoever reads it at any moment finds the old or the new one, whole. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * `mode` such as 0o600. The old file stays where anything goes wrong.
 * @param owner whom the new file belongs to; whoever writes it when left out
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode: number,
  owner?: Owner,
): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(fresh, 'wx', mode);
    try {
      // Whatever the umask takes away: others have to read what root writes.
      await file.chmod(mode);
      if (owner) await file.chown(owner.uid, owner.gid);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
