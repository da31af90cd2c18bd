/**
 * What a machine may do more quickly than WebCrypto does: hashing and checking signatures, of which a hub has hundreds to do for a tree
 * and several for each commit. A browser has WebCrypto only; Node's own cryptography is four times as fast, and is passed in from
 * outside, because this folder runs in browsers too.
 */
export interface Engine {
  /** SHA-256, 32 bytes. */
  digest(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256, 32 bytes, of which HKDF is made: each message costs some, and WebCrypto takes twice as long for each. */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Ed25519; false also where the key or the signature is none. @param publicKey 32 bytes */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}
