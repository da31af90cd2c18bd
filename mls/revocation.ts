/** Revocation lists (RFC 5280, section 5): which certificates an issuer took back. */
import { HawserError } from '#signalling/errors.ts';
import { type X509Certificate, X509Crl } from './x509.ts';

/** 1 MiB: some 25,000 entries. */
const MAX_BYTES = 1024 * 1024;

/** Times in certificates and lists have no smaller unit. ms */
const SECOND = 1_000;

interface List {
  readonly crl: X509Crl;
  /** By serial number, when it was taken back: ms since 1970, to the second. */
  readonly revoked: ReadonlyMap<string, number>;
  /** By the issuer's certificate: whether its key signed this list. */
  readonly signers: WeakMap<X509Certificate, Promise<boolean>>;
}

export class RevocationLists {
  readonly #read = new WeakMap<Uint8Array, List | undefined>();

  /**
   * Whether an issuer took a certificate back, by the newest of its lists.
   *
   * Closed where there is no list, or only one beyond its promised next update: lists are fetched by themselves, so that an
   * old one means that somebody withholds the new one.
   * @param lists DER, those of the domain; lists of others among them do no harm
   * @param now ms since 1970
   * @param at where it is about something that was done then: whether it had been taken back by that time
   * @throws {HawserError} MLS_CREDENTIAL_REVOKED, or MLS_REVOCATION_UNKNOWN
   */
  async check(
    certificate: Pick<X509Certificate, 'serialNumber'>,
    issuer: X509Certificate,
    lists: readonly Uint8Array[],
    now: number,
    at?: number,
  ): Promise<void> {
    let newest: List | undefined;
    for (const bytes of lists) {
      const list = this.#list(bytes);
      if (list === undefined || !(await isBy(list, issuer))) continue;
      if (newest === undefined || list.crl.thisUpdate > newest.crl.thisUpdate) newest = list;
    }
    if (newest === undefined) throw new HawserError('MLS_REVOCATION_UNKNOWN', 'there is no list of the issuer');
    const revokedAt = newest.revoked.get(plainSerial(certificate.serialNumber));
    if (revokedAt !== undefined && (at === undefined || at >= revokedAt + SECOND)) {
      throw new HawserError('MLS_CREDENTIAL_REVOKED');
    }
    const next = newest.crl.nextUpdate?.getTime();
    if (next === undefined || next < now) throw new HawserError('MLS_REVOCATION_UNKNOWN', 'the list is out of date');
  }

  #list(bytes: Uint8Array): List | undefined {
    if (!this.#read.has(bytes)) this.#read.set(bytes, readList(bytes));
    return this.#read.get(bytes);
  }
}

/** Undefined where it is none, or has a critical extension, which can change what its entries mean (section 5.2). */
function readList(bytes: Uint8Array): List | undefined {
  if (bytes.length > MAX_BYTES) return undefined;
  try {
    const crl = new X509Crl(new Uint8Array(bytes));
    if (crl.extensions.some((extension) => extension.critical)) return undefined;
    const revoked = new Map(crl.entries.map((each) => [plainSerial(each.serialNumber), each.revocationDate.getTime()]));
    return { crl, revoked, signers: new WeakMap() };
  } catch {
    return undefined;
  }
}

function isBy(list: List, issuer: X509Certificate): Promise<boolean> {
  const known = list.signers.get(issuer);
  if (known !== undefined) return known;
  const signed =
    list.crl.issuer === issuer.subject
      ? list.crl.verify({ publicKey: issuer.publicKey }).catch(() => false)
      : Promise.resolve(false);
  list.signers.set(issuer, signed);
  return signed;
}

/** Serial numbers as hex digits, however many zeros a library puts before them. */
function plainSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, '');
}
