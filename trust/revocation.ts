/** Certificate revocation lists (RFC 5280, section 5): which certificates an issuer took back. */
import { type KeyObject, verify, type X509Certificate } from 'node:crypto';
import { firstInside } from './der.ts';
import { X509Crl } from './x509.ts';

export class RevocationList {
  /** ms since 1970 */
  readonly thisUpdate: number;
  /**
   * When the issuer promised a newer one, ms since 1970. A list beyond it stays in effect: it comes by hand, and to cut
   * every link because somebody forgot to copy a file would do more harm than it prevents.
   */
  readonly nextUpdate: number | undefined;
  readonly #serials: ReadonlySet<string>;
  readonly #signed: Uint8Array;
  readonly #signature: Uint8Array;
  /** For `crypto.verify`: null where the key says it, undefined where the algorithm is not accepted. */
  readonly #hash: string | null | undefined;
  readonly #signers = new Map<string, boolean>();

  /**
   * @param pem one PEM block or DER
   * @throws where it is malformed or a part of it would have to be understood and is not
   */
  constructor(pem: string | Uint8Array<ArrayBuffer>) {
    const list = new X509Crl(pem);
    // Such an extension can change what the entries mean: issued by others, only changes (RFC 5280, section 5.2).
    const critical = list.extensions.find((extension) => extension.critical);
    if (critical)
      throw new Error(`The revocation list has the critical extension ${critical.type}, not understood here`);
    const der = new Uint8Array(list.rawData);
    this.thisUpdate = list.thisUpdate.getTime();
    this.nextUpdate = list.nextUpdate?.getTime();
    this.#serials = new Set(list.entries.map((entry) => plainSerial(entry.serialNumber)));
    this.#signed = firstInside(der);
    this.#signature = new Uint8Array(list.signature);
    this.#hash = hashOf(list.signatureAlgorithm);
  }

  /** How many certificates it names. */
  get size(): number {
    return this.#serials.size;
  }

  /** Whether the key of a certificate signed this list. */
  isBy(issuer: X509Certificate): boolean {
    const known = this.#signers.get(issuer.fingerprint256);
    if (known !== undefined) return known;
    const signed = this.#isSignedBy(issuer.publicKey);
    this.#signers.set(issuer.fingerprint256, signed);
    return signed;
  }

  /** Whether its issuer took the certificate back; it says nothing about certificates of others. */
  revokes(certificate: X509Certificate, issuer: X509Certificate): boolean {
    return this.#serials.has(plainSerial(certificate.serialNumber)) && this.isBy(issuer);
  }

  #isSignedBy(key: KeyObject): boolean {
    if (this.#hash === undefined) return false;
    try {
      return verify(this.#hash, this.#signed, key, this.#signature);
    } catch {
      return false; // a key of another kind than the signature
    }
  }
}

/** The same algorithms as `ACCEPTED_SIGNATURES`. */
function hashOf(algorithm: { readonly name: string; readonly hash?: { readonly name: string } }) {
  if (algorithm.name === 'Ed25519') return null;
  if (algorithm.name !== 'ECDSA' && algorithm.name !== 'RSASSA-PKCS1-v1_5') return undefined;
  return /^SHA-(?:256|384|512)$/.test(algorithm.hash?.name ?? '') ? algorithm.hash?.name.replace('-', '') : undefined;
}

/** Serial numbers as hex digits, however many zeros a library puts before them. */
export function plainSerial(hex: string): string {
  return hex
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
}
