/** Address prefixes (CIDR) within which the media of a domain may come and go. */
import { BlockList, isIP } from 'node:net';

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

/** A zone (`fe80::1%eth0`) makes an address local to one machine: it is none that a peer could name. */
function familyOf(ip: string): 'ipv4' | 'ipv6' | undefined {
  const family = ip.includes('%') ? 0 : isIP(ip);
  return family === 0 ? undefined : family === 4 ? 'ipv4' : 'ipv6';
}
