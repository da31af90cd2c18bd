/** What an IP address is for, by the registries of IANA: who can reach it at all. */
import { isIP } from 'node:net';
import { plainIp } from '#site/ip.ts';
import { type SpecialKind, specialKindOf } from '#site/special-ranges.ts';
import { isPublicAddress } from '#trust/public-address.ts';

export type AddressKind = 'public' | SpecialKind;

/** In words that follow "is". */
export const KIND_WORDS: Readonly<Record<AddressKind, string>> = {
  public: 'an address of the open internet',
  private: 'a private address (RFC 1918, RFC 4193)',
  shared: 'an address behind the address translation of a provider (RFC 6598)',
  loopback: 'an address of this machine alone',
  linkLocal: 'an address inside one network segment (RFC 3927, RFC 4291)',
  documentation: 'an address that is kept for examples (RFC 5737, RFC 3849, RFC 9637)',
  unspecified: 'no single address',
  multicast: 'an address of groups of machines',
  special: 'an address for special purposes (RFC 6890)',
  reserved: 'an address that is given to nobody',
};

/** Undefined where it is none. */
export function kindOf(address: string): AddressKind | undefined {
  if (isIP(address) === 0) return undefined;
  return specialKindOf(address) ?? (isPublicAddress(plainIp(address)) ? 'public' : 'special');
}
