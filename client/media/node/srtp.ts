/**
 * SRTP and SRTCP with AEAD_AES_128_GCM (RFC 7714) on node:crypto. werift's own does the same in 27 µs a packet of 1,100
 * bytes where this needs 6 (two cores of 2.1 GHz); a load test of twenty people moves ten thousand packets a second.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';

export const KEY_LENGTH = 16;
export const SALT_LENGTH = 12;
/** DTLS-SRTP protection profile (RFC 7714, section 14.2). */
export const AEAD_AES_128_GCM = 0x0007;

const TAG_LENGTH = 16;
const INDEX_LENGTH = 4;
const RTCP_HEADER = 8;
const SEQUENCE = 0x1_0000;
const ENCRYPTED = 0x8000_0000;

export interface MasterKey {
  readonly key: Buffer;
  readonly salt: Buffer;
}

/** What protects packets; made of the master key by `deriveKeys`. */
export interface SessionKeys {
  readonly rtp: KeyObject;
  readonly rtpSalt: Buffer;
  readonly rtcp: KeyObject;
  readonly rtcpSalt: Buffer;
}

/** The key derivation of RFC 3711, section 4.3, with a derivation rate of zero. */
export function deriveKeys({ key, salt }: MasterKey): SessionKeys {
  const derive = (label: number, length: number) => {
    // A 96-bit salt is padded on the right to the 112 bits of the key derivation (RFC 7714, section 11).
    const counter = Buffer.alloc(16);
    salt.copy(counter);
    counter[7] = (counter[7] ?? 0) ^ label;
    const cipher = createCipheriv('aes-128-ctr', key, counter);
    return cipher.update(Buffer.alloc(length));
  };
  return {
    rtp: createSecretKey(derive(0, KEY_LENGTH)),
    rtpSalt: derive(2, SALT_LENGTH),
    rtcp: createSecretKey(derive(3, KEY_LENGTH)),
    rtcpSalt: derive(5, SALT_LENGTH),
  };
}

/** Counts how often the 16-bit sequence number of a stream has begun anew (RFC 3711, section 3.3.1). */
class Rollover {
  #count = 0;
  #highest: number | undefined;

  /** The count that belongs to this number; `accept` it once the packet proved genuine. */
  guess(sequence: number): number {
    if (this.#highest === undefined) return this.#count;
    const distance = sequence - this.#highest;
    if (distance < -SEQUENCE / 2) return this.#count + 1;
    if (distance > SEQUENCE / 2 && this.#count > 0) return this.#count - 1;
    return this.#count;
  }

  accept(sequence: number, count: number): void {
    if (this.#highest === undefined || count > this.#count || (count === this.#count && sequence > this.#highest)) {
      this.#highest = sequence;
      this.#count = count;
    }
  }
}

/** Protects what is sent. */
export class SrtpSender {
  readonly #keys: SessionKeys;
  readonly #rollovers = new Map<number, Rollover>();
  readonly #iv = Buffer.alloc(12);
  #rtcpIndex = 0;

  constructor(keys: SessionKeys) {
    this.#keys = keys;
  }

  /** @param header of the packet, with its extension; its sequence numbers must ascend for each SSRC */
  protectRtp(header: Buffer, payload: Buffer): Buffer {
    const ssrc = header.readUInt32BE(8);
    const sequence = header.readUInt16BE(2);
    const rollover = rolloverOf(this.#rollovers, ssrc);
    const count = rollover.guess(sequence);
    rollover.accept(sequence, count);
    rtpIv(this.#iv, this.#keys.rtpSalt, ssrc, count, sequence);
    const cipher = createCipheriv('aes-128-gcm', this.#keys.rtp, this.#iv);
    cipher.setAAD(header);
    const sealed = cipher.update(payload);
    cipher.final();
    return Buffer.concat([header, sealed, cipher.getAuthTag()]);
  }

  protectRtcp(packet: Buffer): Buffer {
    const index = this.#rtcpIndex;
    this.#rtcpIndex = (this.#rtcpIndex + 1) % ENCRYPTED;
    const trailer = Buffer.alloc(INDEX_LENGTH);
    trailer.writeUInt32BE(ENCRYPTED + index);
    rtcpIv(this.#iv, this.#keys.rtcpSalt, packet.readUInt32BE(4), index);
    const header = packet.subarray(0, RTCP_HEADER);
    const cipher = createCipheriv('aes-128-gcm', this.#keys.rtcp, this.#iv);
    cipher.setAAD(Buffer.concat([header, trailer]));
    const sealed = cipher.update(packet.subarray(RTCP_HEADER));
    cipher.final();
    return Buffer.concat([header, sealed, cipher.getAuthTag(), trailer]);
  }
}

/** Opens what is received; whatever was not protected by the other side is undefined. */
export class SrtpReceiver {
  readonly #keys: SessionKeys;
  readonly #rollovers = new Map<number, Rollover>();
  readonly #iv = Buffer.alloc(12);

  constructor(keys: SessionKeys) {
    this.#keys = keys;
  }

  /** @param headerLength with contributing sources and extension. @returns the payload */
  openRtp(packet: Buffer, headerLength: number): Buffer | undefined {
    const end = packet.length - TAG_LENGTH;
    if (end < headerLength) return undefined;
    const ssrc = packet.readUInt32BE(8);
    const sequence = packet.readUInt16BE(2);
    const known = this.#rollovers.get(ssrc);
    const count = known?.guess(sequence) ?? 0;
    rtpIv(this.#iv, this.#keys.rtpSalt, ssrc, count, sequence);
    const decipher = createDecipheriv('aes-128-gcm', this.#keys.rtp, this.#iv);
    decipher.setAAD(packet.subarray(0, headerLength));
    decipher.setAuthTag(packet.subarray(end));
    const payload = decipher.update(packet.subarray(headerLength, end));
    if (!isGenuine(decipher)) return undefined;
    // Only a genuine packet makes a stream known, so that forged ones cannot fill the table.
    (known ?? rolloverOf(this.#rollovers, ssrc)).accept(sequence, count);
    return payload;
  }

  openRtcp(packet: Buffer): Buffer | undefined {
    const end = packet.length - INDEX_LENGTH;
    if (end < RTCP_HEADER + TAG_LENGTH) return undefined;
    const trailer = packet.subarray(end);
    const index = trailer.readUInt32BE(0);
    if (index < ENCRYPTED) return undefined; // clear-text SRTCP is never negotiated here
    rtcpIv(this.#iv, this.#keys.rtcpSalt, packet.readUInt32BE(4), index - ENCRYPTED);
    const header = packet.subarray(0, RTCP_HEADER);
    const decipher = createDecipheriv('aes-128-gcm', this.#keys.rtcp, this.#iv);
    decipher.setAAD(Buffer.concat([header, trailer]));
    decipher.setAuthTag(packet.subarray(end - TAG_LENGTH, end));
    const body = decipher.update(packet.subarray(RTCP_HEADER, end - TAG_LENGTH));
    return isGenuine(decipher) ? Buffer.concat([header, body]) : undefined;
  }
}

function isGenuine(decipher: { final(): Buffer }): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}

function rolloverOf(rollovers: Map<number, Rollover>, ssrc: number): Rollover {
  const known = rollovers.get(ssrc) ?? new Rollover();
  rollovers.set(ssrc, known);
  return known;
}

/** RFC 7714, section 8.1: 00 00, SSRC, rollover counter, sequence number; combined with the salt. */
function rtpIv(iv: Buffer, salt: Buffer, ssrc: number, rollover: number, sequence: number): void {
  iv.writeUInt16BE(0, 0);
  iv.writeUInt32BE(ssrc, 2);
  iv.writeUInt32BE(rollover, 6);
  iv.writeUInt16BE(sequence, 10);
  combine(iv, salt);
}

/** RFC 7714, section 9.1: 00 00, SSRC, 00 00, SRTCP index; combined with the salt. */
function rtcpIv(iv: Buffer, salt: Buffer, ssrc: number, index: number): void {
  iv.writeUInt16BE(0, 0);
  iv.writeUInt32BE(ssrc, 2);
  iv.writeUInt16BE(0, 6);
  iv.writeUInt32BE(index, 8);
  combine(iv, salt);
}

function combine(iv: Buffer, salt: Buffer): void {
  for (let i = 0; i < SALT_LENGTH; i++) iv[i] = (iv[i] ?? 0) ^ (salt[i] ?? 0);
}
