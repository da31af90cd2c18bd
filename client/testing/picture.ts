/** A frame of VP8 as far as anybody looks at it: whether it is a key frame, its size, and words. */
export function pictureOf(isKey: boolean, words: string): Uint8Array {
  const head = Buffer.alloc(isKey ? 10 : 3);
  head[0] = isKey ? 0 : 1;
  if (isKey) head.set([0x9d, 0x01, 0x2a], 3);
  if (isKey) head.writeUInt16LE(320, 6);
  if (isKey) head.writeUInt16LE(180, 8);
  return Buffer.concat([head, Buffer.from(words.padEnd(700, '.'))]);
}
