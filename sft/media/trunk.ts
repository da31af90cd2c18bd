/**
 * The media path between one worker here and one worker of a peer: a plain transport with SRTP on a port of its own.
 * Its remote address comes from the link and never from a packet, and its keys are on the link only.
 */
import { isIP } from 'node:net';
import type { types } from 'mediasoup';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId, SourceId, TrunkId } from '#signalling/ids.ts';
import {
  type Codec,
  isVideo,
  type MediaAddress,
  type SourceKind,
  SRTP_SUITE,
  type SrtpKey,
} from '#signalling/media-profile.ts';
import type { LinkStream } from '#signalling/sft-link.ts';
import type { PortPool } from '../trunk/port-pool.ts';
import { RETIRE_MS } from '../trunk/rotation.ts';
import { SsrcRegistry } from '../trunk/ssrc-registry.ts';
import type { StreamAccount, TrunkTotals } from '../trunk/stream-account.ts';
import { CappedConsumer } from './capped-consumer.ts';
import { trunkRtpParameters } from './codecs.ts';
import { PinnedConsumer } from './pinned-consumer.ts';
import { SOCKET_BUFFER } from './socket-buffer.ts';
import type { Rendition } from './source-media.ts';
import type { TrunkStream } from './trunk-stream.ts';
import { unlessClosed } from './unless-closed.ts';
import type { MediaWorker } from './worker.ts';

export interface TrunkOptions {
  readonly listenIp: string;
  readonly announcedIp?: string | undefined;
  readonly ports: PortPool;
  readonly onFault: (error: unknown, what: string) => void;
}

const AES_256_GCM_KEY_BYTES = 44; // key 32, salt 12: RFC 7714, section 12
const MAX_SSRC_DRAWS = 8;
/** Another program may have some of the ports. */
const MAX_PORT_TRIES = 4;

interface Outgoing {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly stream: TrunkStream;
}

interface Incoming {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly layers: readonly number[];
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
  readonly #since = performance.now();
  #connected = false;
  #retiring: ReturnType<typeof setTimeout> | undefined;

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

  /** @throws HawserError SFT_FULL when no port is free; Error when other programs have those that were tried */
  static async open(id: TrunkId, worker: MediaWorker, options: TrunkOptions): Promise<Trunk> {
    const { ports } = options;
    for (let left = Math.min(MAX_PORT_TRIES, ports.free); ; left--) {
      const port = ports.take();
      try {
        return new Trunk(id, worker, await listenOn(port, worker, options), options, port);
      } catch (error) {
        ports.give(port);
        if (left <= 1 || worker.router.closed) throw error;
      }
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

  get ageMs(): number {
    return performance.now() - this.#since;
  }

  /** Another trunk has taken its place. */
  get isRetired(): boolean {
    return this.#retiring !== undefined || this.closed;
  }

  /** Closes when nothing on it is needed any more, or after a while. */
  retire(onClosed: () => void): void {
    this.#transport.observer.once('close', onClosed);
    this.#retiring ??= setTimeout(() => this.close(), RETIRE_MS);
    this.#closeIfUnused();
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

  /** Makes a rendition of a source ready to be sent under one SSRC; nothing flows before `run` says what. */
  async send(source: SourceId, kind: SourceKind, { layers, producer }: Rendition): Promise<TrunkStream> {
    for (let draw = 0; draw < MAX_SSRC_DRAWS; draw++) {
      const consumer = await this.#transport.consume({
        producerId: producer.id,
        rtpCapabilities: this.worker.trunkCapabilities,
        paused: true,
        ...(producer.type === 'simple' ? {} : { preferredLayers: { spatialLayer: 0, temporalLayer: 2 } }),
        enableRtx: true, // of a voice: repair at all
      });
      const onFault = (error: unknown) => this.#options.onFault(error, 'trunk stream');
      const stream =
        layers.length > 1
          ? new CappedConsumer(consumer, layers, onFault)
          : new PinnedConsumer(consumer, layers[0] ?? 0, onFault);
      const ssrcs = stream.rtxSsrc === undefined ? [stream.ssrc] : [stream.ssrc, stream.rtxSsrc];
      if (this.#ssrcs.take(...ssrcs)) {
        const outgoing = { source, kind, stream };
        this.#outgoing.add(outgoing);
        consumer.observer.once('close', () => {
          this.#outgoing.delete(outgoing);
          this.#closeIfUnused();
        });
        return stream;
      }
      consumer.close();
    }
    throw new Error('no unused SSRC found');
  }

  /**
   * Prepares to receive one rendition of a source that the peer offers on this trunk.
   * @throws Error when its SSRCs are in use already
   */
  async receive(
    source: SourceId,
    participant: ParticipantId,
    kind: SourceKind,
    codec: Codec,
    stream: LinkStream,
  ): Promise<types.Producer> {
    const producer = await this.#transport.produce({
      kind: isVideo(kind) ? 'video' : 'audio',
      // One CNAME for the whole trunk: the sender reports of all streams then tell mediasoup the one clock of the peer, so
      // that it knows it for a new source at once. Towards clients the msid keeps people apart.
      rtpParameters: trunkRtpParameters(
        this.worker.router.rtpCapabilities,
        codec,
        stream,
        this.id,
        // Renditions of one source are tracks of their own in one stream.
        `${participant} ${source}.${stream.layers[0]}`,
      ),
    });
    const incoming = { source, kind, layers: stream.layers, producer };
    this.#incoming.add(incoming);
    producer.observer.once('close', () => {
      this.#incoming.delete(incoming);
      this.#closeIfUnused();
    });
    return producer;
  }

  /** Bytes of the transport since it began: whole UDP payloads, RTP and RTCP, SRTP included. */
  async bytes(): Promise<TrunkTotals> {
    const [stat] = await this.#transport.getStats();
    if (!stat) throw new Error('a transport without figures');
    const known = stat.rtpBytesReceived + stat.rtxBytesReceived;
    return { sent: stat.bytesSent, received: stat.bytesReceived, known };
  }

  /** Receives nothing of a source any more; it is up to its owner to take it again. */
  refuse(source: SourceId): void {
    for (const incoming of this.#incoming) if (incoming.source === source) incoming.producer.close();
  }

  /** @param which all streams, or those of the outgoing ones only that run, which spares the worker a call for each other */
  async streams(which: 'all' | 'running' = 'all'): Promise<StreamAccount[]> {
    const accounts: StreamAccount[] = [];
    for (const { source, kind, stream } of this.#outgoing) {
      if (which === 'running' && !stream.running) continue;
      for (const stat of (await unlessClosed(stream, () => stream.stats())) ?? []) {
        if (stat.type !== 'outbound-rtp') continue;
        const { layers, layer } = stream;
        const rttMs = stat.roundTripTime ?? 0;
        accounts.push({ source, kind, layers, layer, direction: 'out', ...figuresOf(stat), jitter: 0, rttMs });
      }
    }
    for (const { source, kind, layers, producer } of this.#incoming) {
      const stats = (await unlessClosed(producer, () => producer.getStats())) ?? [];
      const [main] = stats;
      if (!main) continue;
      const layer = layers[highestOf(main)] ?? layers[0] ?? 0;
      const jitter = main.jitter / (isVideo(kind) ? VIDEO_CLOCK : AUDIO_CLOCK);
      // A peer that lies may send on the stream on which nothing is to come; it is its source all the same.
      const figures = stats.map(figuresOf).reduce(sumOf);
      accounts.push({ source, kind, layers, layer, direction: 'in', ...figures, jitter, rttMs: 0 });
    }
    return accounts;
  }

  close(): void {
    clearTimeout(this.#retiring);
    this.#transport.close();
  }

  #closeIfUnused(): void {
    if (this.#retiring && !this.closed && this.#outgoing.size + this.#incoming.size === 0) this.close();
  }
}

function listenOn(port: number, { router }: MediaWorker, { listenIp, announcedIp }: TrunkOptions) {
  return router.createPlainTransport({
    listenInfo: {
      protocol: 'udp',
      ip: listenIp,
      port,
      ...SOCKET_BUFFER,
      ...(announcedIp ? { announcedAddress: announcedIp } : {}),
    },
    rtcpMux: true,
    comedia: false,
    enableSctp: false,
    enableSrtp: true,
    srtpCryptoSuite: SRTP_SUITE,
  });
}

/** RTP clock rates of pictures and Opus, Hz. */
const VIDEO_CLOCK = 90_000;
const AUDIO_CLOCK = 48_000;

/** The highest spatial layer that flows; mediasoup's keys are `spatial.temporal`. */
function highestOf({ bitrateByLayer }: types.ProducerStat): number {
  const flowing = Object.entries(bitrateByLayer ?? {}).filter(([, bitrate]) => bitrate > 0);
  return Math.max(0, ...flowing.map(([layers]) => Number.parseInt(layers, 10)));
}

function figuresOf(stat: types.ProducerStat | types.ConsumerStat) {
  const { byteCount: bytes, packetCount: packets, packetsLost: lost, pliCount, firCount } = stat;
  const { nackCount: nacks, nackPacketCount: nackPackets } = stat;
  return { bytes, packets, lost, keyFrameRequests: pliCount + firCount, nacks, nackPackets };
}

function sumOf(a: ReturnType<typeof figuresOf>, b: ReturnType<typeof figuresOf>): ReturnType<typeof figuresOf> {
  return {
    bytes: a.bytes + b.bytes,
    packets: a.packets + b.packets,
    lost: a.lost + b.lost,
    keyFrameRequests: a.keyFrameRequests + b.keyFrameRequests,
    nacks: a.nacks + b.nacks,
    nackPackets: a.nackPackets + b.nackPackets,
  };
}
