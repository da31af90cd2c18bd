/**
 * Makes what a domain needs to speak for itself: an authority, certificates of its servers, a revocation list, ticket keys.
 *
 * ECDSA on P-256 with SHA-256, and not Ed25519: every TLS stack, load balancer and hardware key store that an
 * organisation may put in the way knows it; Ed25519 certificates are still refused by some. Tickets never leave our
 * own code, so their keys are Ed25519.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { DomainName } from '#signalling/ids.ts';
import { type Role, serverName } from './name.ts';
import { plainSerial, RevocationList } from './revocation.ts';
import * as x509 from './x509.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export const DAY = 24 * 60 * 60 * 1000;
/** Long, because a new authority must reach the allow list of every other domain by hand. */
export const AUTHORITY_LIFE = 10 * 365 * DAY;
/** A year and a bit: renewed once a year at the same season, with a month to be late. */
export const CERTIFICATE_LIFE = 397 * DAY;
/** Clocks of two organisations differ; a certificate that is valid an hour before it was made hurts nobody. */
const BACKDATE = 60 * 60 * 1000;

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

/** A self-signed authority that may certify servers, and nobody who certifies others. */
export async function makeAuthority(domain: DomainName, validity: Validity): Promise<Issued> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subject('Hawser authority', domain),
    keys,
    signingAlgorithm: ALGORITHM,
    serialNumber: randomSerial(),
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

/** A certificate for one server, with a fresh key. `names` replaces the DNS name of the role; tests use it. */
export async function issueServer(
  authority: Issued,
  domain: DomainName,
  role: Role,
  validity: Validity,
  names: readonly string[] = [serverName(domain, role)],
): Promise<Issued> {
  const keys = await makeKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: subject(`Hawser ${role}`, domain),
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority.key),
    signingAlgorithm: ALGORITHM,
    serialNumber: randomSerial(),
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // Each server dials and is dialled.
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

/** One certificate that was taken back. */
export interface Revoked {
  /** Hex digits. */
  readonly serial: string;
  /** ms since 1970 */
  readonly at: number;
}

/** The whole revocation list of an authority, PEM; `now` in ms also numbers it, so that a later list has a higher number. */
export async function makeRevocationList(authority: Issued, revoked: readonly Revoked[], now: number): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate: new Date(now),
    nextUpdate: new Date(now + CERTIFICATE_LIFE),
    signingAlgorithm: ALGORITHM,
    signingKey: await signingKey(authority.key),
    entries: revoked.map(({ serial, at }) => ({ serialNumber: evenHex(serial), revocationDate: new Date(at) })),
    extensions: [await x509.AuthorityKeyIdentifierExtension.create(issuer), crlNumber(now)],
  });
  // The library's own label is `CRL`; RFC 7468, section 6, and OpenSSL want this one.
  return `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
}

/** What a list names already; a new one must name it too. @throws where the PEM is none */
export function revokedIn(pem: string): readonly Revoked[] {
  new RevocationList(pem);
  return new x509.X509Crl(pem).entries.map(({ serialNumber, revocationDate }) => ({
    serial: plainSerial(serialNumber),
    at: revocationDate.getTime(),
  }));
}

export interface TicketKeys {
  /** PKCS #8 PEM */
  readonly privateKey: string;
  /** SPKI PEM */
  readonly publicKey: string;
}

export function makeTicketKeys(): TicketKeys {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

export function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

/** Domain components (RFC 2247): a common name holds 64 characters, fewer than a domain may have. */
function subject(what: string, domain: DomainName): x509.JsonName {
  return [{ CN: [what] }, ...domain.split('.').map((label) => ({ DC: [label] }))];
}

/** 127 random bits: never negative, never zero, unguessable (CA/Browser Forum baseline requirements, section 7.1). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function evenHex(serial: string): string {
  const plain = plainSerial(serial);
  return plain.length % 2 === 0 ? plain : `0${plain}`;
}

/** RFC 5280, section 5.2.3: a DER INTEGER, without needless zeros, with one where the first bit would be a sign. */
function crlNumber(number: number): x509.Extension {
  const bytes = Buffer.from(evenHex(number.toString(16)), 'hex');
  const value = (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return new x509.Extension('2.5.29.20', false, Buffer.concat([Buffer.of(0x02, value.length), value]));
}

async function signingKey(pem: string): Promise<CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem);
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

async function keyPem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function pemOf(thing: { toString(format: 'pem'): string }): string {
  return `${thing.toString('pem')}\n`;
}
