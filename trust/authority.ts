/** Who may certify the servers of a domain, and what it took back. */
import type { X509Certificate } from 'node:crypto';
import { isSound } from './certificate.ts';
import { certificatesOf, revocationListBlocks } from './pem.ts';
import { RevocationList } from './revocation.ts';

export interface Authority {
  /** One, or more while a domain changes from an old to a new one. */
  readonly certificates: readonly X509Certificate[];
  readonly revocations: readonly RevocationList[];
}

/** One sentence each; empty where the texts make an authority. */
export interface AuthorityReading {
  readonly authority: Authority;
  readonly aboutCertificates: string | undefined;
  readonly aboutRevocations: string | undefined;
}

/** Reads the PEM texts of an authority: its certificates, and the revocation lists that belong to them if there are any. */
export function readAuthority(certificatePem: string, revocationPem: string | undefined): AuthorityReading {
  const [certificates, aboutCertificates] = attempt(() => authorities(certificatePem));
  const [revocations, aboutRevocations] = attempt(() => lists(revocationPem, certificates));
  return { authority: { certificates, revocations }, aboutCertificates, aboutRevocations };
}

function authorities(pem: string): X509Certificate[] {
  const certificates = certificatesOf(pem);
  if (certificates.length === 0) throw new Error('there is no PEM certificate in it');
  for (const certificate of certificates) {
    if (!certificate.ca) throw new Error('it is the certificate of a server, not of an authority');
    if (!isSound(certificate)) throw new Error('its key or signature is too weak or of an unknown kind');
  }
  return certificates;
}

function lists(pem: string | undefined, certificates: readonly X509Certificate[]): RevocationList[] {
  if (pem === undefined) return [];
  const blocks = revocationListBlocks(pem);
  if (blocks.length === 0) throw new Error('there is no PEM revocation list in it');
  const revocations = blocks.map((block) => new RevocationList(block));
  // Others in the file may be of intermediates; without one of the authority it is the wrong file.
  const belongs = revocations.some((list) => certificates.some((certificate) => list.isBy(certificate)));
  if (!belongs && certificates.length > 0) throw new Error('the authority of this domain did not sign it');
  return revocations;
}

function attempt<T>(make: () => T[]): [T[], string | undefined] {
  try {
    return [make(), undefined];
  } catch (error) {
    return [[], error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)];
  }
}
