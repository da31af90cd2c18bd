/**
 * Makes what a domain needs to speak for itself: an authority, certificates of its servers, a revocation list, ticket keys.
 * Tickets never leave our own code, so their keys are Ed25519. What devices are certified with is in issue-devices.ts.
 */
import { generateKeyPairSync } from 'node:crypto';
import { isIP } from 'node:net';
import type { DomainName } from '#signalling/ids.ts';
import {
  ALGORITHM,
  CERTIFICATE_LIFE,
  crlNumber,
  evenHex,
  type Issued,
  keyPem,
  makeKeys,
  pemOf,
  randomSerial,
  signingKey,
  subject,
  type Validity,
} from './issuing.ts';
import { type Role, serverName } from './name.ts';
import { plainSerial, RevocationList } from './revocation.ts';
import * as x509 from './x509.ts';

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

/** A certificate for one server, with a fresh key. `names`, or IP addresses, replace the DNS name of the role; tests use it. */
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
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
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

/**
 * The whole revocation list of an authority, PEM.
 * @param now ms; also numbers the list, so that a later one has a higher number
 * @param life ms until the next list is promised
 */
export async function makeRevocationList(
  authority: Issued,
  revoked: readonly Revoked[],
  now: number,
  life = CERTIFICATE_LIFE,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate: new Date(now),
    nextUpdate: new Date(now + life),
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
