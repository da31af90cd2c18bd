/** One layer under an SSRC of its own, all that there is of its producer: a layer of VP8, a screen, or a voice. */
import type { types } from 'mediasoup';
import { TrunkStream } from './trunk-stream.ts';

export class PinnedConsumer extends TrunkStream {
  readonly layer: number;
  #wanted = false;

  constructor(consumer: types.Consumer, layer: number, onFault: (error: unknown) => void) {
    super(consumer, [layer], onFault);
    this.layer = layer;
  }

  run(layers: ReadonlySet<number>): Promise<void> {
    const wanted = layers.has(this.layer);
    if (wanted === this.#wanted) return this.turn;
    this.#wanted = wanted;
    return this.settle();
  }

  protected bring(): Promise<void> {
    return this.pauseOrResume(this.#wanted);
  }
}
