/** Everything of this folder that one server of a site needs, opened together. */
import type { Site } from '#site/schema.ts';
import { Credentials } from './credentials.ts';
import { PeerDialler } from './dialler.ts';
import type { Role } from './name.ts';
import { PeerList } from './peers.ts';
import type { Refusal } from './refusal.ts';

export interface TrustOptions {
  readonly site: Site;
  readonly role: Role;
  /** A file changed into something that cannot be used; the last good one stays in effect. */
  readonly onTrouble?: (sentence: string) => void;
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface Trust {
  readonly credentials: Credentials;
  readonly peers: PeerList;
  readonly dialler: PeerDialler;
  close(): void;
}

/** @throws SiteError where a file cannot be used */
export async function openTrust(options: TrustOptions): Promise<Trust> {
  const { site, role, onTrouble, onRefused } = options;
  const { authority, revocationList } = site.certificates;
  const own = site.certificates[role];
  const credentials = await Credentials.open({ domain: site.domain, authority, revocationList, ...own }, onTrouble);
  const peers = await PeerList.open(site.peers, onTrouble).catch((error: unknown) => {
    credentials.close();
    throw error;
  });
  const dialler = new PeerDialler({ credentials, peers, ...(onRefused && { onRefused }) });
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
