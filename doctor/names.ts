/** Where the homeserver of another domain is, step by step: the allow list, SRV records, its own web server. */
import { isIP } from 'node:net';
import { Discovery } from '#homeserver/federation/discovery.ts';
import type { Names } from '#homeserver/federation/dns.ts';
import { WORLD } from '#homeserver/world.ts';
import { HawserError } from '#signalling/errors.ts';
import type { HostAndPort } from '#site/address.ts';
import type { Peer } from '#trust/identity.ts';
import { failed, ok, type Step } from './step.ts';
import { untrusted } from './trust-words.ts';

export interface Found {
  readonly step: Step;
  readonly places: readonly HostAndPort[];
}

/** @param own the domain of this site */
export async function findHomeserver(peer: Peer, own: string, names: Names): Promise<Found> {
  const { domain, homeserver } = peer;
  const step = 'names';
  const tried = homeserver ? `the address of its homeserver, ${homeserver.host}` : `the homeserver of ${domain} in DNS`;
  try {
    const places = await new Discovery({ names, world: WORLD }).find(peer);
    const how = homeserver ? 'named on your allow list' : 'found by DNS';
    return { step: ok(step, tried, `${how}: ${places.map(({ host, port }) => `${host}:${port}`).join(', ')}`), places };
  } catch (error) {
    const code = error instanceof HawserError ? error.code : 'FED_UNREACHABLE';
    const words = {
      what: `the homeserver of ${domain}`,
      owner: 'them',
      domain,
      judge: own,
      role: 'homeserver',
    } as const;
    const known = untrusted(code, words);
    return { step: failed(step, tried, known ?? (await unfound(peer, names))), places: [] };
  }
}

/** Why there is no address: nobody answers, or there is no such name. */
async function unfound({ domain, homeserver }: Peer, names: Names) {
  const asked = homeserver?.host ?? domain;
  const looked = isIP(asked) === 0 ? await names.addresses(asked).catch(() => undefined) : [];
  if (looked === undefined) {
    return {
      saw: 'no DNS server answered',
      cause: 'a firewall here drops DNS, or the DNS servers of this machine are down',
      todo: 'Open dns-udp-out and dns-tcp-out, or correct homeserver.federation.resolvers or /etc/resolv.conf.',
      who: 'you',
      rule: 'dns-udp-out',
    } as const;
  }
  if (homeserver) {
    return {
      saw: `the name ${asked} has no address`,
      cause: 'the name on your allow list is mistyped, or was taken out of DNS',
      todo: `Ask for the right one: hawser peers allow ${domain} --homeserver HOST:PORT`,
      who: 'you',
    } as const;
  }
  return {
    saw: `no SRV record _hawser-federation._tcp.${domain}, and no directory at https://${domain}/`,
    cause: `${domain} did not set up how others find its homeserver`,
    todo: `Set the SRV record _hawser-federation._tcp.${domain} to the host and port of homeserver.federation.address.`,
    who: 'them',
  } as const;
}
