/** The frames of one stream on their way out of its packets: decrypted where media is encrypted, and in their order. */
import { Queue } from '#mls/queue.ts';
import { clearBytesOf } from '../../sframe/codecs.ts';
import type { ArrivedFrame, IncomingFrames } from '../../sframe/incoming-frames.ts';
import { type TakePacket, takeSound, vp8Frames, type WholeFrame } from './frames.ts';
import type { ParsedHeader } from './rtp.ts';

export interface FrameReceiverOptions {
  /** Of the codec. Of others than VP8 and Opus no frames are given on. */
  readonly mimeType: string;
  /** Absent where media is not encrypted. */
  readonly opening?: IncomingFrames<ArrivedFrame>;
  readonly give: (frame: WholeFrame) => void;
}

export class FrameReceiver {
  readonly #options: FrameReceiverOptions;
  readonly #whole: TakePacket | undefined;
  readonly #queue = new Queue();
  /** RTP timestamp of what was given on last. */
  #newest: number | undefined;

  constructor(options: FrameReceiverOptions) {
    this.#options = options;
    const codec = options.mimeType.toLowerCase();
    if (codec === 'audio/opus') this.#whole = takeSound;
    else if (codec === 'video/vp8') this.#whole = vp8Frames();
  }

  /** A packet that comes the first time. */
  take(header: ParsedHeader, payload: Buffer): void {
    const { mimeType, opening } = this.#options;
    const frame = this.#whole?.(header, payload);
    if (!frame) return;
    if (!opening) return this.#give(frame);
    void this.#queue.run(async () => {
      const arrived = { ...frame, clear: clearBytesOf(mimeType, frame.data) };
      for (const { data, frame } of await opening.take(arrived)) this.#give({ data, timestamp: frame.timestamp });
    });
  }

  /** Of pictures none that is older than the last: a decoder of VP8 cannot go back. Sound that comes late has its place by its time. */
  #give(frame: WholeFrame): void {
    const { mimeType, give } = this.#options;
    const isPicture = mimeType.toLowerCase().startsWith('video/');
    if (isPicture && this.#newest !== undefined && ((frame.timestamp - this.#newest) | 0) < 0) return;
    this.#newest = frame.timestamp;
    give(frame);
  }
}
