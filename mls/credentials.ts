/**
 * From a chain of certificates to a device that one may believe (RFC 9420, section 5.3): leaf, intermediate, and a root of
 * the device's own domain. The root of one domain says nothing about devices of another.
 */
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { bytesKey, sameBytes } from './bytes.ts';
import { checkAuthority, checkIssued, readCertificate, refuse } from './certificate.ts';
import { checkIssuedLeaf, checkLeaf, type DeviceCertificate, readDeviceCertificate } from './device-certificate.ts';
import type { Engine } from './engine.ts';
import { type Identity, identityIn } from './identity.ts';
import { RevocationLists } from './revocation.ts';
import type { X509Certificate } from './x509.ts';

/** What a domain publishes about its authentication service. Whoever gives it has made sure that it is the domain's. */
export interface Authority {
  /** DER; more than one while the domain changes from an old to a new root. */
  readonly roots: readonly Uint8Array[];
  /** DER: the lists of the roots and of the intermediates. */
  readonly revocations: readonly Uint8Array[];
}

/** The authority of a domain, or undefined where the domain is not known or not allowed. */
export type Authorities = (domain: DomainName) => Authority | undefined;

/** A device, and why its certificate does not hold any more. */
export interface Standing {
  readonly identity: Identity;
  readonly lapsed: 'MLS_CREDENTIAL_EXPIRED' | 'MLS_CREDENTIAL_REVOKED' | undefined;
}

interface Chain {
  readonly identity: Identity;
  readonly leaf: DeviceCertificate;
  readonly intermediate: X509Certificate;
  readonly root: X509Certificate;
  readonly rootBytes: Uint8Array;
}

/** As many chains as the largest group has devices, four times over. */
const MAX_KNOWN = 4096;

export class Credentials {
  readonly #authorities: Authorities;
  readonly #engine: Engine | undefined;
  readonly #revocations = new RevocationLists();
  /** Chains whose signatures were verified: what does not change with time is checked once, a tree of 1,000 leaves or not. */
  readonly #known = new Map<string, Chain>();
  readonly #issued = new WeakMap<X509Certificate, WeakMap<X509Certificate, Promise<void>>>();

  /** @param engine where there is something quicker than WebCrypto */
  constructor(authorities: Authorities, engine?: Engine) {
    this.#authorities = authorities;
    this.#engine = engine;
  }

  /**
   * @param certificates DER, as they stand in the MLS credential: leaf, intermediate, and the root or not
   * @param key the signature key of the MLS leaf, 32 bytes
   * @param now ms since 1970
   * @param at where it is about something that was done then: whether they were good at that time
   * @throws {HawserError} MLS_CREDENTIAL_REFUSED, MLS_CREDENTIAL_EXPIRED, MLS_CREDENTIAL_REVOKED, MLS_REVOCATION_UNKNOWN
   */
  async identify(certificates: readonly Uint8Array[], key: Uint8Array, now: number, at?: number): Promise<Identity> {
    const { identity, lapsed } = await this.standing(certificates, key, now, at);
    if (lapsed !== undefined) throw new HawserError(lapsed);
    return identity;
  }

  /**
   * The same of a leaf that was good when it came into a group: whose it is, and whether its own certificate has ended or was taken back
   * since. Where something is wrong with who issued it, that is thrown all the same: then nobody can say whose leaf it is. (Of what has
   * ended, no list says whether it was taken back before; it is to be trusted as little.)
   * @throws {HawserError} as `identify`
   */
  async standing(certificates: readonly Uint8Array[], key: Uint8Array, now: number, at?: number): Promise<Standing> {
    const { identity, leaf, intermediate, root, rootBytes } = await this.#chain(certificates, key);
    const authority = this.#authorities(identity.domain);
    if (!authority?.roots.some((each) => sameBytes(each, rootBytes))) refuse('the root speaks for another domain');
    const time = at ?? now;
    checkTime(root, time);
    // Its issuer may have ended with it, and lists name only what has not.
    if (time > leaf.notAfter.getTime()) return { identity, lapsed: 'MLS_CREDENTIAL_EXPIRED' };
    checkTime(leaf, time);
    checkTime(intermediate, time);
    await this.#revocations.check(intermediate, root, authority.revocations, now, at);
    try {
      await this.#revocations.check(leaf, intermediate, authority.revocations, now, at);
    } catch (error) {
      if (!(error instanceof HawserError) || error.code !== 'MLS_CREDENTIAL_REVOKED') throw error;
      return { identity, lapsed: error.code };
    }
    return { identity, lapsed: undefined };
  }

  async #chain(certificates: readonly Uint8Array[], key: Uint8Array): Promise<Chain> {
    if (certificates.length < 2 || certificates.length > 3) refuse('the chain is not leaf, intermediate and root');
    // With their lengths, or a byte could move from one certificate to the next unnoticed.
    const name = [key, ...certificates].map((bytes) => `${bytes.length}:${bytesKey(bytes)}`).join('');
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const chain = await this.#verify(certificates, key);
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.keys().next().value ?? '');
    this.#known.set(name, chain);
    return chain;
  }

  async #verify(certificates: readonly Uint8Array[], key: Uint8Array): Promise<Chain> {
    const [leafBytes, intermediateBytes, givenRoot] = certificates;
    if (leafBytes === undefined || intermediateBytes === undefined) return refuse('the chain is too short');
    const leaf = readDeviceCertificate(leafBytes);
    const intermediate = readIssuer(intermediateBytes);
    checkLeaf(leaf, key);
    // A root issued itself, and would pass for the intermediate below it.
    if (intermediate.issuer === intermediate.subject) refuse('the intermediate is a root');
    checkAuthority(intermediate, 0);
    await checkIssuedLeaf(leaf, intermediate, this.#engine);
    const identity = identityIn(leaf);
    for (const rootBytes of this.#authorities(identity.domain)?.roots ?? []) {
      if (givenRoot !== undefined && !sameBytes(givenRoot, rootBytes)) continue;
      const root = readIssuer(rootBytes);
      try {
        checkAuthority(root, 1);
        await this.#checkIntermediate(intermediate, root);
        return { identity, leaf, intermediate, root, rootBytes };
      } catch (error) {
        if (!(error instanceof HawserError)) throw error; // another root may have made it
      }
    }
    return refuse('no root of the domain of the device made it');
  }

  #checkIntermediate(intermediate: X509Certificate, root: X509Certificate): Promise<void> {
    const byRoot = this.#issued.get(intermediate) ?? new WeakMap<X509Certificate, Promise<void>>();
    this.#issued.set(intermediate, byRoot);
    const checked = byRoot.get(root) ?? checkIssued(intermediate, root);
    byRoot.set(root, checked);
    return checked;
  }
}

/** Certificates of issuers, each read once: the devices of a domain share them, and what was found out about them by identity. */
const issuers = new Map<string, X509Certificate>();
const MAX_ISSUERS = 256;

/** @throws {HawserError} MLS_CREDENTIAL_REFUSED */
function readIssuer(der: Uint8Array): X509Certificate {
  const name = bytesKey(der);
  const known = issuers.get(name) ?? readCertificate(der);
  if (issuers.size >= MAX_ISSUERS) issuers.delete(issuers.keys().next().value ?? '');
  issuers.set(name, known);
  return known;
}

function checkTime({ notBefore, notAfter }: Pick<X509Certificate, 'notBefore' | 'notAfter'>, now: number): void {
  if (now < notBefore.getTime() || now > notAfter.getTime()) throw new HawserError('MLS_CREDENTIAL_EXPIRED');
}
