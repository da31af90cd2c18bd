/** For tests: the Node engine, describing its pictures to the SFT as others than they are. */
import type { PublishedRendition } from '#signalling/client-sft.ts';
import type { MediaOffer, MediaSignalling } from '../media/engine.ts';
import { NodeEngine } from '../media/node/engine.ts';

class DescribingEngine extends NodeEngine {
  readonly #describe: (renditions: PublishedRendition[]) => PublishedRendition[];

  constructor(describe: (renditions: PublishedRendition[]) => PublishedRendition[]) {
    super();
    this.#describe = describe;
  }

  override start(offer: MediaOffer, signalling: MediaSignalling) {
    return super.start(offer, {
      ...signalling,
      publish: (kind, renditions, muted) => signalling.publish(kind, this.#describe(renditions), muted),
    });
  }
}

/** Its pictures are one encoding of that codec, by its word. */
export function describing(mimeType: string, payloadType: number, rtx: number, scalabilityMode: string): NodeEngine {
  const layers = scalabilityMode.startsWith('L3') ? [0, 1, 2] : [0];
  return new DescribingEngine((renditions) => {
    const { codecs, encodings = [], ...rest } = renditions[0]?.rtpParameters ?? { codecs: [] };
    const [picture, repair] = codecs;
    if (!picture || !repair) return renditions; // a voice
    const rtpParameters = {
      ...rest,
      codecs: [
        { ...picture, mimeType, payloadType },
        { ...repair, payloadType: rtx, parameters: { apt: payloadType } },
      ],
      encodings: encodings.slice(0, 1).map((each) => ({ ...each, scalabilityMode })),
    };
    return [{ layers, rtpParameters }];
  });
}
