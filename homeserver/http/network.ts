/** Whom a limit on addresses is counted for. */
import { isIPv6 } from 'node:net';

/** `::ffff:192.0.2.1` (RFC 4291, section 2.5.5.2): how a socket for both families names an IPv4 address. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const GROUPS = 8;

/**
 * An IPv4 address itself; of an IPv6 address its /64, which is the least that one line is given (RFC 6177, section 2), so
 * that whoever sends from each address of it in turn counts once.
 * @param address of a client; what is no address stays as it is
 */
export function networkOf(address: string): string {
  const mapped = MAPPED.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [start = '', end] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const groups = start.split(':').filter((group) => group !== '');
  // Four groups of an end written with dots do not matter: they are never among the first.
  const left = end === undefined ? 0 : GROUPS - groups.length - end.split(':').filter((group) => group !== '').length;
  const first = [...groups, ...Array<string>(Math.max(0, left)).fill('0'), ...(end ?? '').split(':')].slice(0, 4);
  return `${first.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
