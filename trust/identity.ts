/** Who is at the other end of a TLS connection. Pure: a function of the certificates shown, the lists, and the time. */
import type { X509Certificate } from 'node:crypto';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { HostAndPort } from '#site/address.ts';
import type { Authority } from './authority.ts';
import { isForTls, isIssuedBy, isSelfSigned, isSound, nameIn, pathLength, validFrom, validTo } from './certificate.ts';
import { type Role, type ServerName, serverName } from './name.ts';
import type { PeerLimits, PeerScopes } from './peers-schema.ts';

export interface PortRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

/** An entry of the allow list. */
export interface Peer {
  readonly domain: DomainName;
  readonly state: 'allowed' | 'blocked';
  /** Absent only where the domain is blocked. */
  readonly authority: Authority | undefined;
  /** Where the federation door of the domain is reached. */
  readonly homeserver: HostAndPort | undefined;
  /** CIDR; see `withinPrefixes`. */
  readonly mediaPrefixes: readonly string[];
  /** Of its SFT, as its administrator told; for rules of firewalls only. */
  readonly linkPort: number | undefined;
  readonly trunkPorts: PortRange | undefined;
  /** Where they differ from those that the site has for every peer. */
  readonly limits: PeerLimits;
  /** What it may do here; `judge` of the homeserver decides by it. */
  readonly may: PeerScopes;
  /** Whether names of it may lead to addresses that are not public. */
  readonly addresses: 'public' | 'any';
}

/** Everything that decides about a certificate, at one moment. */
export interface TrustView {
  readonly own: { readonly domain: DomainName; readonly authority: Authority };
  readonly peers: ReadonlyMap<DomainName, Peer>;
}

/** Which servers a door lets in: of the own domain, and of the allowed ones. */
export interface Accepts {
  readonly own: readonly Role[];
  readonly peers: readonly Role[];
}

export interface PeerIdentity extends ServerName {
  /** When the first certificate of the chain ends, ms since 1970. */
  readonly expires: number;
}

export interface Question {
  /** As shown by the other side: its own certificate first, then intermediates in any order. */
  readonly chain: readonly X509Certificate[];
  readonly view: TrustView;
  /** A door accepts some roles; a dialler means one server. */
  readonly wanted: Accepts | ServerName;
  /** ms since 1970 */
  readonly now: number;
}

/** Longer chains are not looked at: an authority, two intermediates and a server are more than anybody uses. */
const MAX_INTERMEDIATES = 3;

/**
 * Who is at the other end.
 * @throws HawserError TRUST_NO_CERTIFICATE, TRUST_UNKNOWN_DOMAIN, TRUST_BLOCKED, TRUST_WRONG_NAME, TRUST_WRONG_AUTHORITY,
 * TRUST_SELF_SIGNED, TRUST_EXPIRED, TRUST_NOT_YET_VALID, TRUST_REVOKED
 */
export function identify({ chain, view, wanted, now }: Question): PeerIdentity {
  const [leaf, ...others] = chain;
  if (leaf === undefined) throw new HawserError('TRUST_NO_CERTIFICATE');
  const name = nameIn(leaf);
  if (name === undefined) throw new HawserError('TRUST_WRONG_NAME', 'not one DNS name');
  if ('domain' in wanted && !(wanted.domain === name.domain && wanted.role === name.role)) {
    throw new HawserError('TRUST_WRONG_NAME', `${serverName(wanted.domain, wanted.role)} was meant`);
  }
  const authority = authorityFor(name, view, wanted);
  if (isSelfSigned(leaf)) throw new HawserError('TRUST_SELF_SIGNED');
  const path = pathTo(authority, leaf, others.slice(0, MAX_INTERMEDIATES));
  if (path === undefined || leaf.ca || !isForTls(leaf) || !isSound(leaf))
    throw new HawserError('TRUST_WRONG_AUTHORITY');
  for (const [index, certificate] of path.entries()) {
    if (now < validFrom(certificate)) throw new HawserError('TRUST_NOT_YET_VALID');
    if (now >= validTo(certificate)) throw new HawserError('TRUST_EXPIRED');
    const issuer = path[index + 1];
    if (issuer && authority.revocations.some((list) => list.revokes(certificate, issuer))) {
      throw new HawserError('TRUST_REVOKED');
    }
  }
  return { ...name, expires: Math.min(...path.map(validTo)) };
}

/** The domain and role that a chain claims, unproved; for the log. */
export function claimOf(chain: readonly X509Certificate[]): ServerName | undefined {
  return chain[0] && nameIn(chain[0]);
}

/** Who may certify a server that is wanted. @throws HawserError TRUST_UNKNOWN_DOMAIN, TRUST_BLOCKED, TRUST_WRONG_NAME */
export function authorityFor({ domain, role }: ServerName, view: TrustView, wanted: Accepts | ServerName): Authority {
  const isOwn = domain === view.own.domain;
  const roles = 'domain' in wanted ? [wanted.role] : isOwn ? wanted.own : wanted.peers;
  if (isOwn) {
    // A door that takes nobody of the own domain answers like one that never heard of it.
    if (roles.length === 0) throw new HawserError('TRUST_UNKNOWN_DOMAIN', domain);
    if (!roles.includes(role)) throw new HawserError('TRUST_WRONG_NAME', domain);
    return view.own.authority;
  }
  const peer = view.peers.get(domain);
  if (peer === undefined) throw new HawserError('TRUST_UNKNOWN_DOMAIN', domain);
  if (peer.state === 'blocked' || peer.authority === undefined) throw new HawserError('TRUST_BLOCKED', domain);
  if (!roles.includes(role)) throw new HawserError('TRUST_WRONG_NAME', domain);
  return peer.authority;
}

/**
 * The certificates from one up to an authority, both included; undefined where there is no such way. Each step is
 * searched among the few certificates shown, so the work is bounded whatever is sent; what is dear (a millisecond a
 * certificate, to parse it in full) comes after the signatures (a tenth of that), which a stranger does not have.
 */
function pathTo(
  authority: Authority,
  certificate: X509Certificate,
  shown: readonly X509Certificate[],
  intermediates = 0,
): readonly X509Certificate[] | undefined {
  for (const anchor of authority.certificates) {
    if (isIssuedBy(certificate, anchor) && mayIssue(anchor, intermediates)) return [certificate, anchor];
  }
  for (const candidate of shown) {
    if (!candidate.ca || !isIssuedBy(certificate, candidate)) continue;
    const rest = shown.filter((other) => other !== candidate);
    const path = pathTo(authority, candidate, rest, intermediates + 1);
    if (path && mayIssue(candidate, intermediates)) return [certificate, ...path];
  }
  return undefined;
}

function mayIssue(issuer: X509Certificate, intermediatesBelow: number): boolean {
  return isSound(issuer) && (pathLength(issuer) ?? Number.NaN) >= intermediatesBelow;
}
