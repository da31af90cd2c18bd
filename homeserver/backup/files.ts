/** Which files of a site are saved: what the folder `data` holds beside the database, and certificates and keys on demand. */
import { lstat, open, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Site } from '#site/schema.ts';
import { AUDIT_HEAD } from '../audit/head-file.ts';
import { DATABASE_FILE } from '../store/place.ts';

export interface SavedFile {
  /** Absolute. */
  readonly path: string;
  /** Relative to the folder, with slashes. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

export interface Found {
  readonly files: readonly SavedFile[];
  /** Names of certificates and keys that stay behind. */
  readonly keys: readonly string[];
  /** Names of what is neither a file nor a folder, such as links and sockets. */
  readonly strange: readonly string[];
}

/** The database is saved in its own way, and what SQLite and the lock have beside it is nothing to anybody else. */
const OF_DATABASE = new RegExp(`^${DATABASE_FILE.replace('.', '\\.')}(-wal|-shm|-journal|\\.lock|\\.lock-journal)?$`);

/** By their names; the site knows more. */
const KEY_NAMES = /\.(key|pem|p12|pfx)$/i;

/** @param withKeys certificates and keys in the folder are files like others */
export async function dataFiles(
  { data, ...site }: Pick<Site, 'data' | 'certificates' | 'homeserver' | 'sft'>,
  withKeys: boolean,
): Promise<Found> {
  const secret = new Set([...keyFiles(site).values(), site.homeserver.databasePasswordFile]);
  const found = { files: [] as SavedFile[], keys: [] as string[], strange: [] as string[] };
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(data, path).split(sep).join('/');
    // The head of the audit log may be newer than the lines that are saved. The homeserver makes it anew when it starts.
    if (entry.isDirectory() || OF_DATABASE.test(name) || name === AUDIT_HEAD) continue;
    if (!entry.isFile()) found.strange.push(name);
    else if (!withKeys && (secret.has(path) || KEY_NAMES.test(name))) found.keys.push(name);
    else {
      // A temporary file may be gone again since the folder was read.
      const status = await lstat(path).catch(() => undefined);
      if (status?.isFile()) found.files.push({ path, name, size: status.size });
    }
  }
  return found;
}

/** The files of certificates and keys that a site names, by their options. */
export function keyFiles({
  certificates,
  homeserver,
  sft,
}: Pick<Site, 'certificates' | 'homeserver' | 'sft'>): Map<string, string> {
  const files = new Map<string, string>();
  const walk = (prefix: string, value: unknown): void => {
    if (typeof value === 'string') files.set(prefix, value);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, below] of Object.entries(value)) walk(`${prefix}.${key}`, below);
    }
  };
  walk('certificates', certificates);
  walk('homeserver.client.tls', homeserver.client.tls);
  walk('sft.client.tls', sft.client.tls);
  return files;
}

/** The first `size` bytes of a file: what comes in addition while it is read belongs to the next backup. */
export async function* contentOf({ path, size }: SavedFile): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  await using file = await open(path);
  yield* file.createReadStream({ start: 0, end: size - 1, autoClose: false }) as AsyncIterable<Uint8Array>;
}
