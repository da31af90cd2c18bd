/** Client to its own homeserver: the devices of a person, their certificates, and what others add them to groups with. */
import Type, { type Static } from 'typebox';
import { Base64Url } from './base64.ts';
import { Closed } from './contract.ts';
import { DeviceId, DomainName, UserId } from './ids.ts';

/** Devices of one person. */
export const MAX_DEVICES = 8;
/** Key packages of one device that wait to be used, beside the last one. */
export const MAX_KEY_PACKAGES = 100;
/** Below this a device is asked for more. */
export const FEW_KEY_PACKAGES = 25;

/** ms since 1970. */
const Time = Type.Integer({ minimum: 0 });
/** DER. */
export const Certificate = Base64Url(8_192);

/** What people call it: `Firefox on Linux`. */
export const DeviceName = Type.String({ minLength: 1, maxLength: 60, pattern: '^[^\\u0000-\\u001f\\u007f]+$' });

/** `POST devices`: makes the session's device. A certification request (PKCS #10) for an Ed25519 key, DER. */
export const NewDevice = Closed({ name: DeviceName, request: Base64Url(2_048) });
export type NewDevice = Static<typeof NewDevice>;

/** A certified device: answer of `POST devices`, `POST devices/current` and `POST devices/current/certificate`. */
export const CertifiedDevice = Closed({
  device: DeviceId,
  /** Leaf and intermediate, as they stand in an MLS credential (RFC 9420, section 5.3). */
  certificates: Type.Array(Certificate, { minItems: 2, maxItems: 3 }),
  /** When the leaf ends. It is renewed when two thirds of its time are over. */
  notBefore: Time,
  notAfter: Time,
});
export type CertifiedDevice = Static<typeof CertifiedDevice>;

/**
 * `POST devices/current`: a new session of a device that is known. The signature is Ed25519 over `DEVICE_PROOF` and the
 * session's access token, in ASCII.
 */
export const KnownDevice = Closed({ device: DeviceId, signature: Base64Url(64) });
export type KnownDevice = Static<typeof KnownDevice>;
export const DEVICE_PROOF = 'hawser device session 1 ';

/** `POST devices/current/certificate`: a certificate for a longer time, for the same key. */
export const Renewal = Closed({ request: Base64Url(2_048) });

export const Device = Closed({
  device: DeviceId,
  name: DeviceName,
  createdAt: Time,
  lastUsedAt: Time,
  /** IP address that it last came from. */
  lastAddress: Type.String({ maxLength: 45 }),
  /** SHA-256 of its Ed25519 key, 32 bytes: what people compare. */
  fingerprint: Base64Url(32),
});
export type Device = Static<typeof Device>;

/** `GET devices`: the own ones, oldest first. */
export const Devices = Closed({ devices: Type.Array(Device, { maxItems: MAX_DEVICES }) });
export type Devices = Static<typeof Devices>;

/** An MLSMessage with a KeyPackage (RFC 9420, section 10). */
const KeyPackage = Base64Url(16_384);

/** `PUT devices/current/key-packages`: all at once, in the place of those before. One bad one, and the old ones stay. */
export const NewKeyPackages = Closed({
  keyPackages: Type.Array(KeyPackage, { maxItems: MAX_KEY_PACKAGES }),
  /** Used again and again when the others have run out. */
  lastResort: KeyPackage,
});
export type NewKeyPackages = Static<typeof NewKeyPackages>;

/** Answer: how many wait, the last one not counted. */
export const KeyPackageCount = Closed({ left: Type.Integer({ minimum: 0 }) });
export type KeyPackageCount = Static<typeof KeyPackageCount>;

/** `POST key-packages/claim`: one of each device of a person. */
export const Claim = Closed({ user: UserId });
export type Claim = Static<typeof Claim>;
export const Claimed = Closed({
  keyPackages: Type.Array(Closed({ device: DeviceId, keyPackage: KeyPackage }), { maxItems: MAX_DEVICES }),
});
export type Claimed = Static<typeof Claimed>;

/**
 * `GET authorities/:domain`: what speaks for the devices of a domain, and what it took back (DER); and with which key its hub
 * proposes to groups (Ed25519, 32 bytes).
 */
export const Authority = Closed({
  domain: DomainName,
  roots: Type.Array(Certificate, { minItems: 1, maxItems: 4 }),
  revocations: Type.Array(Base64Url(1024 * 1024), { maxItems: 8 }),
  hub: Base64Url(32),
});
export type Authority = Static<typeof Authority>;
