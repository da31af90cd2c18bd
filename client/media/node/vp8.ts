/** What the first bytes of a VP8 payload tell (RFC 7741, sections 4.2 and 4.3; RFC 6386, section 9.1). Pure. */
export interface Vp8Start {
  readonly isKeyFrame: boolean;
  /** Of a key frame only. */
  readonly width?: number;
  readonly height?: number;
}

/** Undefined where the packet is not the first of a frame. */
export function vp8Start(payload: Buffer): Vp8Start | undefined {
  const first = payload[0] ?? 0;
  if ((first & 0x10) === 0 || (first & 0x07) !== 0) return undefined;
  let at = 1;
  if (first & 0x80) {
    const flags = payload[1] ?? 0;
    at = 2;
    if (flags & 0x80) at += (payload[at] ?? 0) & 0x80 ? 2 : 1; // picture id
    if (flags & 0x40) at += 1; // TL0PICIDX
    if (flags & 0x30) at += 1; // temporal layer, key index
  }
  const frame = payload[at];
  if (frame === undefined) return undefined;
  if (frame & 0x01) return { isKeyFrame: false };
  if (payload.length < at + 10) return { isKeyFrame: true };
  return {
    isKeyFrame: true,
    width: payload.readUInt16LE(at + 6) & 0x3fff,
    height: payload.readUInt16LE(at + 8) & 0x3fff,
  };
}
