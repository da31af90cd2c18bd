/** For tests: an authority that browsers and clients of a test are told to believe, and certificates of web servers by it. */
import { ALGORITHM, keyPem, makeKeys } from '#trust/issuing.ts';
import * as x509 from '#trust/x509.ts';

const HOUR = 3_600_000;

export interface WebCertificate {
  /** PEM, the leaf and then the authority. */
  readonly chain: string;
  readonly key: string;
}

export class WebAuthority {
  readonly certificate: string;
  readonly #issuer: x509.X509Certificate;
  readonly #key: CryptoKey;

  private constructor(issuer: x509.X509Certificate, key: CryptoKey) {
    this.certificate = issuer.toString('pem');
    this.#issuer = issuer;
    this.#key = key;
  }

  static async create(): Promise<WebAuthority> {
    const keys = await makeKeys();
    const issuer = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=Web authority of a test',
      ...validity(24 * HOUR),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new WebAuthority(issuer, keys.privateKey);
  }

  /** @param lasts ms from now; a negative one makes a certificate that has ended */
  async issue(names: readonly string[], lasts = 24 * HOUR): Promise<WebCertificate> {
    const keys = await makeKeys();
    const leaf = await x509.X509CertificateGenerator.create({
      subject: `CN=${names[0]}`,
      issuer: this.#issuer.subject,
      ...validity(lasts),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ],
    });
    const key = await keyPem(keys.privateKey);
    return { chain: `${leaf.toString('pem')}\n${this.certificate}\n`, key };
  }
}

function validity(lasts: number) {
  const now = Date.now();
  return { notBefore: new Date(now + Math.min(lasts, 0) - HOUR), notAfter: new Date(now + lasts) };
}
