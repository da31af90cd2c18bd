/** Everything of this folder that one server of a site needs, opened together. */
import { HawserError } from '#signalling/errors.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Site } from '#site/schema.ts';
import { Credentials } from './credentials.ts';
import { type DiallerOptions, PeerDialler } from './dialler.ts';
import { identify } from './identity.ts';
import { type Role, serverName } from './name.ts';
import { PeerList } from './peers.ts';
import { certificatesOf } from './pem.ts';
import type { Refusal } from './refusal.ts';

export interface TrustOptions {
  readonly site: Pick<Site, 'domain' | 'peers' | 'certificates'>;
  readonly role: Role;
  /** A file changed into something that cannot be used; the last good one stays in effect. */
  readonly onTrouble?: (sentence: string) => void;
  readonly onRefused?: (refusal: Refusal) => void;
  readonly onReached?: DiallerOptions['onReached'];
}

export interface Trust {
  readonly credentials: Credentials;
  readonly peers: PeerList;
  readonly dialler: PeerDialler;
  close(): void;
}

/** @throws SiteError where a file cannot be used, or the own certificate is not that of this server */
export async function openTrust(options: TrustOptions): Promise<Trust> {
  const { site, role, onTrouble, onRefused, onReached } = options;
  const { authority, revocationList } = site.certificates;
  const own = site.certificates[role];
  const credentials = await Credentials.open({ domain: site.domain, authority, revocationList, ...own }, onTrouble);
  checkOwn(credentials, role, own.certificate, onTrouble);
  const peers = await PeerList.open(site.peers, onTrouble).catch((error: unknown) => {
    credentials.close();
    throw error;
  });
  const dialler = new PeerDialler({
    ...{ credentials, peers },
    ...(onRefused && { onRefused }),
    ...(onReached && { onReached }),
  });
  return {
    credentials,
    peers,
    dialler,
    close() {
      dialler.close();
      peers.close();
      credentials.close();
    },
  };
}

/**
 * Looks at the own certificate as others will. One for another server never works; one that has expired or was revoked
 * does again when its file is replaced, so the server starts and says so.
 */
function checkOwn(credentials: Credentials, role: Role, path: string, onTrouble: TrustOptions['onTrouble']): void {
  const { domain, authority, certificate } = credentials.current;
  const view = { own: { domain, authority }, peers: new Map() };
  try {
    identify({ chain: certificatesOf(certificate), view, wanted: { domain, role }, now: Date.now() });
  } catch (error) {
    if (!(error instanceof HawserError)) throw error;
    const message = `Others will refuse this certificate of ${serverName(domain, role)}: ${error.message}`;
    const passes = ['TRUST_EXPIRED', 'TRUST_NOT_YET_VALID', 'TRUST_REVOKED'].includes(error.code);
    if (passes) return onTrouble?.(`${path}: ${message}`);
    credentials.close();
    throw new SiteError(path, [{ line: 1, column: 1, message }]);
  }
}
