/** What is asked of those who issue: one certificate, and one that another one made (RFC 5280). */
import { HawserError } from '#signalling/errors.ts';
import { sameBytes } from './bytes.ts';
import { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, X509Certificate } from './x509.ts';

/** 8 KiB: a certificate of this kind has 400 to 700 bytes. */
export const MAX_CERTIFICATE_BYTES = 8192;

/** Basic constraints, key usage, extended key usage, subject alternative name: the critical extensions understood here. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['2.5.29.19', '2.5.29.15', '2.5.29.37', '2.5.29.17']);

export function refuse(detail: string, cause?: unknown): never {
  throw new HawserError('MLS_CREDENTIAL_REFUSED', detail, { cause });
}

/**
 * @param der one certificate
 * @throws {HawserError} MLS_CREDENTIAL_REFUSED where it is none, or has what is not understood here
 */
export function readCertificate(der: Uint8Array): X509Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) refuse('a certificate is too large');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(new Uint8Array(der));
    // Lazily parsed by the library: what is malformed there shall be found here.
    if (certificate.extensions.some(({ critical, type }) => critical && !UNDERSTOOD.has(type))) {
      refuse('a certificate has a critical extension that is not understood');
    }
    if (Number.isNaN(certificate.notBefore.getTime()) || Number.isNaN(certificate.notAfter.getTime())) {
      refuse('a certificate has no validity');
    }
  } catch (error) {
    if (error instanceof HawserError) throw error;
    return refuse('a certificate cannot be read', error);
  }
  if (!isSoundAlgorithm(certificate)) refuse('a certificate is signed in a way that is not accepted');
  // The library skips bytes after the end; a certificate must be the same for everybody who compares it.
  if (!sameBytes(new Uint8Array(certificate.rawData), der)) refuse('a certificate is not in its one valid encoding');
  return certificate;
}

function isSoundAlgorithm({ signatureAlgorithm }: X509Certificate): boolean {
  if (signatureAlgorithm.name === 'Ed25519') return true;
  const hash: unknown = signatureAlgorithm.hash?.name;
  return signatureAlgorithm.name === 'ECDSA' && (hash === 'SHA-256' || hash === 'SHA-384');
}

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED unless it may certify others, `below` authorities under it at most */
export function checkAuthority(certificate: X509Certificate, below: number): void {
  const constraints = certificate.getExtension(BasicConstraintsExtension);
  if (!constraints?.ca) refuse('an issuer is no authority');
  if (constraints.pathLength !== undefined && constraints.pathLength < below)
    refuse('an issuer may not have this chain');
  const usages = certificate.getExtension(KeyUsagesExtension)?.usages;
  if (usages !== undefined && (usages & KeyUsageFlags.keyCertSign) === 0) refuse('an issuer may not sign certificates');
}

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED unless the issuer made it, for a time inside its own */
export async function checkIssued(certificate: X509Certificate, issuer: X509Certificate): Promise<void> {
  if (certificate.issuer !== issuer.subject) refuse('the certificates are no chain');
  checkInside(certificate, issuer);
  const verified = keyOf(issuer).then((publicKey) => certificate.verify({ publicKey, signatureOnly: true }));
  if (!(await verified.catch(() => false))) refuse('a certificate was not signed by its issuer');
}

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED */
export function checkInside(
  certificate: Pick<X509Certificate, 'notBefore' | 'notAfter'>,
  issuer: X509Certificate,
): void {
  if (certificate.notBefore < issuer.notBefore || certificate.notAfter > issuer.notAfter) {
    refuse('a certificate is valid outside the time of its issuer');
  }
}

/** Imported once: the devices of a domain have one issuer. */
const keys = new WeakMap<X509Certificate, Promise<CryptoKey>>();

export function keyOf(issuer: X509Certificate): Promise<CryptoKey> {
  const key = keys.get(issuer) ?? issuer.publicKey.export();
  keys.set(issuer, key);
  return key;
}
