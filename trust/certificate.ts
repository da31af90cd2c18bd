/** What one certificate says and whether it is fit to be used; each function takes one of them alone. */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { parseServerName, type ServerName } from './name.ts';
import { BasicConstraintsExtension, X509Certificate as Parsed } from './x509.ts';

/**
 * The signatures that are accepted, by OID: ECDSA and RSA (PKCS #1) with SHA-256, 384, 512, and Ed25519. MD5 and SHA-1 are
 * not: for both, two certificates under one signature have been made.
 */
const ACCEPTED_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.3.101.112',
]);

/** Basic constraints, key usage, extended key usage, subject alternative name: the critical extensions understood here. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['2.5.29.19', '2.5.29.15', '2.5.29.37', '2.5.29.17']);

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * Whose certificate it claims to be. A certificate of a server holds one DNS name and nothing else: with two names it could
 * be read as two servers. The common name of the subject is never looked at.
 */
export function nameIn(certificate: X509Certificate): ServerName | undefined {
  // Node quotes whatever could be taken for a separator; a name with a quote is none of ours (CVE-2021-44532).
  const match = /^DNS:([A-Za-z0-9.-]+)$/.exec(certificate.subjectAltName ?? '');
  return match?.[1] === undefined ? undefined : parseServerName(match[1]);
}

/** Also where its key usage forbids it to sign certificates, which `isIssuedBy` minds. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && isSignedBy(certificate, certificate);
}

/** Names, key identifiers and key usage fit, and the signature is right. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSignedBy(certificate, issuer);
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false; // a key of an unknown kind, or of another kind than the signature
  }
}

/** Whether its signature, its key and its critical extensions are such as can be relied on. */
export function isSound(certificate: X509Certificate): boolean {
  if (!ACCEPTED_SIGNATURES.has(certificate.signatureAlgorithmOid)) return false;
  try {
    const { extensions } = parsed(certificate);
    return (
      isStrong(certificate.publicKey) && extensions.every(({ critical, type }) => !critical || UNDERSTOOD.has(type))
    );
  } catch {
    return false; // what one of the two libraries cannot read is nothing to rely on
  }
}

function isStrong({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ed25519') return true;
  if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048;
  const curve = asymmetricKeyDetails?.namedCurve ?? '';
  return asymmetricKeyType === 'ec' && /^(?:prime256v1|secp384r1|secp521r1)$/.test(curve);
}

/** Whether it may be used on both ends of TLS; a certificate that does not say may. */
export function isForTls(certificate: X509Certificate): boolean {
  const usage = certificate.keyUsage;
  return usage === undefined || (usage.includes(SERVER_AUTH) && usage.includes(CLIENT_AUTH));
}

/** How many intermediates may follow below an authority or intermediate; undefined where it is none. */
export function pathLength(certificate: X509Certificate): number | undefined {
  if (!certificate.ca) return undefined;
  return parsed(certificate).getExtension(BasicConstraintsExtension)?.pathLength ?? Number.POSITIVE_INFINITY;
}

/** Whether a private key, PEM, is that of a certificate. @throws where the text holds no key; the words may quote it */
export function fits(certificate: X509Certificate, keyPem: string): boolean {
  return certificate.checkPrivateKey(createPrivateKey(keyPem));
}

export function validFrom(certificate: X509Certificate): number {
  return certificate.validFromDate.getTime();
}

export function validTo(certificate: X509Certificate): number {
  return certificate.validToDate.getTime();
}

const parsedBefore = new WeakMap<X509Certificate, Parsed>();

/** Kept, because the same few authorities are asked again for each connection. */
function parsed(certificate: X509Certificate): Parsed {
  const known = parsedBefore.get(certificate) ?? new Parsed(new Uint8Array(certificate.raw));
  parsedBefore.set(certificate, known);
  return known;
}
