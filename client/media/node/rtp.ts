/** RTP headers (RFC 3550, section 5.1) as far as the engine needs them, and the one-byte extensions of RFC 8285. Pure. */
export interface RtpHeader {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
}

export interface Extension {
  /** 1 to 14. */
  readonly id: number;
  /** 1 to 16 bytes. */
  readonly value: Buffer;
}

export interface ParsedHeader extends RtpHeader {
  /** Bytes with contributing sources and extension. */
  readonly length: number;
  readonly hasPadding: boolean;
}

const FIXED = 12;
const VERSION = 0x80;
const ONE_BYTE_PROFILE = 0xbede;

export function writeHeader(header: RtpHeader, extensions: readonly Extension[] = []): Buffer {
  const body = extensions.reduce((length, { value }) => length + 1 + value.length, 0);
  const words = Math.ceil(body / 4);
  const buffer = Buffer.alloc(body === 0 ? FIXED : FIXED + 4 + words * 4);
  buffer[0] = VERSION | (body === 0 ? 0 : 0x10);
  buffer[1] = (header.marker ? 0x80 : 0) | header.payloadType;
  buffer.writeUInt16BE(header.sequence, 2);
  buffer.writeUInt32BE(header.timestamp >>> 0, 4);
  buffer.writeUInt32BE(header.ssrc, 8);
  if (body === 0) return buffer;
  buffer.writeUInt16BE(ONE_BYTE_PROFILE, FIXED);
  buffer.writeUInt16BE(words, FIXED + 2);
  let at = FIXED + 4;
  for (const { id, value } of extensions) {
    buffer[at] = (id << 4) | (value.length - 1);
    value.copy(buffer, at + 1);
    at += 1 + value.length;
  }
  return buffer;
}

/** Undefined where the bytes are no RTP packet. */
export function parseHeader(packet: Buffer): ParsedHeader | undefined {
  const first = packet[0] ?? 0;
  if (packet.length < FIXED || (first & 0xc0) !== VERSION) return undefined;
  let length = FIXED + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (packet.length < length + 4) return undefined;
    length += 4 + packet.readUInt16BE(length + 2) * 4;
  }
  if (packet.length < length) return undefined;
  const second = packet[1] ?? 0;
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    length,
    hasPadding: (first & 0x20) !== 0,
  };
}

/** Whether these bytes are RTP or RTCP and not STUN or DTLS (RFC 7983, section 7). */
export function isMedia(packet: Buffer): boolean {
  const first = packet[0] ?? 0;
  return first >= 128 && first <= 191;
}

/** RTCP by its packet types 192 to 223, which no payload type of ours can look like (RFC 5761, section 4). */
export function isRtcp(packet: Buffer): boolean {
  const second = packet[1] ?? 0;
  return second >= 192 && second <= 223;
}

/** Distance from one 16-bit sequence number to another, -32768 to 32767. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from + 0x18000) & 0xffff) - 0x8000;
}
