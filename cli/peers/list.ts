/** The allow list as the commands read and write it. */
import { open, readFile, rm } from 'node:fs/promises';
import type { DomainName } from '#signalling/ids.ts';
import { loadSite } from '#site/load.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Peer } from '#trust/identity.ts';
import { DAY } from '#trust/issuing.ts';
import { parsePeers } from '#trust/peers.ts';
import type { PeerLimits } from '#trust/peers-schema.ts';
import { replaceFile } from '#trust/replace.ts';
import { Problem } from '../errors.ts';

const READABLE = 0o644;

/** Where the site keeps its list. The files of the site need not be there: the list may be edited on another machine. */
export async function listPath(config: string): Promise<string> {
  const site = await loadSite(config, []).catch(asProblem);
  return site.peers;
}

export async function readPeers(path: string): Promise<ReadonlyMap<DomainName, Peer>> {
  return parse(path, await readText(path));
}

/** Replaces the list by what `edit` makes of it, if that is a right list. Two commands at once: the second one says so. */
export async function changePeers(path: string, edit: (text: string) => string): Promise<void> {
  const lock = `${path}.lock`;
  const held = await open(lock, 'wx').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EEXIST' ? `another hawser peers is at work; if not, remove ${lock}` : error.message;
    throw new Problem(`the allow list cannot be changed: ${why}.`);
  });
  try {
    const before = await readText(path);
    await parse(path, before);
    const after = edit(before);
    await parse(path, after);
    await replaceFile(path, after, READABLE);
  } finally {
    await held.close();
    await rm(lock, { force: true });
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new Problem(`${path} cannot be read (${error.code}).`);
  });
}

function parse(path: string, text: string) {
  return parsePeers(path, text, (file) => readFile(file, 'utf8')).catch(asProblem);
}

function asProblem(error: unknown): never {
  throw error instanceof SiteError ? new Problem(error.message, { cause: error }) : error;
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
}

/** `now` in ms since 1970 */
export function statusOf(peer: Peer, now: number): PeerStatus {
  const { domain, state, homeserver, mediaPrefixes, authority, limits } = peer;
  const revocations = authority?.revocations ?? [];
  return {
    domain,
    state,
    ...(homeserver && {
      homeserver: `${homeserver.host.includes(':') ? `[${homeserver.host}]` : homeserver.host}:${homeserver.port}`,
    }),
    mediaPrefixes,
    authorities: (authority?.certificates ?? []).map(({ fingerprint256, validToDate }) => ({
      fingerprint: fingerprint256,
      to: validToDate.toISOString(),
      days: Math.floor((validToDate.getTime() - now) / DAY),
    })),
    ...(revocations.length > 0 && { revoked: revocations.reduce((sum, list) => sum + list.size, 0) }),
    limits,
  };
}
