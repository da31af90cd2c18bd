/** Whose word about an address the homeserver takes. */
import { parsePrefix, withinPrefixes } from '#trust/prefixes.ts';
import type { Facts } from './facts.ts';
import { type Remark, refuse } from './finding.ts';

/** The first and the last address of what is everybody: IPv4, the same written in IPv6 (RFC 4291, section 2.5.5.2), IPv6 that is given out. */
const EVERYBODY = [
  ['0.0.0.0', '255.255.255.255'],
  ['::ffff:0.0.0.0', '::ffff:255.255.255.255'],
  ['2000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
] as const;

export function checkProxies({ site: { options } }: Facts): readonly Remark[] {
  return (options.texts('homeserver.client.proxies') ?? []).flatMap((option) => {
    const { value } = option;
    if (parsePrefix(value) === undefined) {
      return [refuse(option, `${value} is not an address prefix.`, 'Write one such as 10.0.0.0/8 or 2001:db8::/32.')];
    }
    if (!EVERYBODY.some((ends) => ends.every((end) => withinPrefixes(end, [value])))) return [];
    const reason = `${value} is the whole internet: whoever comes could give himself any address, and no limit would hold.`;
    return [refuse(option, reason, 'Write the address of the reverse proxy, or the network that it comes from.')];
  });
}
