/** What a backup says of itself: first what it is, last what all of it must be. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Closed } from '#signalling/contract.ts';
import { DomainName } from '#signalling/ids.ts';
import { BackupError } from './fault.ts';

export const MANIFEST = 'manifest.json';
export const CHECKSUMS = 'checksums.json';
export const DATABASE = 'database.sqlite';
/** Before the names of files of the folder `data`. */
export const DATA = 'data/';
/** Before the names of options whose files are certificates and keys, such as `keys/certificates.sft.key`. */
export const KEYS = 'keys/';

/** Raised when an older version of Hawser could not read the backup any more. */
const FORMAT = 1;

const Manifest = Closed({
  format: Type.Literal(FORMAT),
  domain: DomainName,
  /** The newest migration of the database. */
  schema: Type.String({ maxLength: 100 }),
  /** When the state was taken, ISO 8601. */
  created: Type.String({ maxLength: 40 }),
  /** Whether certificates and private keys are in it. */
  keys: Type.Boolean(),
});
export type Manifest = Static<typeof Manifest>;

const Sum = Closed({ size: Type.Integer({ minimum: 0 }), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) });
export type Sum = Static<typeof Sum>;

const Checksums = Closed({ files: Type.Record(Type.String(), Sum) });

const [manifestParser, checksumsParser] = [Compile(Manifest), Compile(Checksums)];

export function writeManifest(manifest: Omit<Manifest, 'format'>): string {
  return `${JSON.stringify({ format: FORMAT, ...manifest } satisfies Manifest, null, 2)}\n`;
}

/** @throws BackupError */
export function readManifest(text: string): Manifest {
  const value = json(text);
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format === 'number' && format > FORMAT) {
    throw new BackupError('The backup was made by a newer version of Hawser. Install that version, or a newer one.');
  }
  if (!manifestParser.Check(value)) throw new BackupError('The backup does not say what it is. Take another one.');
  return value;
}

export function writeChecksums(sums: ReadonlyMap<string, Sum>): string {
  return JSON.stringify({ files: Object.fromEntries(sums) });
}

/** @throws BackupError */
export function readChecksums(text: string): ReadonlyMap<string, Sum> {
  const value = json(text);
  if (!checksumsParser.Check(value)) throw new BackupError('The list of checksums is damaged. Take another backup.');
  return new Map(Object.entries(value.files));
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BackupError('The backup is damaged. Take another one.');
  }
}
