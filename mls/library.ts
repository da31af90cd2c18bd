/**
 * The library as it is called here: with our credentials, our clock where it lets us, and one kind of error. Whatever it throws, a bad
 * message included that makes it stumble over a missing field, comes out as a coded error.
 */
import {
  type AuthenticationService,
  type ClientConfig,
  CodecError,
  type Credential,
  defaultCredentialTypes,
  defaultExtensionTypes,
  defaultPaddingConfig,
  type GroupContext,
  type GroupContextExtension,
  type KeyPackage,
  type LeafNode,
  type MlsContext,
} from 'ts-mls';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { sameBytes, utf8 } from './bytes.ts';
import type { Credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import { identityOf } from './members.ts';
import type { Policy } from './rules.ts';
import { cipherSuite, RETENTION } from './suite.ts';

/** The homeserver that orders the commits of a group, and may propose to it as an external sender (RFC 9420, section 12.1.8.1). */
export interface Hub {
  readonly domain: DomainName;
  /** Ed25519, 32 bytes; from the hub's published keys. */
  readonly signatureKey: Uint8Array;
}

/** What a group needs from outside. */
export interface Environment {
  readonly credentials: Credentials;
  readonly policy: Policy;
  /** Undefined where no server may propose. */
  readonly hub: Hub | undefined;
  /** ms since 1970 */
  readonly now: () => number;
  /** Where there is something quicker than WebCrypto. */
  readonly engine?: Engine | undefined;
  /** As in `Rules`. */
  readonly at?: number | undefined;
}

export function hubExtensions(hub: Hub | undefined): GroupContextExtension[] {
  if (hub === undefined) return [];
  const sender = { signaturePublicKey: hub.signatureKey, credential: hubCredential(hub) };
  return [{ extensionType: defaultExtensionTypes.external_senders, extensionData: [sender] }];
}

function hubCredential(hub: Hub): Credential {
  return { credentialType: defaultCredentialTypes.basic, identity: utf8(`mimi://${hub.domain}`) };
}

/** @throws {HawserError} MLS_REFUSED unless the group knows this hub as its external sender, and has no other extension */
export function checkExtensions({ extensions }: GroupContext, hub: Hub | undefined): void {
  const [first, ...others] = extensions;
  const wanted = hub === undefined ? 0 : 1;
  if (others.length > 0 || extensions.length !== wanted)
    throw new HawserError('MLS_REFUSED', 'the group has extensions');
  if (hub === undefined || first === undefined) return;
  const [sender, ...more] = first.extensionType === defaultExtensionTypes.external_senders ? sendersIn(first) : [];
  if (more.length > 0 || sender === undefined || !isHub(sender.credential, sender.signaturePublicKey, hub)) {
    throw new HawserError('MLS_REFUSED', 'the group has another hub');
  }
}

function sendersIn({ extensionData }: GroupContextExtension) {
  return Array.isArray(extensionData) ? extensionData : [];
}

function isHub(credential: Credential, key: Uint8Array, hub: Hub): boolean {
  const { identity } = { identity: undefined, ...credential };
  const wanted = utf8(`mimi://${hub.domain}`);
  const named = credential.credentialType === defaultCredentialTypes.basic && identity instanceof Uint8Array;
  return named && sameBytes(identity, wanted) && sameBytes(key, hub.signatureKey);
}

/**
 * Which leaves the library lets pass: those whose certificates are good, or, for a device that joins, also those that once were. A tree
 * has such leaves from the moment at which a device is removed from an account until a member commits its removal, and nobody may be there
 * to do that; the one who joins is. Refusing would shut everybody out for as long. Accepting gives the removed device nothing that it did
 * not have: what it could read is sent only when it is out (`Group.lapsed`), and its own commits are refused.
 */
export type Leaves = 'good' | 'lapsed too';

/** Answers the library's question about a credential, and remembers what was wrong with it: the library only knows yes and no. */
class Authentication implements AuthenticationService {
  refusal: HawserError | undefined;
  readonly #environment: Environment;
  readonly #leaves: Leaves;

  constructor(environment: Environment, leaves: Leaves) {
    this.#environment = environment;
    this.#leaves = leaves;
  }

  async validateCredential(credential: Credential, key: Uint8Array): Promise<boolean> {
    const { credentials, hub, now, at } = this.#environment;
    if (hub !== undefined && isHub(credential, key, hub)) return true;
    try {
      if (credential.credentialType !== defaultCredentialTypes.x509 || !('certificates' in credential)) {
        throw new HawserError('MLS_CREDENTIAL_REFUSED', 'the credential is not a chain of certificates');
      }
      const { lapsed } = await credentials.standing(credential.certificates, key, now(), at);
      if (lapsed !== undefined && this.#leaves === 'good') throw new HawserError(lapsed);
      return true;
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
      this.refusal = error;
      return false;
    }
  }
}

/**
 * Two leaves are one client when they are of one device, and also when they share a key. The library looks by this for the former leaf
 * of a device that joins again; by the user alone it would find another device of the same person.
 */
const ONE_CLIENT: ClientConfig['keyPackageEqualityConfig'] = {
  compareKeyPackages: (a: KeyPackage, b: KeyPackage) => isSameClient(a.leafNode, b.leafNode),
  compareKeyPackageToLeafNode: (a: KeyPackage, b: LeafNode) => isSameClient(a.leafNode, b),
};

function isSameClient(a: LeafNode, b: LeafNode): boolean {
  return sameBytes(a.signaturePublicKey, b.signaturePublicKey) || identityOf(a).device === identityOf(b).device;
}

const CONFIG: ClientConfig = {
  keyRetentionConfig: RETENTION,
  // Lifetimes are checked in `key-package.ts`, on the clock that is passed in.
  lifetimeConfig: { maximumTotalLifetime: 100n * 24n * 60n * 60n, validateLifetimeOnReceive: false },
  keyPackageEqualityConfig: ONE_CLIENT,
  paddingConfig: defaultPaddingConfig,
};

/**
 * Runs the library.
 * @param fallback the code for what it refuses without saying why in a code of ours
 */
export async function withLibrary<T>(
  environment: Environment,
  fallback: ErrorCode,
  work: (context: MlsContext) => Promise<T>,
  leaves: Leaves = 'good',
): Promise<T> {
  const authService = new Authentication(environment, leaves);
  try {
    return await work({ cipherSuite: await cipherSuite(environment.engine), authService, clientConfig: CONFIG });
  } catch (cause) {
    if (cause instanceof HawserError) throw cause;
    if (authService.refusal !== undefined) throw authService.refusal;
    if (cause instanceof CodecError) throw new HawserError('MLS_MALFORMED', undefined, { cause });
    throw new HawserError(fallback, undefined, { cause });
  }
}
