/** For tests: the Node engine, describing its pictures to the SFT as others than they are. */
import type { RtpParameters } from '#signalling/webrtc.ts';
import type { MediaOffer, MediaSignalling } from '../media/engine.ts';
import { NodeEngine } from '../media/node/engine.ts';

class DescribingEngine extends NodeEngine {
  readonly #describe: (parameters: RtpParameters) => RtpParameters;

  constructor(describe: (parameters: RtpParameters) => RtpParameters) {
    super();
    this.#describe = describe;
  }

  override start(offer: MediaOffer, signalling: MediaSignalling) {
    return super.start(offer, {
      ...signalling,
      publish: (kind, parameters, muted) => signalling.publish(kind, this.#describe(parameters), muted),
    });
  }
}

/** Its pictures are one encoding of that codec, by its word. */
export function describing(mimeType: string, payloadType: number, rtx: number, scalabilityMode: string): NodeEngine {
  return new DescribingEngine((parameters) => {
    const { codecs, encodings = [], ...rest } = parameters;
    const [picture, repair] = codecs;
    if (!picture || !repair) return parameters; // a voice
    return {
      ...rest,
      codecs: [
        { ...picture, mimeType, payloadType },
        { ...repair, payloadType: rtx, parameters: { apt: payloadType } },
      ],
      encodings: encodings.slice(0, 1).map((each) => ({ ...each, scalabilityMode })),
    };
  });
}
