/** One layer under an SSRC of its own: an encoding of VP8, or a voice. */
import type { types } from 'mediasoup';
import { TrunkStream } from './trunk-stream.ts';

/**
 * After three sender reports of each layer mediasoup can pass from one to the other (3.3 s, measured with 3.27.1). Before
 * that, whoever has strayed would stray again.
 */
const AGAIN_MS = 3_500;

export class PinnedConsumer extends TrunkStream {
  readonly layer: number;
  #wanted = false;
  /** The worker was seen to send another layer under this SSRC. */
  #strayed = false;
  #again: ReturnType<typeof setTimeout> | undefined;

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
        clearTimeout(this.#again);
        this.#again = setTimeout(() => this.#tryAgain(), AGAIN_MS);
        void this.settle();
      });
      consumer.observer.once('close', () => clearTimeout(this.#again));
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

  /** Nothing else may happen that makes a new plan, so that a consumer which strayed by chance would stand for ever. */
  #tryAgain(): void {
    this.#strayed = false;
    void this.settle();
  }

  protected bring(): Promise<void> {
    return this.pauseOrResume(this.#wanted && !this.#strayed);
  }
}
