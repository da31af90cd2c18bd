/** STUN messages (RFC 8489) with the attributes of TURN (RFC 8656) and ICE (RFC 8445): bytes in, a message out, and back. Pure. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { crc32 } from 'node:zlib';

export const METHODS = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  permit: 0x008,
} as const;
export type Method = keyof typeof METHODS;

/** RFC 8489, section 5. */
const CLASSES = { request: 0x000, indication: 0x010, success: 0x100, error: 0x110 } as const;
export type MessageClass = keyof typeof CLASSES;

export const ATTRIBUTES = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  peerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  relayedAddress: 0x0016,
  requestedFamily: 0x0017,
  requestedTransport: 0x0019,
  mappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlling: 0x802a,
} as const;
export type Attribute = keyof typeof ATTRIBUTES;

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export interface StunMessage {
  readonly method: Method;
  readonly class: MessageClass;
  /** 12 bytes. */
  readonly transaction: Buffer;
  readonly attributes: ReadonlyMap<Attribute, Buffer>;
}

const COOKIE = 0x2112a442;
const HEADER = 20;
const INTEGRITY = 24;
const FINGERPRINT = 8;
const FINGERPRINT_XOR = 0x5354554e;

/** The key of long-term credentials (RFC 8489, section 9.2.2), as coturn and browsers know it. */
export function longTermKey(username: string, realm: string, password: string): Buffer {
  return createHash('md5').update(`${username}:${realm}:${password}`).digest();
}

/** @param key with it the message is signed (MESSAGE-INTEGRITY) */
export function encodeStun(message: StunMessage, key?: Buffer): Buffer {
  const body = [...message.attributes].map(([name, value]) => attribute(name, value));
  const length = body.reduce((sum, each) => sum + each.length, 0);
  const type = METHODS[message.method] | CLASSES[message.class];
  let bytes = Buffer.concat([header(type, length, message.transaction), ...body]);
  if (key) {
    bytes.writeUInt16BE(length + INTEGRITY, 2);
    const signature = createHmac('sha1', key).update(bytes).digest();
    bytes = Buffer.concat([bytes, attribute('messageIntegrity', signature)]);
  }
  bytes.writeUInt16BE(bytes.length - HEADER + FINGERPRINT, 2);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((crc32(bytes) ^ FINGERPRINT_XOR) >>> 0);
  return Buffer.concat([bytes, attribute('fingerprint', sum)]);
}

/** @returns undefined for whatever is no whole STUN message that is known here */
export function decodeStun(bytes: Buffer): StunMessage | undefined {
  if (bytes.length < HEADER || bytes.readUInt32BE(4) !== COOKIE) return undefined;
  const type = bytes.readUInt16BE(0);
  if (stunLength(bytes) !== bytes.length) return undefined;
  const method = keyWith(METHODS, type & ~0x110);
  const messageClass = keyWith(CLASSES, type & 0x110);
  if (method === undefined || messageClass === undefined) return undefined;
  const attributes = new Map<Attribute, Buffer>();
  for (let at = HEADER; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    if (at + 4 + length > bytes.length) return undefined;
    const name = keyWith(ATTRIBUTES, bytes.readUInt16BE(at));
    if (name !== undefined && !attributes.has(name)) attributes.set(name, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + padded(length);
  }
  return { method, class: messageClass, transaction: bytes.subarray(8, HEADER), attributes };
}

/** Of the message that begins with these bytes, for a stream; undefined while the header is not whole. */
export function stunLength(bytes: Buffer): number | undefined {
  return bytes.length < HEADER ? undefined : HEADER + bytes.readUInt16BE(2);
}

/** Whether a whole message was signed with the key. */
export function isSignedWith(bytes: Buffer, key: Buffer): boolean {
  for (let at = HEADER; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    if (bytes.readUInt16BE(at) === ATTRIBUTES.messageIntegrity && length === INTEGRITY - 4) {
      const signed = Buffer.from(bytes.subarray(0, at));
      signed.writeUInt16BE(at - HEADER + INTEGRITY, 2);
      const given = bytes.subarray(at + 4, at + 4 + length);
      return given.length === length && timingSafeEqual(given, createHmac('sha1', key).update(signed).digest());
    }
    at += 4 + padded(length);
  }
  return false;
}

/** XOR-MAPPED-ADDRESS and its kin (RFC 8489, section 14.2). */
export function encodeAddress({ ip, port }: Endpoint, transaction: Buffer): Buffer {
  const address = addressBytes(ip);
  const mask = maskOf(transaction);
  const value = Buffer.alloc(4 + address.length);
  value[1] = address.length === 4 ? 1 : 2;
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  for (const [index, byte] of address.entries()) value[4 + index] = byte ^ (mask[index] ?? 0);
  return value;
}

export function decodeAddress(value: Buffer | undefined, transaction: Buffer): Endpoint | undefined {
  if (!value || (value.length !== 8 && value.length !== 20)) return undefined;
  const mask = maskOf(transaction);
  const bytes = value.subarray(4).map((byte, index) => byte ^ (mask[index] ?? 0));
  const port = value.readUInt16BE(2) ^ (COOKIE >>> 16);
  if (bytes.length === 4) return { ip: bytes.join('.'), port };
  const groups = Array.from({ length: 8 }, (_, index) =>
    Buffer.from(bytes)
      .readUInt16BE(index * 2)
      .toString(16),
  );
  return { ip: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), port };
}

/** Code and reason of an error answer (RFC 8489, section 14.8). */
export function decodeError(value: Buffer | undefined): { readonly code: number; readonly reason: string } {
  if (!value || value.length < 4) return { code: 0, reason: '' };
  // Coturn fills the reason up with zeros.
  const reason = value.subarray(4, 132).toString('utf8').replace(/\0+$/, '');
  return { code: ((value[2] ?? 0) & 7) * 100 + (value[3] ?? 0), reason };
}

function addressBytes(ip: string): Uint8Array {
  if (isIPv4(ip)) return Uint8Array.from(ip.split('.'), Number);
  // The URL parser knows every way in which an IPv6 address can be written, and writes it without dots.
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::');
  const words = (text: string | undefined) => (text ? text.split(':').map((word) => Number.parseInt(word, 16)) : []);
  const [first, last] = [words(head), words(tail)];
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

function maskOf(transaction: Buffer): Buffer {
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(COOKIE);
  transaction.copy(mask, 4);
  return mask;
}

function header(type: number, length: number, transaction: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt16BE(type);
  bytes.writeUInt16BE(length, 2);
  bytes.writeUInt32BE(COOKIE, 4);
  transaction.copy(bytes, 8);
  return bytes;
}

function attribute(name: Attribute, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16BE(ATTRIBUTES[name]);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function keyWith<K extends string>(table: Readonly<Record<K, number>>, value: number): K | undefined {
  for (const key in table) if (table[key] === value) return key;
  return undefined;
}
