/** What there is to know about one file on the disk. */
import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface FileFacts {
  /** Absolute, as it was asked for. */
  readonly path: string;
  /** The same without links. */
  readonly real: string;
  readonly isFolder: boolean;
  /** Permissions, 0o777 and below. */
  readonly mode: number;
  /** Whose it is: a user's and a group's. */
  readonly uid: number;
  readonly gid: number;
  /** Whether this process may write it. */
  readonly isWritable: boolean;
  /** Undefined of a folder, of what may not be read, and of what is larger than any PEM file. */
  readonly text: string | undefined;
  /** A folder on the way to it in which everybody may put something else in its place. */
  readonly openFolder: string | undefined;
}

/** A user of this machine. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
}

/** As the kernel decides, without access control lists. The folders on the way are not looked at. */
export function mayRead({ mode, uid, gid }: FileFacts, user: User): boolean {
  if (user.uid === 0) return true;
  const bit = user.uid === uid ? 0o400 : user.gids.includes(gid) ? 0o040 : 0o004;
  return (mode & bit) !== 0;
}

const MAX_BYTES = 4 * 1024 * 1024;
const WRITTEN_BY_ALL = 0o002;

/** Undefined where it is not there. */
export async function lookAt(path: string): Promise<FileFacts | undefined> {
  try {
    const [real, found] = [await realpath(path), await stat(path)];
    const isSmall = found.isFile() && found.size <= MAX_BYTES;
    return {
      path,
      real,
      isFolder: found.isDirectory(),
      mode: found.mode & 0o777,
      uid: found.uid,
      gid: found.gid,
      isWritable: await mayWrite(path),
      text: isSmall ? await readFile(path, 'utf8').catch(() => undefined) : undefined,
      openFolder: await openFolder(new Set([dirname(path), dirname(real)])),
    };
  } catch {
    return undefined;
  }
}

/** The same of the nearest folder above that is there. */
export async function lookAtNearest(path: string): Promise<FileFacts | undefined> {
  for (let at = path; ; at = dirname(at)) {
    const found = await lookAt(at);
    if (found || at === dirname(at)) return found;
  }
}

/** Where this process may not write all the same, as in a read-only mount of secrets, nobody else may. */
async function openFolder(folders: ReadonlySet<string>): Promise<string | undefined> {
  for (const folder of folders) {
    const isOpen = ((await stat(folder)).mode & WRITTEN_BY_ALL) !== 0;
    if (isOpen && (await mayWrite(folder))) return folder;
  }
  return undefined;
}

function mayWrite(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}
