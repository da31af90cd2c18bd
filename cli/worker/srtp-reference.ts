/**
 * SRTP and SRTCP protection written straight from RFC 3711 and RFC 7714 on Node's crypto: slow, short, and made of other code than
 * libsrtp. The vectors of the shim's test come from it; its own test holds it against the RFCs' figures.
 */
import { createCipheriv, createHmac } from 'node:crypto';

export type Suite = 'AES_CM_128_HMAC_SHA1_80' | 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM';

export interface SessionKeys {
  key: Buffer;
  salt: Buffer;
  /** For HMAC-SHA1; unused by the AEAD suites. */
  auth: Buffer;
}

/** RFC 3711 section 4.3.1 and 4.3.2: the labels of the six derived keys. */
const LABELS = { rtp: { key: 0, auth: 1, salt: 2 }, rtcp: { key: 3, auth: 4, salt: 5 } } as const;

/** RFC 3711 section 4.3 with a key derivation rate of 0; RFC 7714 section 11 pads its 12 byte salt with zeros. */
export function deriveKeys(suite: Suite, master: { key: Buffer; salt: Buffer }, kind: 'rtp' | 'rtcp'): SessionKeys {
  const derive = (label: number, length: number): Buffer => {
    const counter = Buffer.alloc(16);
    master.salt.copy(counter);
    counter.writeUInt8(counter.readUInt8(7) ^ label, 7);
    return keystream(master.key, counter, length);
  };
  return {
    key: derive(LABELS[kind].key, suite === 'AEAD_AES_256_GCM' ? 32 : 16),
    auth: derive(LABELS[kind].auth, 20),
    salt: derive(LABELS[kind].salt, suite === 'AES_CM_128_HMAC_SHA1_80' ? 14 : 12),
  };
}

/** Protects one RTP packet with a plain 12 byte header, at rollover counter 0. */
export function protectRtp(suite: Suite, keys: SessionKeys, packet: Buffer): Buffer {
  const header = packet.subarray(0, 12);
  const payload = packet.subarray(12);
  const ssrc = packet.readUInt32BE(8);
  const sequence = packet.readUInt16BE(2);
  if (suite !== 'AES_CM_128_HMAC_SHA1_80') {
    // RFC 7714 section 8.1: two zero bytes, SSRC, rollover counter, sequence number.
    const { text, tag } = seal(keys, gcmNonce(keys.salt, ssrc, 6, sequence), header, payload);
    return Buffer.concat([header, text, tag]);
  }
  const encrypted = Buffer.concat([header, counterMode(keys, ssrc, sequence, payload)]);
  // RFC 3711 section 4.2: the authenticated portion ends with the rollover counter, which is not sent.
  const tag = createHmac('sha1', keys.auth).update(encrypted).update(Buffer.alloc(4)).digest().subarray(0, 10);
  return Buffer.concat([encrypted, tag]);
}

/** Protects one RTCP packet with the given SRTCP index. */
export function protectRtcp(suite: Suite, keys: SessionKeys, packet: Buffer, index: number): Buffer {
  const header = packet.subarray(0, 8);
  const payload = packet.subarray(8);
  const ssrc = packet.readUInt32BE(4);
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32BE((0x80000000 | index) >>> 0);
  if (suite !== 'AES_CM_128_HMAC_SHA1_80') {
    // RFC 7714 section 9: the trailer is authenticated after the header and sent after the tag.
    const associated = Buffer.concat([header, trailer]);
    const { text, tag } = seal(keys, gcmNonce(keys.salt, ssrc, 8, index), associated, payload);
    return Buffer.concat([header, text, tag, trailer]);
  }
  const encrypted = Buffer.concat([header, counterMode(keys, ssrc, index, payload), trailer]);
  const tag = createHmac('sha1', keys.auth).update(encrypted).digest().subarray(0, 10);
  return Buffer.concat([encrypted, tag]);
}

/** RFC 3711 section 4.1.1: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16. */
function counterMode({ key, salt }: SessionKeys, ssrc: number, index: number, text: Buffer): Buffer {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  iv.writeUInt32BE((iv.readUInt32BE(4) ^ ssrc) >>> 0, 4);
  iv.writeUInt32BE((iv.readUInt32BE(10) ^ index) >>> 0, 10);
  return createCipheriv(counterCipher(key), key, iv).update(text);
}

export function keystream(key: Buffer, counter: Buffer, length: number): Buffer {
  return createCipheriv(counterCipher(key), key, counter).update(Buffer.alloc(length));
}

function counterCipher(key: Buffer): string {
  return key.length === 32 ? 'aes-256-ctr' : 'aes-128-ctr';
}

/** `counter` is the packet's own number and ends the nonce: 6 bytes (rollover counter and sequence) or 4 after two zero bytes. */
function gcmNonce(salt: Buffer, ssrc: number, offset: 6 | 8, counter: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(ssrc, 2);
  if (offset === 6) nonce.writeUIntBE(counter, 6, 6);
  else nonce.writeUInt32BE(counter, 8);
  return Buffer.from(nonce.map((byte, i) => byte ^ (salt[i] ?? 0)));
}

function seal({ key }: SessionKeys, nonce: Buffer, associated: Buffer, text: Buffer): { text: Buffer; tag: Buffer } {
  const cipher = createCipheriv(key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm', key, nonce);
  cipher.setAAD(associated);
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return { text: sealed, tag: cipher.getAuthTag() };
}
