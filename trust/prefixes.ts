/** Address prefixes (CIDR) within which the media of a domain may come and go. */
import { BlockList, isIP } from 'node:net';
import { endsOf, numberOfIp } from '#site/ip.ts';

/** Whether a text is an address or a prefix, such as `203.0.113.0/24` or `2001:db8::/32`. */
export function isPrefix(text: string): boolean {
  return parsePrefix(text) !== undefined;
}

/** Whether an IP address lies within one of the prefixes. No prefix: nothing does. Anything malformed: it does not. */
export function withinPrefixes(ip: string, prefixes: readonly string[]): boolean {
  const family = familyOf(ip);
  if (family === undefined) return false;
  const list = new BlockList();
  for (const prefix of prefixes.map(parsePrefix)) {
    // A /0 covers IPv4-mapped addresses of the other family in a BlockList; families are kept apart here.
    if (prefix?.family === family) list.addSubnet(prefix.address, prefix.length, family);
  }
  return list.check(ip, family);
}

export interface Prefix {
  readonly address: string;
  /** Bits that are fixed. */
  readonly length: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** The parts of an address or a prefix, as `isPrefix` takes it. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const family = familyOf(address);
  if (family === undefined || rest.length > 0) return undefined;
  const bits = family === 'ipv4' ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const number = length === undefined ? bits : Number(length);
  return number <= bits ? { address, length: number, family } : undefined;
}

/** Bits of the largest network of one organisation: what registries gave at the most. Half of the internet is `/1`. */
const LARGEST = { ipv4: 8, ipv6: 16 } as const;
const MOST_OF_LARGEST = 2n;

/** The bits that a prefix must have at least; undefined where it has them. */
export function missingBits({ length, family }: Prefix): number | undefined {
  return length < LARGEST[family] ? LARGEST[family] : undefined;
}

/** Whether prefixes together hold more than any organisation has: two halves are the whole, and so are a hundred parts. */
export function areTooMany(prefixes: readonly Prefix[]): boolean {
  return (['ipv4', 'ipv6'] as const).some((family) => {
    const bits = family === 'ipv4' ? 32 : 128;
    const most = MOST_OF_LARGEST << BigInt(bits - LARGEST[family]);
    return addressesIn(prefixes.filter((each) => each.family === family)) > most;
  });
}

/** How many addresses prefixes of one family hold, each once. */
export function addressesIn(prefixes: readonly Prefix[]): bigint {
  const ends = prefixes.map(({ address, length }) => endsOf(address, length).map(numberOfIp));
  let [sum, next] = [0n, 0n];
  for (const [from = 0n, to = 0n] of ends.toSorted(([a = 0n], [b = 0n]) => (a < b ? -1 : a > b ? 1 : 0))) {
    const first = from > next ? from : next;
    if (to < first) continue;
    sum += to - first + 1n;
    next = to + 1n;
  }
  return sum;
}

/** The same prefix without bits behind its length: `198.20.0.7/24` is `198.20.0.0/24`. */
export function masked({ address, length }: Prefix): string {
  return `${endsOf(address, length)[0]}/${length}`;
}

/**
 * An address or a prefix in the one form that there is of it: without bits behind its length, and an address is the prefix of itself alone.
 * @throws RangeError for a text that is neither
 */
export function plainPrefix(text: string): string {
  const prefix = parsePrefix(text);
  if (!prefix) throw new RangeError('neither an address nor a prefix');
  return masked(prefix);
}

/** A zone (`fe80::1%eth0`) makes an address local to one machine: it is none that a peer could name. */
function familyOf(ip: string): 'ipv4' | 'ipv6' | undefined {
  const family = ip.includes('%') ? 0 : isIP(ip);
  return family === 0 ? undefined : family === 4 ? 'ipv4' : 'ipv6';
}
