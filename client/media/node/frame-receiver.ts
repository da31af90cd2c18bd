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

  constructor(options: FrameReceiverOptions) {
    this.#options = options;
    const codec = options.mimeType.toLowerCase();
    if (codec === 'audio/opus') this.#whole = takeSound;
    else if (codec === 'video/vp8') this.#whole = vp8Frames();
  }

  /** A packet that comes the first time. */
  take(header: ParsedHeader, payload: Buffer): void {
    const { mimeType, opening, give } = this.#options;
    const frame = this.#whole?.(header, payload);
    if (!frame) return;
    if (!opening) return give(frame);
    void this.#queue.run(async () => {
      const arrived = { ...frame, clear: clearBytesOf(mimeType, frame.data) };
      for (const shown of await opening.take(arrived)) give({ data: shown.data, timestamp: shown.frame.timestamp });
    });
  }
}
