/**
 * The media of one source on this SFT, wherever it comes from: a client's transport or a trunk. A source is one or more
 * renditions, each a producer with some of the layers.
 */
import type { types } from 'mediasoup';

/** One rendition as it enters this SFT: its producer, and the layers of the source that it has. */
export interface Produced {
  readonly layers: readonly number[];
  readonly producer: types.Producer;
}

export class Rendition {
  /** Layers of the source, ascending, in the order of the producer's encodings or spatial layers. */
  readonly layers: readonly number[];
  /** How they are spread over SSRCs where they are sent on: all of VP9 in one, others each in one of its own. */
  readonly streams: readonly (readonly number[])[];
  readonly producer: types.Producer;
  #live: ReadonlySet<number>;

  /** @param onLive called when a layer came alive or fell silent */
  constructor(layers: readonly number[], producer: types.Producer, onLive: () => void) {
    this.layers = layers;
    this.streams = producer.type === 'simulcast' ? layers.map((layer) => [layer]) : [layers];
    this.producer = producer;
    if (producer.type !== 'simulcast') {
      // A consumer of a single encoding cannot leave its layer, and of VP9 it is given no higher one; there is nothing to guard.
      this.#live = new Set(layers);
      return;
    }
    this.#live = this.#liveOf(producer.score);
    producer.on('score', (scores) => {
      const live = this.#liveOf(scores);
      if (live.symmetricDifference(this.#live).size === 0) return;
      this.#live = live;
      onLive();
    });
  }

  /** Layers that carry packets now. */
  get live(): ReadonlySet<number> {
    return this.#live;
  }

  #liveOf(scores: readonly types.ProducerScore[]): Set<number> {
    const live = scores.filter(({ score }) => score > 0);
    return new Set(live.flatMap(({ encodingIdx }) => this.layers[encodingIdx] ?? []));
  }
}

export class SourceMedia {
  /** Those with the lowest layers first. */
  readonly renditions: readonly Rendition[];

  constructor(renditions: readonly Rendition[]) {
    this.renditions = renditions;
  }

  get closed(): boolean {
    return this.renditions.some(({ producer }) => producer.closed);
  }
}
