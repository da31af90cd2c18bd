/** Datagrams of a probe: a short head that is signed, and as many zeros as make up the size. Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** `echo` is sent back as `echoed`. */
export const KINDS = ['volley', 'stream', 'echo', 'echoed'] as const;
export type Kind = (typeof KINDS)[number];

export interface Datagram {
  readonly kind: Kind;
  /** Of ports. */
  readonly pair: number;
  readonly number: number;
  /** Bytes of the whole, as sent; what is shorter was cut on the way. */
  readonly size: number;
}

/** No packet of STUN, DTLS, RTP or RTCP begins so (RFC 7983). */
const MAGIC = 0xff48_5750;
const HEAD = 13;
const SIGNATURE = 16;
export const SMALLEST = HEAD + SIGNATURE;

export function encodeDatagram({ kind, pair, number, size }: Datagram, key: Buffer): Buffer {
  const bytes = Buffer.alloc(Math.max(size, SMALLEST));
  bytes.writeUInt32BE(MAGIC);
  bytes.writeUInt8(KINDS.indexOf(kind), 4);
  bytes.writeUInt16BE(pair, 5);
  bytes.writeUInt32BE(number, 7);
  bytes.writeUInt16BE(bytes.length, 11);
  signature(bytes.subarray(0, HEAD), key).copy(bytes, HEAD);
  return bytes;
}

/** Undefined for whatever is none of this probe. */
export function decodeDatagram(bytes: Buffer, key: Buffer): Datagram | undefined {
  if (bytes.length < SMALLEST || bytes.readUInt32BE(0) !== MAGIC) return undefined;
  const given = bytes.subarray(HEAD, SMALLEST);
  if (!timingSafeEqual(given, signature(bytes.subarray(0, HEAD), key))) return undefined;
  const kind = KINDS[bytes.readUInt8(4)];
  const size = bytes.readUInt16BE(11);
  if (kind === undefined || size !== bytes.length) return undefined;
  return { kind, pair: bytes.readUInt16BE(5), number: bytes.readUInt32BE(7), size };
}

function signature(head: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(head).digest().subarray(0, SIGNATURE);
}
