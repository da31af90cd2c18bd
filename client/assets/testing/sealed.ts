/** For tests: seals and opens whole files in memory, by the parts that uploads and downloads are made of. */
import { SEALED, sealedSize } from '#signalling/assets.ts';
import { DeviceError } from '../../failure.ts';
import type { Bytes } from '../base64url.ts';
import { planUpload, sealedPieces } from '../plan.ts';
import { boundsOf, chunksOf, prefixOf, Sealer } from '../seal.ts';

export async function sealFile(plain: Bytes): Promise<{ key: string; sealed: Bytes }> {
  const plan = await planUpload(new Blob([plain]), { name: 'x', contentType: 'text/plain' });
  const pieces: Bytes[] = [];
  for await (const piece of sealedPieces(plan)) pieces.push(piece);
  return { key: plan.record.key, sealed: new Uint8Array(await new Blob(pieces).arrayBuffer()) };
}

/** What a reader hands out before it finds out, and whether it found out. */
export async function openFile(
  key: Bytes,
  size: number,
  sealed: Bytes,
): Promise<{ chunks: Bytes[]; isDamaged: boolean }> {
  const chunks: Bytes[] = [];
  try {
    if (sealed.length !== sealedSize(size)) throw new DeviceError('FILE_DAMAGED');
    const sealer = await Sealer.create(key, prefixOf(sealed.slice(0, SEALED.header)));
    const count = chunksOf(size);
    let at: number = SEALED.header;
    for (let index = 0; index < count; index++) {
      const { from, to } = boundsOf(size, index);
      const end = at + to - from + SEALED.tag;
      chunks.push(await sealer.open(index, index === count - 1, sealed.slice(at, end)));
      at = end;
    }
    return { chunks, isDamaged: false };
  } catch (error) {
    if (error instanceof DeviceError && error.code === 'FILE_DAMAGED') return { chunks, isDamaged: true };
    throw error;
  }
}
