/**
 * Records as they lie on the disk: AES-256-GCM with a nonce of 96 random bits, bound to the record's name. NIST SP 800-38D (section 8.3)
 * allows 2^32 records under one key with such nonces: at ten writes a second, thirteen years.
 *
 *     nonce (12 bytes) | encrypted: length of the key (2 bytes), key, value | tag (16 bytes)
 */
import { HawserError } from '#signalling/errors.ts';
import { Names } from './record-key.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 2;

/** Of one vault; neither can be read out of the process by whoever holds the object. */
export interface VaultKeys {
  /** AES-256-GCM */
  readonly records: CryptoKey;
  /** HMAC with SHA-256 */
  readonly names: CryptoKey;
}

/** 32 bytes for the records, 32 for the names. */
export const KEY_BYTES = 64;

const AES = { name: 'AES-GCM', length: 256 } as const;
const HMAC = { name: 'HMAC', hash: 'SHA-256', length: 256 } as const;

/** Keys that were never outside of the browser's own memory, and never will be. */
export async function makeKeys(): Promise<VaultKeys> {
  return {
    records: await crypto.subtle.generateKey(AES, false, ['encrypt', 'decrypt']),
    names: await crypto.subtle.generateKey(HMAC, false, ['sign']),
  };
}

/** @param bytes 64, which the caller wipes */
export async function importKeys(bytes: Uint8Array<ArrayBuffer>): Promise<VaultKeys> {
  return {
    records: await crypto.subtle.importKey('raw', bytes.subarray(0, 32), AES, false, ['encrypt', 'decrypt']),
    names: await crypto.subtle.importKey('raw', bytes.subarray(32), HMAC, false, ['sign']),
  };
}

/** A record in the clear, laid out to be encrypted: a copy, to be wiped after use. */
export function layOut(key: string, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(key);
  const plain = new Uint8Array(LENGTH_BYTES + text.length + value.length);
  new DataView(plain.buffer).setUint16(0, text.length);
  plain.set(text, LENGTH_BYTES);
  plain.set(value, LENGTH_BYTES + text.length);
  return plain;
}

/** Seals and opens the records of one vault. */
export class Sealer {
  readonly names: Names;
  readonly #records: CryptoKey;

  constructor({ records, names }: VaultKeys) {
    this.#records = records;
    this.names = new Names(names);
  }

  async seal(name: string, plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const encrypted = await crypto.subtle.encrypt(this.#algorithm(name, iv), this.#records, plain);
    const sealed = new Uint8Array(NONCE_BYTES + encrypted.byteLength);
    sealed.set(iv);
    sealed.set(new Uint8Array(encrypted), NONCE_BYTES);
    return sealed;
  }

  /** @throws {HawserError} VAULT_DAMAGED where the record was altered, or lay under another name */
  async open(
    name: string,
    sealed: Uint8Array<ArrayBuffer>,
  ): Promise<readonly [key: string, value: Uint8Array<ArrayBuffer>]> {
    if (sealed.length < NONCE_BYTES + LENGTH_BYTES + TAG_BYTES) throw damaged(name);
    const iv = sealed.subarray(0, NONCE_BYTES);
    let plain: Uint8Array<ArrayBuffer>;
    try {
      const encrypted = sealed.subarray(NONCE_BYTES);
      plain = new Uint8Array(await crypto.subtle.decrypt(this.#algorithm(name, iv), this.#records, encrypted));
    } catch {
      throw damaged(name);
    }
    const start = LENGTH_BYTES + new DataView(plain.buffer).getUint16(0);
    const key = new TextDecoder().decode(plain.subarray(LENGTH_BYTES, start));
    return [key, plain.slice(start)];
  }

  #algorithm(name: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams {
    return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(name) };
  }
}

/** Says what kind of record it is and no more. */
function damaged(name: string): HawserError {
  return new HawserError('VAULT_DAMAGED', `a record of the kind ${name.split('/', 1)[0]}`);
}
