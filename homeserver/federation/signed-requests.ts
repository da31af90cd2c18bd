/** Judges whether a request is signed by the domain that the connection belongs to, for this domain, and about now. */
import type { KeyObject } from 'node:crypto';
import { HawserError } from '#signalling/errors.ts';
import { type FederationCall, versionOf } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import { type Claims, digestOf, isSignedBy, publicKeyOf, readClaims } from './signature.ts';

export interface SignedRequestsOptions {
  readonly domain: DomainName;
  readonly now: () => number;
  /**
   * The key of that id of a domain, 32 bytes; an unknown one lets the domain's keys be fetched again, once.
   * @throws HawserError where they cannot be fetched
   */
  readonly signingKey: (domain: DomainName, id: string) => Promise<Uint8Array | undefined>;
}

/** Clocks may be wrong by this much, either way: nothing that is repeated has another effect. ms */
const TOLERANCE_MS = 24 * 3_600_000;
const NOTHING = digestOf('');
/** Parsed keys: as many as there are domains that ask much. */
const MAX_KEYS = 1_000;

/** Whether requests of a call are signed. `keys` cannot be: who asks for them may not know any yet. `reach` is asked by who has no signing key. */
export function isSigned(call: FederationCall | 'unknown'): boolean {
  return call !== 'unknown' && call !== 'keys' && call !== 'reach' && versionOf(call) >= 2;
}

export class SignedRequests {
  readonly #options: SignedRequestsOptions;
  readonly #keys = new Map<string, KeyObject>();

  constructor(options: SignedRequestsOptions) {
    this.#options = options;
  }

  /**
   * Before the body is read.
   * @param from as the certificate says
   * @throws HawserError FED_SIGNATURE, FED_WRONG_DESTINATION, FED_CLOCK
   */
  begin(from: DomainName, url: string, headers: Parameters<typeof readClaims>[0]): Claims {
    const { domain, now } = this.#options;
    const claims = readClaims(headers);
    if (!claims) throw new HawserError('FED_SIGNATURE', 'no signature');
    if (url.includes('?')) throw new HawserError('FED_SIGNATURE', 'a query');
    if (claims.from !== from) throw new HawserError('FED_SIGNATURE', 'another domain than the certificate has');
    if (claims.to !== domain) throw new HawserError('FED_WRONG_DESTINATION');
    if (Math.abs(claims.created * 1_000 - now()) > TOLERANCE_MS) throw new HawserError('FED_CLOCK');
    return claims;
  }

  /**
   * When the body is there.
   * @param digest of the body; undefined where there was none
   * @throws HawserError FED_SIGNATURE, and where keys cannot be fetched
   */
  async finish(claims: Claims, request: { method: string; path: string; digest: string | undefined }): Promise<void> {
    if ((request.digest ?? NOTHING) !== claims.digest) throw new HawserError('FED_SIGNATURE', 'another body');
    const bytes = await this.#options.signingKey(claims.from, claims.keyId);
    if (!bytes) throw new HawserError('FED_SIGNATURE', 'an unknown key');
    const key = this.#keyOf(bytes);
    if (!key || !isSignedBy(key, request, claims)) throw new HawserError('FED_SIGNATURE');
  }

  #keyOf(bytes: Uint8Array): KeyObject | undefined {
    const name = Buffer.from(bytes).toString('base64url');
    const key = this.#keys.get(name) ?? publicKeyOf(bytes);
    if (!key) return undefined;
    this.#keys.set(name, key);
    const oldest = this.#keys.keys().next().value;
    if (this.#keys.size > MAX_KEYS && oldest !== undefined) this.#keys.delete(oldest);
    return key;
  }
}
