/// <reference lib="webworker" />
/**
 * In a worker of a browser: encrypts what the encoders make, and decrypts what comes before it reaches the decoders. The page hands
 * in keys and is told what was refused; frames never reach it.
 */
import { afterSealing, beforeOpening, beforeSealing } from './codecs.ts';
import { Epochs } from './epochs.ts';
import { type ArrivedFrame, IncomingFrames, type Refusal } from './incoming-frames.ts';
import { type EncodedFrame, OutgoingFrames } from './outgoing-frames.ts';
import { webEngine } from './web-engine.ts';
import {
  ENCODERS_OF_SENDER,
  type FromWorker,
  type Stuck,
  type ToWorker,
  type TransformOptions,
} from './worker-protocol.ts';

declare const self: DedicatedWorkerGlobalScope & {
  onrtctransform: ((event: RTCTransformEvent) => void) | null;
};

type Frame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;
type Incoming = TransformOptions & { direction: 'in' };
type Outgoing = TransformOptions & { direction: 'out' };

/** A publisher who is asked more often makes key frames for everybody. ms */
const KEY_FRAME_MS = 300;
const TELL_MS = 1_000;
const STUCK_MS = 500;

const now = () => performance.now();
const epochs = new Epochs(webEngine, now);
/** Frames wait for the first key: a key frame that was let go would have to be made again. A browser lets the oldest go where there are many. */
const canSend = Promise.withResolvers<void>();

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'epoch') epochs.add(data.epoch);
  else if (data.type === 'hold') epochs.hold();
  else {
    epochs.sendWith(data.number);
    if (epochs.sending) canSend.resolve();
  }
};

self.onrtctransform = ({ transformer }) => {
  const options = transformer.options as TransformOptions;
  const through = options.direction === 'out' ? encrypting(options) : decrypting(transformer, options);
  // It ends with the sender or receiver.
  pass(transformer, through).catch(() => undefined);
};

/** What the frames become, in their order. */
type Through = (frame: Frame) => Promise<readonly Frame[]>;

/** Frame by frame: two streams that are piped together would take as long as the decryption itself. */
async function pass({ readable, writable }: RTCRtpScriptTransformer, through: Through): Promise<void> {
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (;;) {
    const { done, value } = (await reader.read()) as ReadableStreamReadResult<Frame>;
    if (done) return;
    for (const frame of await through(value)) await writer.write(frame);
  }
}

function encrypting({ kind, layer, encoder }: Outgoing): Through {
  const bySsrc = new Map<number, OutgoingFrames>();
  const pictures = new Map<number, number>();
  const framesOf = (ssrc: number) => {
    const known = bySsrc.get(ssrc);
    if (known) return known;
    if (bySsrc.size >= ENCODERS_OF_SENDER) throw new RangeError('more encoders than numbers for them');
    const made = new OutgoingFrames(epochs, { number: encoder + bySsrc.size, kind, layer });
    bySsrc.set(ssrc, made);
    return made;
  };
  return async (frame) => {
    const { synchronizationSource = 0, mimeType = '' } = frame.getMetadata();
    const data = new Uint8Array(frame.data);
    await canSend.promise;
    const encoded = encodedOf(frame, mimeType, data, pictures);
    const sealed = await framesOf(synchronizationSource).seal(encoded);
    if (!sealed) {
      // Whoever watches would ask for a key frame, and gets nothing at all that could tell him that he needs one.
      if (epochs.sending && kind !== 'microphone') tellStuck();
      return [];
    }
    frame.data = afterSealing(mimeType, sealed, encoded.clear).buffer as ArrayBuffer;
    return [frame];
  };
}

/** @param pictures by SSRC, how many there were: of H.264 a browser does not say what a picture builds on, which is the one before */
function encodedOf(frame: Frame, mimeType: string, data: Uint8Array, pictures: Map<number, number>): EncodedFrame {
  const encoded = beforeSealing(mimeType, data);
  if (!isPicture(frame)) return encoded;
  const { frameId, dependencies, synchronizationSource = 0 } = frame.getMetadata();
  if (frameId !== undefined) return { ...encoded, picture: { id: frameId, references: dependencies ?? [] } };
  if (mimeType.toLowerCase() !== 'video/h264')
    throw new TypeError('the browser does not tell what a picture builds on');
  const id = pictures.get(synchronizationSource) ?? 0;
  pictures.set(synchronizationSource, id + 1);
  return { ...encoded, picture: { id, references: frame.type === 'key' ? [] : [id - 1] } };
}

function decrypting(transformer: RTCRtpScriptTransformer, { participant, kind }: Incoming): Through {
  const tell = teller({ type: 'refused', participant, kind });
  const askForKeyFrame = seldom(() => transformer.sendKeyFrameRequest());
  const incoming = new IncomingFrames<ArrivedFrame & { readonly frame: Frame }>({
    ...{ epochs, participant, kind, now },
    onRefused: tell,
    ...(kind !== 'microphone' && { onStranded: askForKeyFrame }),
  });
  return async (frame) => {
    const { mimeType = '', rtpTimestamp = 0 } = frame.getMetadata();
    const arrived = { frame, ...beforeOpening(mimeType, new Uint8Array(frame.data)), timestamp: rtpTimestamp };
    const shown = await incoming.take(arrived);
    return shown.map(({ frame: { frame: each }, data }) => {
      each.data = data.buffer as ArrayBuffer;
      return each;
    });
  };
}

function isPicture(frame: Frame): frame is RTCEncodedVideoFrame {
  return 'type' in frame && !(frame instanceof RTCEncodedAudioFrame);
}

/** A sender or receiver that is just ending cannot be asked any more. */
function seldom(ask: () => Promise<unknown>): () => void {
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - askedAt < KEY_FRAME_MS) return;
    askedAt = now();
    ask().catch(() => undefined);
  };
}

let stuckAt = Number.NEGATIVE_INFINITY;
function tellStuck(): void {
  if (now() - stuckAt < STUCK_MS) return;
  stuckAt = now();
  self.postMessage({ type: 'stuck' } satisfies Stuck);
}

/** Tells the page once a second, where there is something to tell. */
function teller(of: Omit<FromWorker, 'counts'>): (refusal: Refusal) => void {
  const counts = new Map<Refusal, number>();
  const tell = () => {
    self.postMessage({ ...of, counts: Object.fromEntries(counts) } satisfies FromWorker);
    counts.clear();
  };
  return (refusal) => {
    if (counts.size === 0) setTimeout(tell, TELL_MS);
    counts.set(refusal, (counts.get(refusal) ?? 0) + 1);
  };
}
