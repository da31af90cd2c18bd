/**
 * Whether an address is one of the open internet. A name that a client chooses may lead to this machine or into the house,
 * where a request of this server would be taken for one of somebody who belongs there.
 */
import { BlockList, isIP } from 'node:net';
import { specialRangeOf } from '#site/special-ranges.ts';

/** Everything else of IPv6 is private, local, mapped, translated or not given to anybody (RFC 4291, section 2.4). */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return specialRangeOf(address) === undefined;
    case 6:
      return globalUnicast.check(address, 'ipv6') && specialRangeOf(address) === undefined;
    default:
      return false;
  }
}
