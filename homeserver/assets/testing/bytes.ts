/** For tests: bytes, and streams of them that break off. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64url');
export const someBytes = (size: number): Buffer => randomBytes(size);

export async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

/** In pieces of at most `piece` bytes; fails after `breakAt` bytes as a lost connection does. */
export function streamOf(bytes: Uint8Array, { piece = 65_536, breakAt = Number.POSITIVE_INFINITY } = {}): Readable {
  return Readable.from(
    (async function* () {
      for (let at = 0; at < bytes.length; at += piece) {
        const next = bytes.subarray(at, Math.min(at + piece, breakAt));
        if (next.length > 0) yield Buffer.from(next); // a copy, since whoever reads it uses it up
        if (at + piece >= breakAt) throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
      }
    })(),
    { objectMode: false },
  );
}
