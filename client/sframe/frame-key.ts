/** The key of one sender in one epoch, and what is done with it (RFC 9605, sections 4.4.2 to 4.4.4). */
import { writeHeader } from './header.ts';
import { NONCE_BYTES, type Suite } from './suite.ts';

/** What seals bytes: AEAD as RFC 5116 has it, of one key. */
export interface Cipher {
  seal(nonce: Uint8Array, aad: readonly Uint8Array[], plaintext: Uint8Array): Promise<Uint8Array>;
  /** @returns undefined where it was not sealed so */
  open(nonce: Uint8Array, aad: readonly Uint8Array[], sealed: Uint8Array): Promise<Uint8Array | undefined>;
}

/** The cryptography of a machine: WebCrypto in browsers, its own on Node, which answers at once. */
export interface Engine {
  /** HKDF of RFC 5869, extracted with an empty salt. */
  hkdf(hash: Suite['hash'], secret: Uint8Array, info: Uint8Array, length: number): Promise<Uint8Array>;
  /** @param key `cipherKey` bytes, and `macKey` bytes behind them */
  cipher(suite: Suite, key: Uint8Array): Promise<Cipher>;
}

const utf8 = new TextEncoder();

export class FrameKey {
  /** 64 bits. */
  readonly kid: bigint;
  readonly #cipher: Cipher;
  readonly #salt: Uint8Array;

  private constructor(kid: bigint, cipher: Cipher, salt: Uint8Array) {
    this.kid = kid;
    this.#cipher = cipher;
    this.#salt = salt;
  }

  /** @param baseKey of the epoch, the same for everybody */
  static async derive(engine: Engine, suite: Suite, baseKey: Uint8Array, kid: bigint): Promise<FrameKey> {
    const of = (label: string, length: number) =>
      engine.hkdf(
        suite.hash,
        baseKey,
        concat(utf8.encode(label), bigEndian(kid, 8), bigEndian(BigInt(suite.id), 2)),
        length,
      );
    // The blank at the end belongs to the label.
    const key = await of('SFrame 1.0 Secret key ', suite.cipherKey + suite.macKey);
    const salt = await of('SFrame 1.0 Secret salt ', NONCE_BYTES);
    const cipher = await engine.cipher(suite, key);
    key.fill(0);
    return new FrameKey(kid, cipher, salt);
  }

  /**
   * @param ctr 64 bits; never twice with one key, or the key is lost
   * @param metadata what stays in the clear beside the frame, and must not be changed
   * @returns header, ciphertext and tag
   */
  async seal(ctr: bigint, metadata: Uint8Array, frame: Uint8Array): Promise<Uint8Array> {
    const header = writeHeader(this.kid, ctr);
    return concat(header, await this.#cipher.seal(this.#nonce(ctr), [header, metadata], frame));
  }

  /** @param header as it came; @param sealed what is behind it. @returns undefined where it was not sealed so */
  open(ctr: bigint, header: Uint8Array, metadata: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#cipher.open(this.#nonce(ctr), [header, metadata], sealed);
  }

  #nonce(ctr: bigint): Uint8Array {
    const nonce = bigEndian(ctr, NONCE_BYTES);
    for (let at = 0; at < NONCE_BYTES; at++) nonce[at] = (nonce[at] ?? 0) ^ (this.#salt[at] ?? 0);
    return nonce;
  }
}

export function bigEndian(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = length - 1, rest = value; rest > 0n; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
