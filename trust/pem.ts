/** Certificates out of PEM files. */
import { X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const LIST = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g;

/** Every certificate of a PEM text in its order. @throws where one of them cannot be parsed */
export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

/** The PEM blocks of the revocation lists of a text. */
export function revocationListBlocks(pem: string): readonly string[] {
  return pem.match(LIST) ?? [];
}
