/** The frames of one encoder on their way into packets, in their order. */
import { Queue } from '#mls/queue.ts';
import { isVideo, type SourceKind } from '#signalling/media-profile.ts';
import { clearBytesOf } from '../../sframe/codecs.ts';
import type { OutgoingFrames } from '../../sframe/outgoing-frames.ts';
import type { NodeFrame, NodePacket } from './publication.ts';
import { packetise } from './vp8.ts';

export class FrameSender {
  readonly #isVideo: boolean;
  readonly #sealing: OutgoingFrames | undefined;
  readonly #queue = new Queue();
  #pictures = 0;

  /** @param sealing absent where media is not encrypted */
  constructor(kind: SourceKind, sealing: OutgoingFrames | undefined) {
    this.#isVideo = isVideo(kind);
    this.#sealing = sealing;
  }

  /** Undefined where it must not be sent. */
  packetsOf(frame: NodeFrame): Promise<readonly NodePacket[] | undefined> {
    return this.#queue.run(async () => {
      const id = this.#pictures;
      if (this.#isVideo) this.#pictures += 1;
      const data = this.#sealing ? await this.#seal(this.#sealing, frame, id) : frame.data;
      if (!data) return undefined;
      const { layer = 0, timestamp, audioLevel, isFirst = false } = frame;
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (!this.#isVideo) {
        const loudness = audioLevel !== undefined && { audioLevel };
        return [{ layer, payload: bytes, timestamp, marker: isFirst, ...loudness }];
      }
      const payloads = packetise(bytes, id);
      return payloads.map((payload, at) => ({ layer, payload, timestamp, marker: at === payloads.length - 1 }));
    });
  }

  #seal(sealing: OutgoingFrames, { data, isKey = false }: NodeFrame, id: number): Promise<Uint8Array | undefined> {
    if (!this.#isVideo) return sealing.seal({ data, clear: clearBytesOf('audio/opus', data) });
    const picture = { id, references: isKey ? [] : [id - 1] };
    return sealing.seal({ data, clear: clearBytesOf('video/vp8', data), picture });
  }
}
