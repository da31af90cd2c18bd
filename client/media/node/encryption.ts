/**
 * The encryption of a call's media on Node: each frame goes through it before it is put into packets, and after it was taken out of them.
 * Nothing is sent, and nothing given on, before there are keys.
 */
import type { ParticipantId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { type Epoch, Epochs } from '../../sframe/epochs.ts';
import { type ArrivedFrame, IncomingFrames, type Refusal } from '../../sframe/incoming-frames.ts';
import { nodeEngine } from '../../sframe/node-engine.ts';
import { OutgoingFrames } from '../../sframe/outgoing-frames.ts';

/** What came and was not given on. */
export interface RefusedFrame {
  readonly participant: ParticipantId;
  readonly kind: SourceKind;
  readonly refusal: Refusal;
}

const now = () => performance.now();

export class NodeEncryption {
  readonly #epochs = new Epochs(nodeEngine, now);
  readonly #onRefused: (refused: RefusedFrame) => void;
  /** One that was given out is never given out again. */
  #encoders = 0;

  constructor(onRefused: (refused: RefusedFrame) => void = () => undefined) {
    this.#onRefused = onRefused;
  }

  /** What is sent with it can be read from now on. */
  addEpoch(epoch: Epoch): void {
    this.#epochs.add(epoch);
  }

  sendWith(number: bigint): void {
    this.#epochs.sendWith(number);
  }

  /** Nothing is sent until `sendWith` is called again. */
  hold(): void {
    this.#epochs.hold();
  }

  /** For the frames of one encoder. */
  outgoing(kind: SourceKind, layer: number): OutgoingFrames {
    return new OutgoingFrames(this.#epochs, { number: this.#encoders++, kind, layer });
  }

  /** For the frames of one source. @param onRefused one was refused, besides being told of */
  incoming(participant: ParticipantId, kind: SourceKind, onRefused: () => void): IncomingFrames<ArrivedFrame> {
    return new IncomingFrames({
      ...{ epochs: this.#epochs, participant, kind, now },
      onRefused: (refusal) => {
        this.#onRefused({ participant, kind, refusal });
        onRefused();
      },
    });
  }
}
