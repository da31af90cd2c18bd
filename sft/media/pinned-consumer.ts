/** One layer under an SSRC of its own: an encoding of VP8, or a voice. */
import type { types } from 'mediasoup';
import { TrunkStream } from './trunk-stream.ts';

export class PinnedConsumer extends TrunkStream {
  readonly layer: number;
  #wanted = false;
  /** The worker was seen to send another layer under this SSRC; held until the plan says again what lives. */
  #strayed = false;

  /**
   * @param layer of the source
   * @param spatial the same counted among the encodings of the producer
   */
  constructor(consumer: types.Consumer, layer: number, spatial: number, onFault: (error: unknown) => void) {
    super(consumer, [layer], onFault);
    this.layer = layer;
    if (consumer.type === 'simulcast') {
      consumer.on('layerschange', (layers) => {
        if (layers === undefined || layers.spatialLayer === spatial) return;
        this.#strayed = true;
        void this.settle();
      });
    }
  }

  override get strayed(): boolean {
    return this.#wanted && this.#strayed;
  }

  run(layers: ReadonlySet<number>): Promise<void> {
    const wanted = layers.has(this.layer);
    if (wanted === this.#wanted && !this.#strayed) return this.turn;
    this.#wanted = wanted;
    this.#strayed = false;
    return this.settle();
  }

  protected bring(): Promise<void> {
    return this.pauseOrResume(this.#wanted && !this.#strayed);
  }
}
