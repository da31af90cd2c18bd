/**
 * All layers of a VP9 source under one SSRC, capped at the highest that is wanted. A cap can only cut from above, because each
 * layer builds on those below it. It is lowered when the far side has released the layer, by when its viewers have left it:
 * a viewer from under whom a layer is taken counts as one with a weak path and is given no better picture for 10 s
 * (`BweDowngradeConservativeMs` of mediasoup 3.27.1).
 */
import { TrunkStream } from './trunk-stream.ts';

export class CappedConsumer extends TrunkStream {
  /** Index of the highest wanted layer; undefined while none is. */
  #cap: number | undefined;

  run(layers: ReadonlySet<number>): Promise<void> {
    const highest = this.layers.findLastIndex((layer) => layers.has(layer));
    const cap = highest < 0 ? undefined : highest;
    if (cap === this.#cap) return this.turn;
    this.#cap = cap;
    return this.settle();
  }

  get layer(): number {
    return this.layers[this.consumer.currentLayers?.spatialLayer ?? 0] ?? 0;
  }

  protected async bring(): Promise<void> {
    const cap = this.#cap;
    // The cap before the flow: a stream that begins does so with the layers that are wanted.
    if (cap !== undefined && this.consumer.preferredLayers?.spatialLayer !== cap) {
      await this.consumer.setPreferredLayers({ spatialLayer: cap, temporalLayer: 2 });
    }
    await this.pauseOrResume(cap !== undefined);
  }
}
