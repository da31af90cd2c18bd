/** What a rule is called: the one word for it that the table, the firewalls and the doctor have in common. Pure. */
import { createHash } from 'node:crypto';
import { hostAndPort } from '#site/address.ts';
import { isEveryIp, isLocalHost, plainIp } from '#site/ip.ts';
import type { Site } from '#site/schema.ts';
import { hostOf } from './door.ts';

/** Rules of each host with coturn. */
export type TurnRule = 'turn-udp-in' | 'turn-tls-in' | 'relay-out';

/** @param hosts names of all TURN hosts of the site: where they have one, it says nothing */
export function turnRuleId(rule: TurnRule, host: string, hosts: readonly string[]): string {
  return new Set(hosts).size > 1 ? `${rule}:${host}` : rule;
}

/** Of the way by which the SFT reaches its homeserver, at either end. */
export type HomeRule = 'sft-to-homeserver' | 'homeserver-out';

/** Those that there are: none where both servers run on one machine, and one where nobody knows from which address the SFT comes. */
export function homeRuleIds({ homeserver, sft }: Site): readonly HomeRule[] {
  const door = hostAndPort(homeserver.federation.listen);
  const { listenIp } = sft.trunk;
  const home = hostOf(new URL(sft.homeserver));
  if (isLocalHost(listenIp) || isLocalHost(home)) return [];
  if (isEveryIp(listenIp)) return ['homeserver-out'];
  // On one address both are on one machine.
  return plainIp(door.host) === plainIp(listenIp) ? [] : ['sft-to-homeserver', 'homeserver-out'];
}

/** nftables takes comments of 128 bytes; names of hosts have up to 253. */
const MAX_COMMENT = 120;
const DIGEST = 12;

/** The id as firewalls have room for it: a long one is cut, and ends in a digest of the whole, so that no two are alike. */
export function commentOf(id: string): string {
  if (id.length <= MAX_COMMENT) return id;
  const digest = createHash('sha256').update(id).digest('hex').slice(0, DIGEST);
  return `${id.slice(0, MAX_COMMENT - DIGEST - 1)}_${digest}`;
}
