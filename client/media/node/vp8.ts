/** VP8 frames as RTP payloads and back (RFC 7741), and what the first bytes of one tell (RFC 6386, section 9.1). Pure. */

/** Largest RTP packet, header included: what fits through every tunnel, and what browsers take. */
export const MAX_PACKET = 1_200;
const RTP_HEADER = 12;
const DESCRIPTOR = 4;
const MAX_DATA = MAX_PACKET - RTP_HEADER - DESCRIPTOR;

const EXTENDED = 0x80;
const START = 0x10;
const HAS_PICTURE_ID = 0x80;
const LONG = 0x80;

/**
 * The payloads of one frame, all of nearly one size, so that the last is not a short one that is paid for with a whole
 * header. Each carries a picture id of 15 bits and nothing else: there is one temporal layer, and so no TL0PICIDX to count.
 * @param frame of one byte at least
 * @param pictureId the low 15 bits count
 */
export function packetise(frame: Buffer, pictureId: number): Buffer[] {
  const count = Math.ceil(frame.length / MAX_DATA);
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((frame.length * index) / count);
    const data = frame.subarray(from, Math.floor((frame.length * (index + 1)) / count));
    const payload = Buffer.allocUnsafe(DESCRIPTOR + data.length);
    payload[0] = EXTENDED | (index === 0 ? START : 0); // partition 0 throughout, as libwebrtc does
    payload[1] = HAS_PICTURE_ID;
    payload.writeUInt16BE((LONG << 8) | (pictureId & 0x7fff), 2);
    data.copy(payload, DESCRIPTOR);
    return payload;
  });
}

export interface Vp8Payload {
  readonly isStart: boolean;
  readonly pictureId: number | undefined;
  readonly data: Buffer;
}

/** Undefined where the payload ends inside its descriptor. */
export function parsePayload(payload: Buffer): Vp8Payload | undefined {
  const first = payload[0] ?? 0;
  let at = 1;
  let pictureId: number | undefined;
  if (first & EXTENDED) {
    const flags = payload[at++] ?? 0;
    if (flags & HAS_PICTURE_ID) {
      const long = ((payload[at] ?? 0) & LONG) !== 0;
      if (payload.length < at + 2) return undefined;
      pictureId = long ? payload.readUInt16BE(at) & 0x7fff : (payload[at] ?? 0) & 0x7f;
      at += long ? 2 : 1;
    }
    if (flags & 0x40) at += 1;
    if (flags & 0x30) at += 1;
  }
  if (payload.length <= at) return undefined;
  return { isStart: (first & START) !== 0 && (first & 0x07) === 0, pictureId, data: payload.subarray(at) };
}

export interface Vp8Start {
  readonly isKeyFrame: boolean;
  /** Of a key frame only. */
  readonly width?: number;
  readonly height?: number;
}

/** Undefined where the packet is not the first of a frame. */
export function vp8Start(payload: Buffer): Vp8Start | undefined {
  const parsed = parsePayload(payload);
  if (!parsed?.isStart) return undefined;
  const { data } = parsed;
  if ((data[0] ?? 0) & 0x01) return { isKeyFrame: false };
  if (data.length < 10) return { isKeyFrame: true };
  return { isKeyFrame: true, width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff };
}
