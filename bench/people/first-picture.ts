/** When a stream has shown its first whole key frame of the size that was asked for. Pure but for the time that is given. */
import type { ParsedHeader } from '#client/media/node/rtp.ts';
import { vp8Start } from '#client/media/node/vp8.ts';

export class FirstPicture {
  readonly #width: number;
  /** RTP timestamp of the key frame that is arriving. */
  #arriving: number | undefined;
  /** When it was whole; undefined until then. */
  at: number | undefined;

  /** @param width pixels that a key frame of the wanted layer has */
  constructor(width: number) {
    this.#width = width;
  }

  /** A packet in the order of sending. */
  hear(header: Pick<ParsedHeader, 'timestamp' | 'marker'>, payload: Buffer, now: number): void {
    if (this.at !== undefined) return;
    const start = vp8Start(payload);
    if (start) this.#arriving = start.isKeyFrame && start.width === this.#width ? header.timestamp : undefined;
    if (header.marker && this.#arriving === header.timestamp) this.at = now;
  }
}
