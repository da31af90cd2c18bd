/** Where the homeservers of the peers are now: firewalls know addresses and no names. Found and judged as the homeserver itself does. */
import { isIP } from 'node:net';
import type { Discovery } from '#homeserver/federation/discovery.ts';
import type { PeerDoor } from '#ports/rules.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Peer } from '#trust/identity.ts';

/** Of those that are allowed. @param err takes a line for each that is found nowhere */
export async function doorsOf(
  peers: readonly Peer[],
  discovery: Pick<Discovery, 'find'>,
  err: (line: string) => void,
): Promise<ReadonlyMap<DomainName, PeerDoor>> {
  const allowed = peers.filter(({ state }) => state === 'allowed');
  const doors = allowed.map(async (peer): Promise<[DomainName, PeerDoor]> => {
    try {
      const places = await discovery.find(peer);
      const [port, ...others] = new Set(places.map((place) => place.port));
      const addresses = places.map(({ host }) => host).filter((host) => isIP(host) !== 0);
      return [peer.domain, { addresses, port: others.length === 0 ? port : undefined }];
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      err(`hawser: ${whyNot(peer.domain, error.code)}, so that its rules have the media prefixes only.`);
      return [peer.domain, { addresses: [], port: peer.homeserver?.port }];
    }
  });
  return new Map(await Promise.all(doors));
}

function whyNot(domain: DomainName, code: string): string {
  if (code !== 'FED_ADDRESS') return `the homeserver of ${domain} has no address now`;
  return `the names of ${domain} lead to an address that is not public, where your homeserver does not go either (hawser peers allow ${domain} --addresses any, if it is in your own network)`;
}
