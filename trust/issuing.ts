/** What all issuing shares: the algorithm, keys, names, serial numbers, PEM. */
import { randomBytes } from 'node:crypto';
import type { DomainName } from '#signalling/ids.ts';
import { plainSerial } from './revocation.ts';
import * as x509 from './x509.ts';

/**
 * ECDSA on P-256 with SHA-256, and not Ed25519: every TLS stack, load balancer and hardware key store that an
 * organisation may put in the way knows it; Ed25519 certificates are still refused by some.
 */
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export const DAY = 24 * 60 * 60 * 1000;
/** Long, because a new authority must reach the allow list of every other domain by hand. */
export const AUTHORITY_LIFE = 10 * 365 * DAY;
/** A year and a bit: renewed once a year at the same season, with a month to be late. */
export const CERTIFICATE_LIFE = 397 * DAY;
/** Clocks of two organisations differ; a certificate that is valid an hour before it was made hurts nobody. */
export const BACKDATE = 60 * 60 * 1000;

/** PEM texts. The key is PKCS #8. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export function validityFrom(now: number, life: number): Validity {
  return { notBefore: new Date(now - BACKDATE), notAfter: new Date(now + life) };
}

export function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

/** Domain components (RFC 2247): a common name holds 64 characters, fewer than a domain may have. */
export function subject(what: string, domain: DomainName): x509.JsonName {
  return [{ CN: [what] }, ...domain.split('.').map((label) => ({ DC: [label] }))];
}

/** 127 random bits: never negative, never zero, unguessable (CA/Browser Forum baseline requirements, section 7.1). */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

export function evenHex(serial: string): string {
  const plain = plainSerial(serial);
  return plain.length % 2 === 0 ? plain : `0${plain}`;
}

/** The number of a revocation list, RFC 5280, section 5.2.3: a DER INTEGER, without needless zeros, with one where the first bit would be a sign. */
export function crlNumber(number: number): x509.Extension {
  const bytes = Buffer.from(evenHex(number.toString(16)), 'hex');
  const value = (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return new x509.Extension('2.5.29.20', false, Buffer.concat([Buffer.of(0x02, value.length), value]));
}

export async function signingKey(pem: string): Promise<CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem);
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

export async function keyPem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

export function pemOf(thing: { toString(format: 'pem'): string }): string {
  return `${thing.toString('pem')}\n`;
}
