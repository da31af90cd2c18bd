/**
 * Where the SFT of another domain may be. Its homeserver says where, and may lie: an address in our own house is dialled only where the
 * administrator has said that its media comes from there, or that its names may lead anywhere.
 */
import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { HawserError } from '#signalling/errors.ts';
import type { Peer } from './identity.ts';
import { withinPrefixes } from './prefixes.ts';
import { isPublicAddress } from './public-address.ts';

export type LinkedPeer = Pick<Peer, 'domain' | 'addresses' | 'mediaPrefixes'>;

export function mayLinkTo({ addresses, mediaPrefixes }: LinkedPeer, address: string): boolean {
  return addresses === 'any' || isPublicAddress(address) || withinPrefixes(address, mediaPrefixes);
}

/**
 * For `connect`, so that the address that was looked at is the one that is dialled, whatever the name means a moment later. As in
 * discovery, one address that is not allowed is enough: whoever owns the name chooses between them.
 */
export function linkLookup(peer: LinkedPeer): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      const [first] = found ?? [];
      if (error || !first) return callback(error ?? new HawserError('SIG_UNREACHABLE'), '');
      if (!found.every(({ address }) => mayLinkTo(peer, address))) {
        return callback(new HawserError('FED_ADDRESS', peer.domain), '');
      }
      if (options.all) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}

/** Of an address in place of a name, which nobody looks up. @throws HawserError FED_ADDRESS */
export function checkLinkHost(peer: LinkedPeer, host: string): void {
  if (isIP(host) !== 0 && !mayLinkTo(peer, host)) throw new HawserError('FED_ADDRESS', peer.domain);
}
