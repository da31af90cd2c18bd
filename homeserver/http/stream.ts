/** Bytes as an answer: piece by piece, as fast as whoever gets them takes them. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HawserError } from '#signalling/errors.ts';
import { release } from '../assets/release.ts';
import type { ByteRange } from '../assets/store.ts';

/** Whatever is in a file, no browser may show or run it in the name of this server. */
export const INERT = {
  'content-type': 'application/octet-stream',
  'content-disposition': 'attachment',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'accept-ranges': 'bytes',
  // An id names the same bytes for ever; only the device that fetched them may keep them.
  'cache-control': 'private, max-age=31536000, immutable',
} as const;

export interface Piece {
  /** Of the whole file, bytes. */
  readonly size: number;
  readonly range: ByteRange;
  readonly isWhole: boolean;
  /** Destroyed where nobody wants them any more. */
  readonly bytes: Readable;
}

/**
 * Resolves when all is sent, or when somebody went away.
 * @param idleMs an answer of which nothing is taken for so long is ended
 * @throws HawserError SIG_CLOSED where nobody was there any more
 */
export async function sendPiece(
  { size, range, isWhole, bytes }: Piece,
  request: FastifyRequest,
  reply: FastifyReply,
  idleMs: number,
): Promise<void> {
  // Whoever went away meanwhile has nobody left who would close the file.
  if (reply.raw.destroyed) {
    bytes.destroy();
    throw new HawserError('SIG_CLOSED');
  }
  reply.headers(INERT).header('content-length', range.to - range.from + 1);
  if (!isWhole) reply.status(206).header('content-range', `bytes ${range.from}-${range.to}/${size}`);
  reply.raw.setTimeout(idleMs);
  reply.hijack();
  const gone = () => void bytes.destroy();
  reply.raw.once('close', gone);
  await stream(bytes, reply).catch((error: unknown) => {
    // Too late for a refusal: the other side sees an answer that breaks off, and asks for the rest.
    reply.raw.destroy();
    if (!reply.raw.closed && !isBrokenOff(error)) request.log.error({ err: error }, 'fault');
  });
}

/** The next is read when this one has left, so that a slow client holds two of them and no more. */
async function stream(bytes: Readable, reply: FastifyReply): Promise<void> {
  const { raw } = reply;
  raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders);
  for await (const piece of bytes) {
    await new Promise<void>((resolve, reject) => {
      const gone = () => reject(new HawserError('SIG_CLOSED'));
      raw.once('close', gone);
      raw.write(piece, (error) => {
        raw.off('close', gone);
        if (error) gone();
        else resolve();
      });
    });
    release(piece);
  }
  raw.end();
}

/** One of the two connections ended: nobody's fault here. */
function isBrokenOff(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return error instanceof HawserError || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
