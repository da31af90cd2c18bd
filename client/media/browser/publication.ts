/** A source that this browser publishes: one RTCRtpSender for each of its renditions. */
import type { Producer } from 'mediasoup-client/types';
import type { SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { Publication } from '../engine.ts';

/** One rendition on its way out. */
export interface Sent {
  /** The layers of the source in its one encoding. */
  readonly layers: readonly number[];
  readonly producer: Producer;
}

export function publicationOf(
  kind: SourceKind,
  sent: readonly Sent[],
  source: Promise<SourceId>,
): Publication<MediaStreamTrack> {
  let turn: Promise<unknown> = Promise.resolve();
  // One after the other: a sender refuses parameters that were read before the last change.
  const inTurn = (work: () => Promise<unknown>): Promise<void> => {
    const next = turn.then(work);
    turn = next.catch(() => undefined);
    return next.then(() => undefined);
  };
  return {
    kind,
    source,
    async setMuted(muted, media) {
      if (media !== undefined) await Promise.all(sent.map(({ producer }) => producer.replaceTrack({ track: media })));
      for (const { producer } of sent) {
        if (muted) producer.pause();
        else producer.resume();
      }
    },
    setLayers(layers) {
      return inTurn(() => Promise.all(sent.map((each) => activate(each, layers))));
    },
    refresh() {
      if (kind === 'microphone') return Promise.resolve();
      // An encoding begins with such a picture whenever it is switched on.
      return inTurn(async () => {
        const active = sent.filter(isActive);
        await Promise.all(active.map((each) => activate(each, [])));
        await Promise.all(active.map((each) => activate(each, each.layers)));
      });
    },
    close: () => {
      for (const { producer } of sent) producer.close();
    },
  };
}

function isActive({ producer }: Sent): boolean {
  return producer.rtpSender?.getParameters().encodings[0]?.active === true;
}

/** An encoding that is not active is not made, and costs neither processor nor path. Muting does not touch it. */
async function activate({ layers, producer }: Sent, wanted: readonly number[]): Promise<void> {
  const sender = producer.rtpSender;
  if (!sender || producer.closed) return;
  const parameters = sender.getParameters();
  const active = layers.some((layer) => wanted.includes(layer));
  const [encoding] = parameters.encodings;
  if (!encoding || encoding.active === active) return;
  encoding.active = active;
  await sender.setParameters(parameters);
}
