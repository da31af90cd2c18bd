/** The signature key of a device: made on it, never leaving it; and what is signed with it outside of groups. */

import { Pkcs10CertificateRequestGenerator } from '#mls/x509.ts';
import { DEVICE_PROOF } from '#signalling/devices.ts';

export interface SignatureKeys {
  /** Ed25519 seed, 32 bytes. */
  readonly signatureKey: Uint8Array<ArrayBuffer>;
  /** 32 bytes */
  readonly signaturePublicKey: Uint8Array<ArrayBuffer>;
}

const ED25519 = { name: 'Ed25519' } as const;
/** What stands before the 32 bytes of a seed in PKCS #8 (RFC 8410, section 7). */
const PKCS8_HEADER = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x04,
  0x22,
  0x04,
  0x20,
);

export async function makeSignatureKeys(): Promise<SignatureKeys> {
  const { privateKey, publicKey } = (await crypto.subtle.generateKey(ED25519, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey));
  const signatureKey = pkcs8.slice(PKCS8_HEADER.length, PKCS8_HEADER.length + 32);
  pkcs8.fill(0);
  return { signatureKey, signaturePublicKey: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)) };
}

/** A certification request (PKCS #10, RFC 2986), DER. It names nobody: who asks is known by the session. */
export async function certificationRequest(keys: SignatureKeys): Promise<Uint8Array> {
  const publicKey = await crypto.subtle.importKey('raw', keys.signaturePublicKey, ED25519, true, ['verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=Hawser device',
    keys: { privateKey: await privateKeyOf(keys), publicKey },
    signingAlgorithm: ED25519,
  });
  return new Uint8Array(request.rawData);
}

/** Proof that the device of a new session has its key: see `KnownDevice`. */
export async function proofFor(keys: SignatureKeys, accessToken: string): Promise<Uint8Array> {
  const text = new TextEncoder().encode(`${DEVICE_PROOF}${accessToken}`);
  return new Uint8Array(await crypto.subtle.sign(ED25519, await privateKeyOf(keys), text));
}

async function privateKeyOf({ signatureKey }: SignatureKeys): Promise<CryptoKey> {
  const pkcs8 = new Uint8Array(PKCS8_HEADER.length + signatureKey.length);
  pkcs8.set(PKCS8_HEADER);
  pkcs8.set(signatureKey, PKCS8_HEADER.length);
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, ED25519, false, ['sign']);
  pkcs8.fill(0);
  return key;
}
