/** Whose word about an address the homeserver takes. */
import { addressesIn, parsePrefix, withinPrefixes } from '#trust/prefixes.ts';
import type { Facts } from './facts.ts';
import { type Option, type Remark, refuse } from './finding.ts';

/** The first and the last address of what is everybody: IPv4, the same written in IPv6 (RFC 4291, section 2.5.5.2), IPv6 that is given out. */
const EVERYBODY = [
  ['0.0.0.0', '255.255.255.255'],
  ['::ffff:0.0.0.0', '::ffff:255.255.255.255'],
  ['2000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
] as const;

/** More than all private networks of a family together, and less than what would make a limit worthless. */
const MOST = { ipv4: 1n << 28n, ipv6: 1n << 122n } as const;

export function checkProxies({ site: { options } }: Facts): readonly Remark[] {
  const path = 'homeserver.client.proxies';
  const single = (options.texts(path) ?? []).flatMap(checkProxy);
  const list = options.list(path);
  if (single.length > 0 || !list) return single;
  const prefixes = (options.texts(path) ?? []).flatMap(({ value }) => parsePrefix(value) ?? []);
  const isBroad = (['ipv4', 'ipv6'] as const).some(
    (family) => addressesIn(prefixes.filter((each) => each.family === family)) > MOST[family],
  );
  if (!isBroad) return [];
  const reason = `these are a large part of the internet: whoever comes from there could ${ANY_ADDRESS}.`;
  return [refuse(list, reason, WHERE)];
}

const ANY_ADDRESS = 'give himself any address, and no limit would hold';
const WHERE = 'Write the address of the reverse proxy, or the network that it comes from.';

function checkProxy(option: Option<string>): readonly Remark[] {
  const { value } = option;
  if (parsePrefix(value) === undefined) {
    return [refuse(option, `${value} is not an address prefix.`, 'Write one such as 10.0.0.0/8 or 2001:db8::/32.')];
  }
  if (!EVERYBODY.some((ends) => ends.every((end) => withinPrefixes(end, [value])))) return [];
  return [refuse(option, `${value} is the whole internet: whoever comes could ${ANY_ADDRESS}.`, WHERE)];
}
