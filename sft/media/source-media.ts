/** The media of one source on this SFT, wherever it comes from: a client's transport or a trunk. */
import type { types } from 'mediasoup';

export class SourceMedia {
  readonly producer: types.Producer;
  /** Layers that carry packets now. */
  #live: ReadonlySet<number>;

  /** @param onLive called when a layer came alive or fell silent */
  constructor(producer: types.Producer, onLive: () => void) {
    this.producer = producer;
    if (producer.type !== 'simulcast') {
      // A consumer of a single encoding cannot leave its layer; there is nothing to guard.
      this.#live = new Set([0]);
      return;
    }
    this.#live = liveLayers(producer.score);
    producer.on('score', (scores) => {
      const live = liveLayers(scores);
      if (live.symmetricDifference(this.#live).size === 0) return;
      this.#live = live;
      onLive();
    });
  }

  get live(): ReadonlySet<number> {
    return this.#live;
  }
}

function liveLayers(scores: readonly types.ProducerScore[]): Set<number> {
  return new Set(scores.filter(({ score }) => score > 0).map(({ encodingIdx }) => encodingIdx));
}
