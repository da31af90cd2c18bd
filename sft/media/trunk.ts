/**
 * The media path between one worker here and one worker of a peer: a plain transport with SRTP on a port of its own.
 * Its remote address comes from the link and never from a packet, and its keys are on the link only.
 */
import { isIP } from 'node:net';
import type { types } from 'mediasoup';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId, SourceId, TrunkId } from '#signalling/ids.ts';
import { isVideo, type MediaAddress, type SourceKind, SRTP_SUITE, type SrtpKey } from '#signalling/media-profile.ts';
import type { LinkStream } from '#signalling/sft-link.ts';
import type { PortPool } from '../trunk/port-pool.ts';
import { SsrcRegistry } from '../trunk/ssrc-registry.ts';
import { trunkRtpParameters } from './codecs.ts';
import { PinnedConsumer } from './pinned-consumer.ts';
import { SOCKET_BUFFER } from './socket-buffer.ts';
import type { Rendition } from './source-media.ts';
import type { MediaWorker } from './worker.ts';

export interface TrunkOptions {
  readonly listenIp: string;
  readonly announcedIp?: string | undefined;
  readonly ports: PortPool;
  readonly onFault: (error: unknown, what: string) => void;
}

/** Bytes and packets of one stream of a trunk since it began, RTP headers included, SRTP and UDP not. */
export interface StreamAccount {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly layer: number;
  readonly direction: 'out' | 'in';
  readonly bytes: number;
  readonly packets: number;
  /** Packets that the receiver missed, repaired ones included: of an outgoing stream as the peer reports it. */
  readonly lost: number;
  /** RFC 3550, section 6.4.1, s; incoming streams only. */
  readonly jitter: number;
  /** Key frames that the receiver asked for (PLI and FIR). */
  readonly keyFrameRequests: number;
}

const AES_256_GCM_KEY_BYTES = 44; // key 32, salt 12: RFC 7714, section 12
const MAX_SSRC_DRAWS = 8;

interface Outgoing {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly consumer: PinnedConsumer;
}

interface Incoming {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly layers: ReadonlyMap<number, number>;
  readonly producer: types.Producer;
}

export class Trunk {
  readonly id: TrunkId;
  readonly worker: MediaWorker;
  readonly #transport: types.PlainTransport;
  readonly #options: TrunkOptions;
  readonly #port: number;
  readonly #ssrcs = new SsrcRegistry();
  readonly #outgoing = new Set<Outgoing>();
  readonly #incoming = new Set<Incoming>();
  #connected = false;

  private constructor(
    id: TrunkId,
    worker: MediaWorker,
    transport: types.PlainTransport,
    options: TrunkOptions,
    port: number,
  ) {
    this.id = id;
    this.worker = worker;
    this.#transport = transport;
    this.#options = options;
    this.#port = port;
    transport.observer.once('close', () => options.ports.give(port));
  }

  /** @throws HawserError SFT_FULL when no port is free */
  static async open(id: TrunkId, worker: MediaWorker, options: TrunkOptions): Promise<Trunk> {
    const port = options.ports.take();
    try {
      const transport = await worker.router.createPlainTransport({
        listenInfo: {
          protocol: 'udp',
          ip: options.listenIp,
          port,
          ...SOCKET_BUFFER,
          ...(options.announcedIp ? { announcedAddress: options.announcedIp } : {}),
        },
        rtcpMux: true,
        comedia: false,
        enableSctp: false,
        enableSrtp: true,
        srtpCryptoSuite: SRTP_SUITE,
      });
      return new Trunk(id, worker, transport, options, port);
    } catch (error) {
      options.ports.give(port);
      throw error;
    }
  }

  /** Where the peer sends its media to. */
  get address(): MediaAddress {
    return { ip: this.#options.announcedIp ?? this.#options.listenIp, port: this.#port };
  }

  /** The key that this side sends with. */
  get srtp(): SrtpKey {
    const parameters = this.#transport.srtpParameters;
    if (parameters?.cryptoSuite !== SRTP_SUITE) throw new Error('the trunk has no SRTP key');
    return { suite: SRTP_SUITE, key: parameters.keyBase64 };
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  /** Streams ever sent under this trunk's key. */
  get streamsUsed(): number {
    return this.#ssrcs.size;
  }

  /**
   * Says where the peer is and what it sends with; works once, a new key is a new trunk. The caller has checked that
   * the address belongs to the peer.
   * @throws HawserError SFT_LINK_SRTP, SFT_LINK_ADDRESS
   */
  async connect(address: MediaAddress, srtp: SrtpKey): Promise<void> {
    // mediasoup silently adopts whatever suite the far side names, weaker ones too.
    if (srtp.suite !== SRTP_SUITE || Buffer.from(srtp.key, 'base64').length !== AES_256_GCM_KEY_BYTES) {
      throw new HawserError('SFT_LINK_SRTP');
    }
    if (this.#connected) throw new HawserError('SIG_ORDER', 'trunk is connected');
    if (!isIP(address.ip)) throw new HawserError('SFT_LINK_ADDRESS', 'not an IP address');
    this.#connected = true;
    await this.#transport.connect({
      ip: address.ip,
      port: address.port,
      srtpParameters: { cryptoSuite: SRTP_SUITE, keyBase64: srtp.key },
    });
  }

  /** Makes one layer of a source ready to be sent; it does not flow before `run(true)`. */
  async send(source: SourceId, kind: SourceKind, rendition: Rendition, layer: number): Promise<PinnedConsumer> {
    const { producer, layers } = rendition;
    const spatial = layers.indexOf(layer);
    for (let draw = 0; draw < MAX_SSRC_DRAWS; draw++) {
      const consumer = await this.#transport.consume({
        producerId: producer.id,
        rtpCapabilities: this.worker.trunkCapabilities,
        paused: true,
        ...(producer.type === 'simulcast' ? { preferredLayers: { spatialLayer: spatial, temporalLayer: 2 } } : {}),
        enableRtx: isVideo(kind),
      });
      const onFault = (error: unknown) => this.#options.onFault(error, 'pinned consumer');
      const pinned = new PinnedConsumer(consumer, layer, spatial, onFault);
      const ssrcs = pinned.rtxSsrc === undefined ? [pinned.ssrc] : [pinned.ssrc, pinned.rtxSsrc];
      if (this.#ssrcs.take(...ssrcs)) {
        const outgoing = { source, kind, consumer: pinned };
        this.#outgoing.add(outgoing);
        consumer.observer.once('close', () => this.#outgoing.delete(outgoing));
        return pinned;
      }
      consumer.close();
    }
    throw new Error('no unused SSRC found');
  }

  /**
   * Prepares to receive one rendition of a source that the peer offers on this trunk.
   * @param streams of the rendition, ascending by layer
   * @throws Error when the SSRCs are in use already
   */
  async receive(
    source: SourceId,
    participant: ParticipantId,
    kind: SourceKind,
    streams: readonly LinkStream[],
  ): Promise<types.Producer> {
    const producer = await this.#transport.produce({
      kind: isVideo(kind) ? 'video' : 'audio',
      // One CNAME for the whole trunk: the sender reports of all streams then tell mediasoup the one clock of the peer, so
      // that it knows it for a new source at once. Towards clients the msid keeps people apart.
      rtpParameters: trunkRtpParameters(
        this.worker.router.rtpCapabilities,
        isVideo(kind) ? 'video' : 'audio',
        streams,
        this.id,
        // Renditions of one source are tracks of their own in one stream.
        `${participant} ${source}.${streams[0]?.layer}`,
      ),
    });
    const layers = new Map(streams.map(({ ssrc, layer }) => [ssrc, layer]));
    const incoming = { source, kind, layers, producer };
    this.#incoming.add(incoming);
    producer.observer.once('close', () => this.#incoming.delete(incoming));
    return producer;
  }

  /** Bytes of the transport since it began: whole UDP payloads, RTP and RTCP, SRTP included. */
  async bytes(): Promise<{ sent: number; received: number }> {
    const [stat] = await this.#transport.getStats();
    return { sent: stat?.bytesSent ?? 0, received: stat?.bytesReceived ?? 0 };
  }

  async streams(): Promise<StreamAccount[]> {
    const accounts: StreamAccount[] = [];
    for (const { source, kind, consumer } of this.#outgoing) {
      if (consumer.closed) continue;
      for (const stat of await consumer.stats) {
        if (stat.type !== 'outbound-rtp') continue;
        accounts.push({ source, kind, layer: consumer.layer, direction: 'out', ...figuresOf(stat), jitter: 0 });
      }
    }
    for (const { source, kind, layers, producer } of this.#incoming) {
      if (producer.closed) continue;
      for (const stat of await producer.getStats()) {
        const layer = layers.get(stat.ssrc) ?? 0;
        const jitter = stat.jitter / (isVideo(kind) ? VIDEO_CLOCK : AUDIO_CLOCK);
        accounts.push({ source, kind, layer, direction: 'in', ...figuresOf(stat), jitter });
      }
    }
    return accounts;
  }

  close(): void {
    this.#transport.close();
  }
}

/** RTP clock rates of VP8 and Opus, Hz. */
const VIDEO_CLOCK = 90_000;
const AUDIO_CLOCK = 48_000;

function figuresOf(stat: types.ProducerStat | types.ConsumerStat) {
  const { byteCount: bytes, packetCount: packets, packetsLost: lost, pliCount, firCount } = stat;
  return { bytes, packets, lost, keyFrameRequests: pliCount + firCount };
}
