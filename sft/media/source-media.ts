/**
 * The media of one source on this SFT, wherever it comes from: a client's transport or a trunk. A source is one or more
 * renditions, each a producer of its own; see `renditionsOf`.
 */
import type { types } from 'mediasoup';

/** One rendition as it enters this SFT: its producer, and the layers of the source that it has. */
export interface Produced {
  readonly layers: readonly number[];
  readonly producer: types.Producer;
}

export class Rendition {
  /** Layers of the source, ascending: one of VP8, in the order of the spatial layers all of VP9. */
  readonly layers: readonly number[];
  readonly producer: types.Producer;

  /** @param onLive called when packets of it began to come */
  constructor({ layers, producer }: Produced, onLive: () => void) {
    this.layers = layers;
    this.producer = producer;
    let live = isLive(producer.score);
    producer.on('score', (scores) => {
      const before = live;
      live = isLive(scores);
      if (live && !before) onLive();
    });
  }
}

/** A stream of score 0 has sent nothing for 1.5 s. */
function isLive(scores: readonly types.ProducerScore[]): boolean {
  return scores.some(({ score }) => score > 0);
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
