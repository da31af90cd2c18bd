/** The engine of browsers, on mediasoup-client: one RTCPeerConnection for each direction. */
import { Device } from 'mediasoup-client';
import type { Consumer, DtlsParameters, Producer, RtpCodecCapability, Transport } from 'mediasoup-client/types';
import type { SourceKind } from '#signalling/media-profile.ts';
import {
  CAMERA_ENCODINGS,
  CAMERA_VP9_MAX_BITRATE,
  MICROPHONE_MAX_BITRATE,
  renditionsOf,
  SCREEN_MAX_BITRATE,
} from '#signalling/media-profile.ts';
import type { RtpCapabilities } from '#signalling/webrtc.ts';
import { DeviceError } from '../../failure.ts';
import type {
  IncomingSource,
  MediaEngine,
  MediaOffer,
  MediaSignalling,
  Publication,
  ReceiverCounters,
} from '../engine.ts';
import { countersOf } from './counters.ts';
import type { BrowserEncryption } from './encryption.ts';
import { canSendVp9, type PictureCodec, VP9_MODE } from './picture-codec.ts';
import { publicationOf, type Sent } from './publication.ts';
import { toLibrary, toWire } from './wire.ts';

type Direction = 'send' | 'receive';

/** How each kind of source is encoded; only a camera is worth more than one layer. */
const ENCODING = {
  camera: {
    encodings: CAMERA_ENCODINGS.map((each) => ({ ...each, scalabilityMode: 'L1T3' })),
    // kbit/s. Chromium switches the upper layers on as its estimate grows; starting above their sum, all three run at once.
    codecOptions: { videoGoogleStartBitrate: 2_500 },
  },
  screen: {
    encodings: [{ maxBitrate: SCREEN_MAX_BITRATE, scalabilityMode: 'L1T3' }],
    codecOptions: { videoGoogleStartBitrate: 1_500 },
  },
  microphone: {
    encodings: [{ maxBitrate: MICROPHONE_MAX_BITRATE, dtx: true }],
    codecOptions: { opusStereo: false, opusDtx: true, opusFec: true },
  },
} as const;

/** All three layers in one encoding. */
const VP9_CAMERA = {
  ...ENCODING.camera,
  encodings: [{ maxBitrate: CAMERA_VP9_MAX_BITRATE, scalabilityMode: VP9_MODE }],
};

export class BrowserEngine implements MediaEngine<MediaStreamTrack, MediaStreamTrack, Publication<MediaStreamTrack>> {
  readonly #encryption: BrowserEncryption | undefined;
  /** The choice for cameras that are published from now on; VP8 where VP9 cannot be had. */
  cameraCodec: PictureCodec = 'vp8';
  readonly #consumers = new Map<string, Consumer | 'closed'>();
  /** As the router takes it; absent where browser or router does not have it. */
  #vp9: RtpCodecCapability | undefined;
  #signalling: MediaSignalling | undefined;
  #send: Transport | undefined;
  #receive: Transport | undefined;

  /** @param encryption of the media; without it, as between machines that measure, it is readable to SFTs */
  constructor(encryption?: BrowserEncryption) {
    this.#encryption = encryption;
  }

  /**
   * Lets the browser load its WebRTC code before anybody clicks; the first peer connection of a page is the expensive one.
   * @throws DeviceError BROWSER_UNSUPPORTED
   */
  static async prewarm(): Promise<void> {
    if (typeof RTCPeerConnection === 'undefined') throw new DeviceError('BROWSER_UNSUPPORTED');
    const connection = new RTCPeerConnection();
    connection.addTransceiver('audio');
    connection.addTransceiver('video');
    await connection.createOffer();
    connection.close();
  }

  async start(offer: MediaOffer, signalling: MediaSignalling): Promise<RtpCapabilities> {
    const device = await supportedDevice();
    await device.load({ routerRtpCapabilities: toLibrary.capabilities(offer.capabilities) });
    this.#vp9 = device.sendRtpCapabilities.codecs?.find(({ mimeType }) => mimeType.toLowerCase() === 'video/vp9');
    this.#signalling = signalling;
    const iceServers = offer.relays ? [offer.relays] : [];
    this.#send = this.#prepare('send', device.createSendTransport({ ...offer.send, iceServers }));
    this.#receive = this.#prepare('receive', device.createRecvTransport({ ...offer.receive, iceServers }));
    return toWire.capabilities(device.recvRtpCapabilities);
  }

  isLive(track: MediaStreamTrack): boolean {
    return track.readyState === 'live';
  }

  async publish(kind: SourceKind, track: MediaStreamTrack, muted: boolean): Promise<Publication<MediaStreamTrack>> {
    if (!this.#send || !this.#signalling) throw new DeviceError('UNKNOWN');
    const transport = this.#send;
    const vp9 = kind === 'camera' && this.cameraCodec === 'vp9' && canSendVp9() ? this.#vp9 : undefined;
    const codec = vp9 ? 'vp9' : kind === 'microphone' ? 'opus' : 'vp8';
    const { encodings, codecOptions } = vp9 ? VP9_CAMERA : ENCODING[kind];
    if (kind === 'screen') track.contentHint = 'detail';
    const all = CAMERA_ENCODINGS.map((_, layer) => layer);
    const streams = encodings.map((encoding, layer) => ({ layers: vp9 ? all : [layer], encoding }));
    const made = await Promise.allSettled(
      renditionsOf(codec, streams).map(async (rendition): Promise<Sent> => {
        const producer = await transport.produce({
          track,
          encodings: [{ ...rendition.encoding }],
          codecOptions,
          ...(vp9 && { codec: vp9 }),
          stopTracks: false, // whoever opened the device closes it
          onRtpSender: (sender) => this.#encryption?.protectSender(sender, kind, rendition.layers[0] ?? 0),
        });
        if (kind === 'camera' && !vp9 && rendition.layers[0] === 0) await keepLines(producer);
        if (muted) producer.pause();
        return { layers: rendition.layers, producer };
      }),
    );
    const sent = made.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    const failed = made.find((each) => each.status === 'rejected');
    if (failed) {
      for (const { producer } of sent) producer.close();
      throw failed.reason;
    }
    const renditions = sent.map(({ layers, producer }) => ({
      layers: [...layers],
      rtpParameters: toWire.parameters(producer.rtpParameters),
    }));
    const source = this.#signalling.publish(kind, renditions, muted);
    source.catch(() => undefined); // whoever waits for it is told
    return publicationOf(kind, sent, source);
  }

  async consume({ consumer, source, participant, kind, rtpParameters }: IncomingSource): Promise<MediaStreamTrack> {
    if (!this.#receive) throw new DeviceError('UNKNOWN');
    const made = await this.#receive.consume({
      id: consumer,
      producerId: source,
      kind: kind === 'microphone' ? 'audio' : 'video',
      rtpParameters: toLibrary.parameters(rtpParameters),
      onRtpReceiver: (receiver) => this.#encryption?.protectReceiver(receiver, participant, kind),
    });
    if (this.#consumers.get(consumer) === 'closed') {
      this.#consumers.delete(consumer);
      made.close();
      throw new DeviceError('UNKNOWN');
    }
    this.#consumers.set(consumer, made);
    return made.track;
  }

  closeConsumer(consumer: string): void {
    const made = this.#consumers.get(consumer);
    if (made === undefined)
      this.#consumers.set(consumer, 'closed'); // it is just being made
    else if (made !== 'closed') {
      made.close();
      this.#consumers.delete(consumer);
    }
  }

  async receiverCounters(): Promise<readonly ReceiverCounters[]> {
    if (!this.#receive || this.#receive.closed) return [];
    const consumers = new Map<string, string>();
    for (const [id, consumer] of this.#consumers) if (consumer !== 'closed') consumers.set(consumer.track.id, id);
    return countersOf(await this.#receive.getStats(), consumers);
  }

  close(): void {
    this.#send?.close();
    this.#receive?.close();
    this.#consumers.clear();
  }

  #prepare(direction: Direction, transport: Transport): Transport {
    // Neither answer is waited for: what follows does not depend on it, and a refusal ends the connection anyway.
    transport.on('connect', ({ dtlsParameters }: { dtlsParameters: DtlsParameters }, proceed: () => void) => {
      this.#signalling?.connect(direction, dtlsParameters).catch(() => this.#signalling?.lost(direction));
      proceed();
    });
    // The SFT is told by `publish`, of all renditions at once; the id is of use to nobody.
    transport.on('produce', (_, proceed) => proceed({ id: crypto.randomUUID() }));
    transport.on('connectionstatechange', (state) => {
      if (state === 'connected') this.#signalling?.connected(direction);
      if (state === 'failed') this.#signalling?.lost(direction);
    });
    return transport;
  }
}

/**
 * A browser that is short of processor time makes pictures smaller, each layer by itself, down to 45 lines of the 180 of the
 * smallest (measured with Chromium 156 and four calls on two cores), which saves next to nothing and is slow to come back.
 */
async function keepLines({ rtpSender }: Producer): Promise<void> {
  if (!rtpSender) return;
  await rtpSender.setParameters({ ...rtpSender.getParameters(), degradationPreference: 'maintain-resolution' });
}

async function supportedDevice(): Promise<Device> {
  try {
    return await Device.factory();
  } catch (error) {
    throw new DeviceError('BROWSER_UNSUPPORTED', { cause: error });
  }
}
