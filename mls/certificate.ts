/** What is asked of one certificate of a chain, and of a pair of neighbours, whatever it names (RFC 5280). */
import { HawserError } from '#signalling/errors.ts';
import { sameBytes } from './bytes.ts';
import type { Engine } from './engine.ts';
import { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, X509Certificate } from './x509.ts';

/** 8 KiB: a certificate of this kind has 400 to 700 bytes. */
const MAX_BYTES = 8192;

/** A leaf lives 90 days at most, so that one that was stolen and never revoked is worth little. ms */
export const MAX_LEAF_LIFE = 90 * 24 * 60 * 60 * 1000;

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
  if (der.length > MAX_BYTES) refuse('a certificate is too large');
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

/**
 * @param key the signature key of the MLS leaf, 32 bytes of Ed25519 (RFC 9420, section 5.3: the certificate is for that key)
 * @throws {HawserError} MLS_CREDENTIAL_REFUSED unless it is the certificate of a device with that key
 */
export function checkLeaf(certificate: X509Certificate, key: Uint8Array): void {
  if (certificate.getExtension(BasicConstraintsExtension)?.ca) refuse('the leaf is an authority');
  const usages = certificate.getExtension(KeyUsagesExtension)?.usages;
  if (usages !== undefined && (usages & KeyUsageFlags.digitalSignature) === 0) refuse('the leaf may not sign');
  const own = ed25519KeyOf(certificate) ?? refuse('the key of the leaf is not Ed25519');
  if (!sameBytes(own, key)) refuse('the leaf is the certificate of another key');
  const life = certificate.notAfter.getTime() - certificate.notBefore.getTime();
  if (life > MAX_LEAF_LIFE) refuse('the leaf is valid for too long');
}

/** 32 bytes, or undefined where it has a key of another kind. */
function ed25519KeyOf(certificate: X509Certificate): Uint8Array | undefined {
  const spki = new Uint8Array(certificate.publicKey.rawData);
  // RFC 8410, section 4: 12 bytes of header, 32 of key.
  const isEd25519 = spki.length === 44 && sameBytes(spki.subarray(0, 12), ED25519_HEADER);
  return isEd25519 ? spki.subarray(12) : undefined;
}

const ED25519_HEADER = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED unless the issuer made it, for a time inside its own */
export async function checkIssued(
  certificate: X509Certificate,
  issuer: X509Certificate,
  engine?: Engine,
): Promise<void> {
  if (certificate.issuer !== issuer.subject) refuse('the certificates are no chain');
  if (certificate.notBefore < issuer.notBefore || certificate.notAfter > issuer.notAfter) {
    refuse('a certificate is valid outside the time of its issuer');
  }
  const signed =
    engine !== undefined && certificate.signatureAlgorithm.name === 'Ed25519'
      ? verifiedBy(engine, certificate, issuer)
      : await keyOf(issuer)
          .then((publicKey) => certificate.verify({ publicKey, signatureOnly: true }))
          .catch(() => false);
  if (!signed) refuse('a certificate was not signed by its issuer');
}

/** Imported once: the devices of a domain have one issuer. */
const keys = new WeakMap<X509Certificate, Promise<CryptoKey>>();

function keyOf(issuer: X509Certificate): Promise<CryptoKey> {
  const key = keys.get(issuer) ?? issuer.publicKey.export();
  keys.set(issuer, key);
  return key;
}

function verifiedBy(engine: Engine, certificate: X509Certificate, issuer: X509Certificate): boolean {
  const key = ed25519KeyOf(issuer);
  const signed = firstField(new Uint8Array(certificate.rawData));
  return key !== undefined && signed !== undefined && engine.verify(key, signed, new Uint8Array(certificate.signature));
}

/** The first field of a sequence in DER: in a certificate, what is signed (RFC 5280, section 4.1). Undefined where it is cut off. */
function firstField(der: Uint8Array): Uint8Array | undefined {
  const outer = headerAt(der, 0);
  const inner = outer && headerAt(der, outer.content);
  return outer && inner && inner.end <= der.length ? der.subarray(outer.content, inner.end) : undefined;
}

function headerAt(der: Uint8Array, at: number): { content: number; end: number } | undefined {
  const first = der[at + 1];
  if (first === undefined) return undefined;
  // X.690, section 8.1.3: up to 127 in one byte, else the number of bytes in which it stands. Two are enough for `MAX_BYTES`.
  const bytes = first < 0x80 ? 0 : first - 0x80;
  if (bytes > 2) return undefined;
  let length = bytes === 0 ? first : 0;
  for (const byte of der.subarray(at + 2, at + 2 + bytes)) length = length * 256 + byte;
  const content = at + 2 + bytes;
  return { content, end: content + length };
}
