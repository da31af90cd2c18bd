/** The kinds of options that a site has: each a schema with the words about it. */
import Type, { type TProperties } from 'typebox';

/** What an option tells besides its JSON schema. */
export interface Note {
  /** What it is, one sentence. */
  readonly description: string;
  /** Why the default is what it is, or what follows from another value. */
  readonly reason?: string;
  readonly unit?: string;
  /** What a value must look like, in words that complete "must be …". */
  readonly expects?: string;
  /** What it is beyond its form. Paths (`path` and kinds of files) are made absolute; all but `path` must be there. */
  readonly kind?: 'path' | 'file' | SecretKind | 'database' | 'listen' | 'address' | 'ip' | 'url';
  /** The command that makes such a file. */
  readonly madeBy?: string;
  /** The value in the annotated sample. */
  readonly example?: unknown;
  readonly default?: unknown;
  /** What the reference says instead of a default that is long, or differs from machine to machine. */
  readonly defaultText?: string;
  /** Whether the sample has it in effect, though it may be left out. */
  readonly inSample?: boolean;
}

/** Files that nobody else may read. */
export type SecretKind = 'key' | 'password' | 'secret';

export function isSecretKind(kind: string): kind is SecretKind {
  return kind === 'key' || kind === 'password' || kind === 'secret';
}

export function isFileKind(kind: string): kind is 'file' | SecretKind {
  return kind === 'file' || isSecretKind(kind);
}

const PATH = 'the path of a file, counted from the folder of this file';
const IP = '(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)';
export const PORT = '[0-9]{1,5}';

export const file = (note: Note) =>
  Type.String({ minLength: 1, maxLength: 4_096, kind: 'file', expects: PATH, ...note });

export const listen = (note: Note) =>
  Type.String({
    pattern: `^(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|\\[[0-9a-fA-F:.]+\\]):${PORT}$`,
    maxLength: 60,
    kind: 'listen',
    expects: 'an IP address and a port, such as 0.0.0.0:8443 or [::]:8443',
    ...note,
  });

export const ip = (note: Note) =>
  Type.String({
    pattern: `^${IP}$`,
    maxLength: 45,
    kind: 'ip',
    expects: 'an IP address, such as 203.0.113.7',
    ...note,
  });

/** An address, or those that begin with the same bits. What it means is looked at where it is used. */
export const prefix = (note: Note) =>
  Type.String({
    pattern: `^${IP}(?:/[0-9]{1,3})?$`,
    maxLength: 50,
    expects: 'an address prefix, such as 10.0.0.0/8 or 2001:db8::/32',
    ...note,
  });

export const url = (schemes: string, path: string, note: Note) =>
  Type.String({
    pattern: `^(?:${schemes})://[A-Za-z0-9.\\[\\]:-]+${path}$`,
    maxLength: 300,
    kind: 'url',
    expects: `a URL that begins with ${schemes.replaceAll('|', ':// or ')}://`,
    ...note,
  });

export const port = (note: Note) =>
  Type.Integer({ minimum: 1, maximum: 65_535, expects: 'a port, 1 to 65535', ...note });

export const count = (maximum: number, note: Note & { default: number }) =>
  Type.Integer({ minimum: 1, maximum, expects: `a whole number from 1 to ${maximum}`, ...note });

export const mbit = (note: Note & { default: number }) =>
  Type.Number({
    minimum: 0,
    maximum: 100_000,
    unit: 'Mbit/s',
    expects: 'a number of Mbit/s, from 0 to 100000',
    ...note,
  });

export const section = <P extends TProperties>(properties: P, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });

export const clientTls = (who: string) =>
  Type.Optional(
    section(
      {
        certificate: file({
          description: `Certificate that browsers trust for the ${who}, PEM with its chain.`,
          reason: 'Read again when the file changes; no restart is needed, and nobody is cut off.',
          example: 'browsers/fullchain.pem',
        }),
        key: file({ kind: 'key', description: 'Its private key, PEM.', example: 'browsers/privkey.pem' }),
      },
      'TLS towards clients. Left out where a reverse proxy ends it, or on localhost.',
    ),
  );

export const ADMIN =
  'Metrics, health, draining and the log level. Nobody signs in there, so it belongs on loopback or on a network of administrators.';
