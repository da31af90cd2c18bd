/** Key packages (RFC 9420, section 10): what a device leaves with its homeserver so that others can add it while it is away. */
import {
  decode,
  defaultCredentialTypes,
  encode,
  generateKeyPackageWithKey,
  type KeyPackage,
  keyPackageDecoder,
  keyPackageEncoder,
  leafNodeSources,
  type PrivateKeyPackage,
  privateKeyPackageDecoder,
  privateKeyPackageEncoder,
  protocolVersions,
  wireformats,
} from 'ts-mls';
import { verifyKeyPackage } from 'ts-mls/internal/keyPackage.js';
import { verifyLeafNodeSignatureKeyPackage } from 'ts-mls/internal/leafNode.js';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { sameBytes } from './bytes.ts';
import type { Credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import type { Identity } from './identity.ts';
import { checkEncryptionKey, checkLeafNode } from './leaf.ts';
import { PARTICIPANT, participantExtension } from './participant.ts';
import { CAPABILITIES, cipherSuite, SUITE } from './suite.ts';
import { certificatesIn, messageBytes } from './wire.ts';

/** 30 days: long enough for a device that is away, short enough that a forgotten one is not added for ever. ms */
export const KEY_PACKAGE_LIFE = 30 * 24 * 60 * 60 * 1000;
/** One that is promised for longer than this was not made by us. ms */
const MAX_LIFE = 100 * 24 * 60 * 60 * 1000;
/** Clocks differ. ms */
const BACKDATE = 60 * 60 * 1000;

/** What a device signs with, and the certificates that say so. */
export interface DeviceKeys {
  /** Ed25519, 32 bytes */
  readonly signatureKey: Uint8Array;
  /** 32 bytes */
  readonly signaturePublicKey: Uint8Array;
  /** DER: leaf, intermediate */
  readonly certificates: readonly Uint8Array[];
  /** Under which name SFTs know it, in the group of a call. */
  readonly participant?: ParticipantId | undefined;
}

export interface OwnKeyPackage {
  /** An MLSMessage, for the homeserver. */
  readonly bytes: Uint8Array;
  /** Private keys, for this device only. Stored before the other half leaves; thrown away when a Welcome was joined with it. */
  readonly secrets: Uint8Array;
}

export interface KeyPackagePair {
  readonly keyPackage: KeyPackage;
  readonly secrets: PrivateKeyPackage;
}

/** @param now ms since 1970 */
export async function makeKeyPackagePair(device: DeviceKeys, now: number): Promise<KeyPackagePair> {
  const { participant } = device;
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey({
    credential: { credentialType: defaultCredentialTypes.x509, certificates: [...device.certificates] },
    capabilities: participant === undefined ? CAPABILITIES : { ...CAPABILITIES, extensions: [PARTICIPANT] },
    ...(participant !== undefined && { leafNodeExtensions: [participantExtension(participant)] }),
    lifetime: { notBefore: seconds(now - BACKDATE), notAfter: seconds(now + KEY_PACKAGE_LIFE) },
    extensions: [],
    signatureKeyPair: { signKey: device.signatureKey, publicKey: device.signaturePublicKey },
    cipherSuite: await cipherSuite(),
  });
  return { keyPackage: publicPackage, secrets: privatePackage };
}

/** @param now ms since 1970 */
export async function makeKeyPackage(device: DeviceKeys, now: number): Promise<OwnKeyPackage> {
  const { keyPackage, secrets } = await makeKeyPackagePair(device, now);
  const whole = encode(keyPackageEncoder, keyPackage);
  const privatePart = encode(privateKeyPackageEncoder, secrets);
  const both = new Uint8Array(4 + whole.length + privatePart.length);
  new DataView(both.buffer).setUint32(0, whole.length);
  both.set(whole, 4);
  both.set(privatePart, 4 + whole.length);
  return { bytes: keyPackageMessage(keyPackage), secrets: both };
}

/** Reads what `makeKeyPackage` gave as `secrets`. @throws {HawserError} MLS_STATE_UNREADABLE */
export function readSecrets(bytes: Uint8Array): KeyPackagePair {
  try {
    const own = bytes.slice();
    const length = new DataView(own.buffer).getUint32(0);
    const keyPackage = decode(keyPackageDecoder, own.subarray(4, 4 + length));
    const secrets = decode(privateKeyPackageDecoder, own.subarray(4 + length));
    if (keyPackage !== undefined && secrets !== undefined) return { keyPackage, secrets };
  } catch (cause) {
    throw new HawserError('MLS_STATE_UNREADABLE', 'a key package', { cause });
  }
  throw new HawserError('MLS_STATE_UNREADABLE', 'a key package');
}

/** When a key package ends, ms since 1970. @param secrets as `makeKeyPackage` gave them @throws {HawserError} MLS_STATE_UNREADABLE */
export function keyPackageEnds(secrets: Uint8Array): number {
  const { leafNode } = readSecrets(secrets).keyPackage;
  return 'lifetime' in leafNode ? Number(leafNode.lifetime.notAfter) * 1000 : 0;
}

export function keyPackageMessage(keyPackage: KeyPackage): Uint8Array {
  return messageBytes({ version: protocolVersions.mls10, wireformat: wireformats.mls_key_package, keyPackage });
}

/**
 * Checks all that RFC 9420, section 10.1 asks before a key package is used, and at this device's own clock. The library takes
 * on trust what somebody else put into a commit, and knows no other clock than the machine's.
 * @param time ms since 1970; `at` as for `Credentials.identify`
 * @throws {HawserError} MLS_KEY_PACKAGE_REFUSED, MLS_REFUSED, and what `Credentials.identify` throws
 */
export async function checkKeyPackage(
  keyPackage: KeyPackage,
  credentials: Credentials,
  { now, at }: { readonly now: number; readonly at?: number | undefined },
  engine?: Engine,
): Promise<Identity> {
  const { leafNode, initKey } = keyPackage;
  const { signature } = await cipherSuite(engine);
  if (keyPackage.version !== protocolVersions.mls10 || keyPackage.cipherSuite !== SUITE) {
    refused('another version or cipher suite');
  }
  if (leafNode.leafNodeSource !== leafNodeSources.key_package) refused('its leaf is not for a key package');
  const { notBefore, notAfter } = leafNode.lifetime;
  const time = seconds(at ?? now);
  if (notBefore > time || notAfter < time) refused('it is not valid at this time');
  if (notAfter - notBefore > seconds(MAX_LIFE)) refused('it is valid for too long');
  if (sameBytes(initKey, leafNode.hpkePublicKey)) refused('its two encryption keys are one');
  checkLeafNode(leafNode);
  checkEncryptionKey(initKey);
  const identity = await credentials.identify(certificatesIn(leafNode), leafNode.signaturePublicKey, now, at);
  const signed =
    (await verifyLeafNodeSignatureKeyPackage(leafNode, signature).catch(() => false)) &&
    (await verifyKeyPackage(keyPackage, signature).catch(() => false));
  if (!signed) refused('its signature is wrong');
  return identity;
}

function refused(detail: string): never {
  throw new HawserError('MLS_KEY_PACKAGE_REFUSED', detail);
}

function seconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000));
}
