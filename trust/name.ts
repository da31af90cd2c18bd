/**
 * A role is a name: the homeserver of `alpha.example` shows a certificate for `alpha.example`, its SFT one for
 * `sft.alpha.example`. So the key of the SFT can never speak as the homeserver.
 */
import { type DomainName, parseDomainName } from '#signalling/ids.ts';

export type Role = 'homeserver' | 'sft';

export interface ServerName {
  readonly domain: DomainName;
  readonly role: Role;
}

const SFT = 'sft.';

/** The one DNS name in the certificate of a server. */
export function serverName(domain: DomainName, role: Role): string {
  return role === 'sft' ? `${SFT}${domain}` : domain;
}

/** Whose name that is; undefined where it is no DNS name. The inverse of `serverName`. */
export function parseServerName(name: string): ServerName | undefined {
  const role = name.toLowerCase().startsWith(SFT) ? 'sft' : 'homeserver';
  const domain = parseDomainName(role === 'sft' ? name.slice(SFT.length) : name);
  return domain === undefined ? undefined : { domain, role };
}

/** A domain cannot itself begin with `sft.`: its homeserver would have the name of another domain's SFT. */
export function canBeDomain(domain: DomainName): boolean {
  return !domain.startsWith(SFT);
}
