/** IP addresses in the one form that there is of each, so that two of them can be compared. Pure. */
import { isIP } from 'node:net';

/** `0:0::1` is `::1`, and `::ffff:7f00:1` is `127.0.0.1`; what is no address stays what it is. */
export function plainIp(ip: string): string {
  if (isIP(ip) !== 6 || ip.includes('%')) return ip;
  const plain = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain) ?? [];
  return high === undefined || low === undefined ? plain : dotted((BigInt(`0x${high}`) << 16n) | BigInt(`0x${low}`));
}

export function isSameIp(one: string, other: string): boolean {
  return plainIp(one) === plainIp(other);
}

/** `0.0.0.0`, `::`, `0::0`: who listens there listens on every address of the machine. */
export function isEveryIp(ip: string): boolean {
  const plain = plainIp(ip);
  return plain === '0.0.0.0' || plain === '::';
}

/** Whether who listens on one address takes the ports of the other. `::` takes those of IPv4 too. */
export function meets(one: string, other: string): boolean {
  const [a, b] = [plainIp(one), plainIp(other)];
  return a === b || a === '::' || b === '::' || (isIP(a) === isIP(b) && (isEveryIp(a) || isEveryIp(b)));
}

/** An address of the machine alone; with brackets too, as URLs have it. */
export function isLoopbackIp(ip: string): boolean {
  const plain = plainIp(ip.replace(/^\[|\]$/g, ''));
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/**
 * Names and addresses that lead to the machine itself (RFC 6761, section 6.3), where browsers see a secure context without TLS
 * (W3C Secure Contexts, section 3.1).
 */
export function isLocalHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isLoopbackIp(host);
}

/** Bits of an address. */
export function bitsOf(ip: string): 32 | 128 {
  return isIP(ip) === 6 ? 128 : 32;
}

/** An address as a number, of 32 or 128 bits. @throws SyntaxError for what is none */
export function numberOfIp(ip: string): bigint {
  if (isIP(ip) === 4) return ip.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  // The one form that there is of it, without dots.
  const plain = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const [left = [], right = []] = [head, tail ?? ''].map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** The inverse; a number of IPv6 stays one of IPv6, also where it is mapped. */
export function ipOfNumber(number: bigint, bits: 32 | 128): string {
  if (bits === 32) return dotted(number);
  const groups = number.toString(16).padStart(32, '0').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The first and the last address that begin with the same `length` bits. */
export function endsOf(ip: string, length: number): readonly [first: string, last: string] {
  const bits = bitsOf(ip);
  const free = BigInt(bits - length);
  const first = (numberOfIp(ip) >> free) << free;
  return [ipOfNumber(first, bits), ipOfNumber(first + (1n << free) - 1n, bits)];
}

function dotted(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
}
