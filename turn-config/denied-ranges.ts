/**
 * Addresses to which no relay may send. The first two are all there are; what follows says the dangerous ones by name, so that
 * they stay closed also where somebody opens the first two.
 */
import { bitsOf, endsOf } from '#site/ip.ts';
import { SPECIAL_RANGES, type SpecialRange } from '#site/special-ranges.ts';

export interface DeniedRange {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export const ALL_ADDRESSES: readonly DeniedRange[] = [
  { from: '0.0.0.0', to: '255.255.255.255', reason: 'everything; what is allowed stands above' },
  { from: '::', to: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', reason: 'the same for IPv6' },
];

export const DENIED_RANGES: readonly DeniedRange[] = [
  ...ALL_ADDRESSES,
  // Single addresses lie in another range.
  ...SPECIAL_RANGES.filter(({ network, bits }) => bits < bitsOf(network)).map(deniedRange),
];

function deniedRange({ network, bits, what }: SpecialRange): DeniedRange {
  const [from, to] = endsOf(network, bits);
  return { from, to, reason: what };
}
