/** For tests: two peer connections of one page, with a worker at each end, as two devices would have it. */
import type { ParticipantId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { leafBitsOf } from '../key-id.ts';
import type { FromWorker, ToWorker, TransformOptions } from '../worker-protocol.ts';

/** `scalabilityMode` is of the W3C's WebRTC-SVC, which the types of the DOM do not have. */
type Encoding = RTCRtpEncodingParameters & { readonly scalabilityMode?: string };

export interface LoopbackOptions {
  readonly mimeType: 'video/VP8' | 'video/VP9' | 'video/H264' | 'audio/opus';
  readonly encodings?: Encoding[];
  /** Whether it is encrypted at all. */
  readonly isPlain?: boolean;
}

export interface LoopbackFigures {
  readonly framesDecoded: number;
  readonly keyFramesDecoded: number;
  /** Of sound that was played, and of it those that were made up for what was missing. */
  readonly samples: number;
  readonly concealed: number;
  readonly energy: number;
  readonly refused: Readonly<Record<string, number>>;
}

const PARTICIPANT = 'somebody-in-this-call_' as ParticipantId;
const LEAF = 2;

class Loopback {
  readonly #ends = {
    out: new Worker('/worker.js', { type: 'module' }),
    in: new Worker('/worker.js', { type: 'module' }),
  };
  readonly #connections = { out: new RTCPeerConnection(), in: new RTCPeerConnection() };
  readonly #refused: Record<string, number> = {};

  async open({ mimeType, encodings, isPlain = false }: LoopbackOptions): Promise<void> {
    const { out: from, in: to } = this.#connections;
    const isSound = mimeType === 'audio/opus';
    const kind: SourceKind = isSound ? 'microphone' : 'camera';
    this.#ends.in.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      for (const [refusal, count = 0] of Object.entries(data.counts))
        this.#refused[refusal] = (this.#refused[refusal] ?? 0) + count;
    };
    from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate ?? undefined);
    to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate ?? undefined);
    to.ontrack = ({ receiver, track }) => {
      const options: TransformOptions = { direction: 'in', participant: PARTICIPANT, kind };
      if (!isPlain) receiver.transform = new RTCRtpScriptTransform(this.#ends.in, options);
      const element = document.body.appendChild(document.createElement(isSound ? 'audio' : 'video'));
      element.srcObject = new MediaStream([track]);
      element.autoplay = true;
    };
    const stream = await navigator.mediaDevices.getUserMedia(isSound ? { audio: true } : { video: { width: 640 } });
    const [track] = stream.getTracks();
    if (!track) throw new Error('no track');
    const transceiver = from.addTransceiver(track, {
      direction: 'sendonly',
      ...(encodings && { sendEncodings: encodings }),
    });
    const codecs = RTCRtpReceiver.getCapabilities(track.kind)?.codecs ?? [];
    transceiver.setCodecPreferences(codecs.filter((each) => each.mimeType === mimeType));
    const options: TransformOptions = { direction: 'out', kind, layer: 0, encoder: 8 };
    if (!isPlain) transceiver.sender.transform = new RTCRtpScriptTransform(this.#ends.out, options);
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription as RTCSessionDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription as RTCSessionDescription);
  }

  /** Hands the keys of an epoch to one end. */
  knows(end: 'in' | 'out', number: number, seed = 1): void {
    const baseKey = Uint8Array.from({ length: 16 }, (_, at) => at + number * seed);
    const participants = new Map([[LEAF, PARTICIPANT]]);
    const epoch = { number: BigInt(number), baseKey, leafBits: leafBitsOf(8), leaf: LEAF, participants };
    this.#tell(end, { type: 'epoch', epoch });
  }

  sendsWith(number: number): void {
    for (const end of ['in', 'out'] as const) this.#tell(end, { type: 'sendWith', number: BigInt(number) });
  }

  async figures(): Promise<LoopbackFigures> {
    const stats = [...(await this.#connections.in.getStats()).values()];
    const inbound = stats.find((each) => each.type === 'inbound-rtp') ?? {};
    return {
      framesDecoded: inbound.framesDecoded ?? 0,
      keyFramesDecoded: inbound.keyFramesDecoded ?? 0,
      samples: inbound.totalSamplesReceived ?? 0,
      concealed: inbound.concealedSamples ?? 0,
      energy: inbound.totalAudioEnergy ?? 0,
      refused: { ...this.#refused },
    };
  }

  #tell(end: 'in' | 'out', message: ToWorker): void {
    this.#ends[end].postMessage(message);
  }
}

declare global {
  interface Window {
    loopback: Loopback;
  }
}

window.loopback = new Loopback();
