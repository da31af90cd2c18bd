/** The disk on which a folder lies. */
import { statfs } from 'node:fs/promises';

export interface Disk {
  /** Bytes that this process may still write. */
  readonly free: number;
  /** Bytes. */
  readonly size: number;
}

export async function diskOf(folder: string): Promise<Disk> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, size: blocks * bsize };
}
