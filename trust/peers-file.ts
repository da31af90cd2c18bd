/** The allow list as administrators read and write it, by commands and on the page. Running servers follow the file. */
import { open, readFile, rm } from 'node:fs/promises';
import type { DomainName } from '#signalling/ids.ts';
import type { HostAndPort } from '#site/address.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Peer } from './identity.ts';
import { DAY } from './issuing.ts';
import { parsePeers } from './peers.ts';
import type { PeerEntry, PeerLimits, PeerScopes } from './peers-schema.ts';
import { certificatesOf } from './pem.ts';
import { replaceFile } from './replace.ts';

const READABLE = 0o644;

/** The list stays as it was. The message is a sentence for the administrator. */
export class PeersFileError extends Error {
  override readonly name = 'PeersFileError';
  /** `busy`: somebody else is writing it. `wrong`: it would be no right list. `file`: it cannot be read or written. */
  readonly why: 'busy' | 'wrong' | 'file';

  constructor(why: PeersFileError['why'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.why = why;
  }
}

/** @throws PeersFileError */
export async function readPeers(path: string): Promise<ReadonlyMap<DomainName, Peer>> {
  return parse(path, await readText(path));
}

/**
 * Replaces the list by what `edit` makes of it, if that is a right list. Two at once: the second one is told so.
 * @throws PeersFileError
 */
export async function changePeers(path: string, edit: (text: string) => string): Promise<void> {
  const lock = `${path}.lock`;
  const held = await open(lock, 'wx').catch((error: NodeJS.ErrnoException) => {
    const isBusy = error.code === 'EEXIST';
    const why = isBusy ? `another hawser peers is at work; if not, remove ${lock}` : error.message;
    throw new PeersFileError(isBusy ? 'busy' : 'file', `the allow list cannot be changed: ${why}.`, { cause: error });
  });
  try {
    const before = await readText(path);
    await parse(path, before);
    const after = edit(before);
    await parse(path, after);
    if (after === before) return;
    await replaceFile(path, after, READABLE).catch((error: Error) => {
      throw new PeersFileError('file', `the allow list cannot be changed: ${error.message}.`, { cause: error });
    });
  } finally {
    await held.close();
    await rm(lock, { force: true });
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new PeersFileError('file', `${path} cannot be read (${error.code}).`, { cause: error });
  });
}

function parse(path: string, text: string) {
  return parsePeers(path, text, (file) => readFile(file, 'utf8')).catch((error: unknown) => {
    throw error instanceof SiteError ? new PeersFileError('wrong', error.message, { cause: error }) : error;
  });
}

/**
 * Only the certificates of a text: whatever else is in it, a key above all, does not get into the list. Undefined where there
 * is none, or one of them cannot be read.
 */
export function authorityText(pem: string): string | undefined {
  try {
    return (
      certificatesOf(pem)
        .map((certificate) => certificate.toString())
        .join('') || undefined
    );
  } catch {
    return undefined;
  }
}

export interface PeerStatus {
  readonly domain: DomainName;
  readonly state: Peer['state'];
  readonly homeserver?: string;
  readonly mediaPrefixes: readonly string[];
  readonly authorities: readonly { readonly fingerprint: string; readonly to: string; readonly days: number }[];
  /** Certificates that the lists name; absent where there is no list. */
  readonly revoked?: number;
  /** Where they differ from those of the site. */
  readonly limits: PeerLimits;
  readonly may: PeerScopes;
  readonly addresses: PeerEntry['addresses'];
}

/** `hs.beta.example:8448` */
export function addressOf({ host, port }: HostAndPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `now` in ms since 1970 */
export function statusOf(peer: Peer, now: number): PeerStatus {
  const { domain, state, homeserver, mediaPrefixes, authority, limits, may, addresses } = peer;
  const revocations = authority?.revocations ?? [];
  return {
    domain,
    state,
    ...(homeserver && { homeserver: addressOf(homeserver) }),
    mediaPrefixes,
    authorities: (authority?.certificates ?? []).map(({ fingerprint256, validToDate }) => ({
      fingerprint: fingerprint256,
      to: validToDate.toISOString(),
      days: Math.floor((validToDate.getTime() - now) / DAY),
    })),
    ...(revocations.length > 0 && { revoked: revocations.reduce((sum, list) => sum + list.size, 0) }),
    limits,
    may,
    addresses,
  };
}
