/**
 * One client's media on this SFT: a transport to send on, one to receive on, what it publishes and what it is given.
 * What it should be given is stated whole; the difference is worked off.
 */
import type { types } from 'mediasoup';
import type { PublishedRendition, TransportName } from '#signalling/client-sft.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import { isVideo, type SourceKind } from '#signalling/media-profile.ts';
import type { DtlsParameters, RtpCapabilities, RtpParameters, TransportOffer } from '#signalling/webrtc.ts';
import type { Subscription } from '../conference/plan.ts';
import { type Flow, LATE_MS, renditionsFor, SETTLE_MS, STEADY_MS } from '../conference/renditions.ts';
import { type ClientTransport, type Entrance, type Lost, openTransport } from './client-transport.ts';
import { encodingsOf } from './codecs.ts';
import { FirstPicture } from './first-picture.ts';
import { Nudge } from './nudge.ts';
import type { Produced, Rendition, SourceMedia } from './source-media.ts';
import { unlessClosed } from './unless-closed.ts';
import type { MediaWorker } from './worker.ts';

/** Bits a second that one client may send; three layers, screen and voice need 4.7 million. */
const MAX_INCOMING_BITRATE = 8_000_000;
/**
 * Shortest time between two key-frame requests to one publisher, ms. Chromium drops a request that comes within 300 ms of
 * the last one, and mediasoup asks again only after a second: requests are spaced so that none is dropped (first picture
 * after 1.2 s without it). It also keeps many viewers at once from costing a key frame each, on every layer.
 */
const KEY_FRAME_REQUEST_DELAY = 330;

export interface ClientMediaEvents {
  /** A consumer is there; nothing flows until the client is ready. */
  onConsumer(consumer: {
    consumer: string;
    source: SourceId;
    kind: SourceKind;
    layers: number[];
    rtpParameters: RtpParameters;
  }): void;
  onConsumerClosed(consumer: string): void;
  /** What is to be given has to be looked at again: something came, is late, or has left its place to something else. */
  onFlow(): void;
  onLayer(consumer: string, layer: number | undefined): void;
  readonly onLost: Lost;
  onFault(error: unknown, what: string): void;
}

export interface ClientPath {
  /** Of the way that ICE has chosen, as it reaches this SFT: also from a TURN server, which the client may reach otherwise. */
  readonly protocol: 'udp' | 'tcp' | undefined;
  readonly inMbit: number;
  readonly outMbit: number;
  /** Shares of packets, 0 to 1, by transport-wide feedback. */
  readonly lossIn: number | undefined;
  readonly lossOut: number | undefined;
  /** By RTCP. */
  readonly rttMs: number | undefined;
}

/** What is to be known of a source that is given. */
interface Published {
  readonly kind: SourceKind;
  readonly muted: boolean;
}

/** One rendition of a source on its way to this client. Layers are counted among the encodings of the producer here. */
interface Given {
  readonly consumer: types.Consumer;
  readonly source: SourceId;
  readonly rendition: Rendition;
  ready: boolean;
  wanted: boolean;
  spatial: number;
  /** The layer that flows, counted likewise; of the lowest rendition mediasoup says nothing. */
  current: number | undefined;
  flow: Flow;
  muted: boolean;
  /** Until it is late, or settled. */
  timer: ReturnType<typeof setTimeout> | undefined;
  readonly nudge: Nudge;
  readonly first: FirstPicture;
}

/**
 * How early a viewer's consumers are served when mediasoup shares out the bandwidth, 1 to 255, by the layer that is wished:
 * the large picture gets all of its layers before others get a second one.
 */
const PRIORITY = [1, 4, 32] as const;
const SCREEN_PRIORITY = 64;

export class ClientMedia {
  readonly #participant: ParticipantId;
  readonly #router: types.Router;
  readonly #transports: Readonly<Record<TransportName, ClientTransport>>;
  readonly #events: ClientMediaEvents;
  readonly #published = new Map<SourceId, readonly Produced[]>();
  readonly #given = new Map<Rendition, Given>();
  readonly #connected = new Set<TransportName>();
  #capabilities: types.RtpCapabilities | undefined;

  private constructor(
    participant: ParticipantId,
    router: types.Router,
    transports: Readonly<Record<TransportName, ClientTransport>>,
    events: ClientMediaEvents,
  ) {
    this.#participant = participant;
    this.#router = router;
    this.#transports = transports;
    this.#events = events;
  }

  static async open(
    worker: MediaWorker,
    participant: ParticipantId,
    entrance: Entrance,
    events: ClientMediaEvents,
  ): Promise<ClientMedia> {
    const [send, receive] = await Promise.all([
      openTransport(worker, entrance, events.onLost),
      openTransport(worker, entrance, events.onLost),
    ]);
    await send.limitIncoming(MAX_INCOMING_BITRATE);
    return new ClientMedia(participant, worker.router, { send, receive }, events);
  }

  offer(name: TransportName): TransportOffer {
    return this.#transports[name].offer;
  }

  /** @throws HawserError SIG_ORDER the second time, SFT_MEDIA_REFUSED */
  async connect(name: TransportName, dtlsParameters: DtlsParameters): Promise<void> {
    if (this.#connected.has(name)) throw new HawserError('SIG_ORDER', `${name} is connected`);
    this.#connected.add(name);
    await refusing(this.#transports[name].connect(dtlsParameters));
  }

  /** @throws HawserError SIG_ORDER the second time */
  receive(capabilities: RtpCapabilities): void {
    if (this.#capabilities) throw new HawserError('SIG_ORDER', 'receive was said');
    this.#capabilities = capabilities as types.RtpCapabilities;
  }

  /**
   * @param rtpParameters after `checkPublished`
   * @throws HawserError SFT_MEDIA_REFUSED
   */
  async publish(
    source: SourceId,
    kind: SourceKind,
    renditions: readonly PublishedRendition[],
    muted: boolean,
  ): Promise<readonly Produced[]> {
    const produced: Produced[] = [];
    this.#published.set(source, produced);
    try {
      for (const { layers, rtpParameters } of renditions) {
        const parameters = {
          ...(rtpParameters as types.RtpParameters),
          encodings: (rtpParameters.encodings ?? []).flatMap((encoding) =>
            encodingsOf(layers, encoding as types.RtpEncodingParameters),
          ),
          rtcp: { cname: this.#participant, reducedSize: true },
          // Renditions of one source are tracks of their own in one stream.
          msid: `${this.#participant} ${source}.${layers[0]}`,
        };
        const producer = await refusing(
          this.#transports.send.media.produce({
            kind: isVideo(kind) ? 'video' : 'audio',
            rtpParameters: parameters,
            paused: muted,
            ...(isVideo(kind) ? { keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY } : {}),
          }),
        );
        produced.push({ layers, producer });
      }
      return produced;
    } catch (error) {
      this.unpublish(source);
      throw error;
    }
  }

  unpublish(source: SourceId): void {
    for (const { producer } of this.#published.get(source) ?? []) producer.close();
    this.#published.delete(source);
  }

  async mute(source: SourceId, muted: boolean): Promise<void> {
    const produced = this.#published.get(source) ?? [];
    await Promise.all(produced.map(({ producer }) => (muted ? producer.pause() : producer.resume())));
  }

  /**
   * The client has set up its end of a consumer.
   * @throws HawserError SFT_UNKNOWN_SOURCE when it is gone
   */
  async ready(consumer: string): Promise<void> {
    const given = [...this.#given.values()].find((candidate) => candidate.consumer.id === consumer);
    if (!given) throw new HawserError('SFT_UNKNOWN_SOURCE', 'consumer');
    given.ready = true;
    if (given.wanted) await this.#resume(given);
  }

  /** Makes it so that this client is given exactly these sources. */
  async give(
    subscriptions: readonly Subscription[],
    sources: ReadonlyMap<SourceId, SourceMedia>,
    sourceOf: (source: SourceId) => Published | undefined,
  ): Promise<void> {
    const wanted = new Map<Rendition, { source: SourceId; kind: SourceKind; spatial: number }>();
    for (const { source, layer } of subscriptions) {
      const published = sourceOf(source);
      if (!published) continue;
      const { kind, muted } = published;
      this.#hush(source, muted);
      const renditions = sources.get(source)?.renditions ?? [];
      const flowOf = (index: number) => this.#flowOf(source, renditions[index]);
      for (const choice of renditionsFor(
        renditions.map(({ layers }) => layers),
        layer,
        flowOf,
      )) {
        const rendition = renditions[choice.rendition] as Rendition;
        wanted.set(rendition, { source, kind, spatial: rendition.layers.indexOf(choice.layer) });
      }
    }
    const work: Promise<void>[] = [];
    for (const [rendition, given] of this.#given) {
      const want = wanted.get(rendition);
      const media = sources.get(given.source);
      if (want) work.push(this.#adjust(given, want.kind, want.spatial));
      else if (!media || media.renditions.includes(rendition))
        work.push(this.#halt(given, sourceOf(given.source)?.kind));
      // Another rendition has taken its place: it goes on until that one flows, so that the viewer misses nothing.
      else if (!given.wanted || ![...wanted.keys()].some((each) => isSuccessor(each, media, given)))
        this.#release(given);
    }
    for (const [rendition, { source, kind, spatial }] of wanted) {
      if (!this.#given.has(rendition)) work.push(this.#begin(source, kind, rendition, spatial));
    }
    await Promise.all(work);
  }

  /** The layers of each picture that the client can take at once. */
  get receivable(): Map<SourceId, Set<number>> {
    const ready = new Map<SourceId, Set<number>>();
    for (const given of this.#given.values()) {
      if (!given.ready) continue;
      const layers = ready.get(given.source) ?? new Set();
      for (const layer of given.rendition.layers) layers.add(layer);
      ready.set(given.source, layers);
    }
    return ready;
  }

  /** The pictures that do not come in the layer that is wished, or not any more. */
  get late(): Set<SourceId> {
    const late = [...this.#given.values()].filter(({ wanted, flow }) => wanted && flow === 'late');
    return new Set(late.map(({ source }) => source));
  }

  /** A layer of the source came alive: this viewer may be waiting for it. */
  layersChanged(source: SourceId): void {
    for (const given of this.#given.values()) {
      if (given.source === source && given.consumer.type === 'simulcast') given.nudge.start();
    }
  }

  /** Whether anything of the producer is given. */
  uses(producer: types.Producer): boolean {
    return [...this.#given.keys()].some((rendition) => rendition.producer === producer);
  }

  /** How media goes between the client and this SFT now; what is not known yet is missing. */
  async path(): Promise<ClientPath> {
    const { send, receive } = this.#transports;
    const [consumer] = [...this.#given.values()].filter(({ wanted }) => wanted).map((given) => given.consumer);
    const [incoming, outgoing, reports = []] = await Promise.all([
      unlessClosed(send.media, () => send.statistics()),
      unlessClosed(receive.media, () => receive.statistics()),
      consumer && unlessClosed(consumer, () => consumer.getStats()),
    ]);
    const rttMs = reports.find(({ type }) => type === 'outbound-rtp')?.roundTripTime;
    return {
      protocol: (outgoing ?? incoming)?.protocol,
      inMbit: (incoming?.received ?? 0) / 1e6,
      outMbit: (outgoing?.sent ?? 0) / 1e6,
      lossIn: incoming?.lossReceived,
      lossOut: outgoing?.lossSent,
      rttMs: rttMs === undefined || rttMs === 0 ? undefined : Math.round(rttMs),
    };
  }

  close(): void {
    for (const given of this.#given.values()) cease(given);
    for (const transport of Object.values(this.#transports)) transport.close();
    this.#published.clear();
    this.#given.clear();
  }

  /** @param wanted false: only that it is ready when it is wished for */
  #begin(source: SourceId, kind: SourceKind, rendition: Rendition, spatial: number, wanted = true): Promise<void> {
    const rtpCapabilities = this.#capabilities;
    const { producer } = rendition;
    if (!rtpCapabilities || producer.closed) return Promise.resolve();
    // A client without the codec is given everything else.
    if (!this.#router.canConsume({ producerId: producer.id, rtpCapabilities })) return Promise.resolve();
    return unlessClosed(producer, () => this.#consume(source, kind, rendition, spatial, wanted, rtpCapabilities));
  }

  async #consume(
    source: SourceId,
    kind: SourceKind,
    rendition: Rendition,
    spatial: number,
    wanted: boolean,
    rtpCapabilities: types.RtpCapabilities,
  ): Promise<void> {
    const onFault = (error: unknown) => this.#events.onFault(error, 'layers');
    const { producer, layers } = rendition;
    const consumer = await this.#transports.receive.media.consume({
      producerId: producer.id,
      rtpCapabilities,
      paused: true,
      ...(producer.type === 'simple' ? {} : { preferredLayers: { spatialLayer: spatial, temporalLayer: 2 } }),
    });
    const nudge = new Nudge(() => this.#lookAgain(given).catch(onFault));
    const given: Given = {
      consumer,
      source,
      rendition,
      ready: false,
      wanted,
      spatial,
      current: undefined,
      // What takes the place of something late is so from the beginning.
      flow: (wanted && this.#flowOf(source, rendition)) === 'late' ? 'late' : 'waiting',
      timer: undefined,
      muted: false,
      ...{ nudge, first: new FirstPicture(consumer, onFault, () => given.muted) },
    };
    this.#given.set(rendition, given);
    consumer.observer.once('close', () => cease(given));
    consumer.on('layerschange', (now) => {
      const flowed = given.current !== undefined;
      given.current = now?.spatialLayer;
      if (given.wanted && flowed !== (given.current !== undefined)) this.#watch(given);
      this.#events.onLayer(consumer.id, now && layers[now.spatialLayer]);
    });
    consumer.once('producerclose', () => {
      if (this.#given.get(rendition) === given) this.#given.delete(rendition);
      this.#events.onConsumerClosed(consumer.id);
    });
    if (kind !== 'microphone') await this.#prioritise(given, kind);
    await this.#relieve(given, kind);
    this.#events.onConsumer({
      consumer: consumer.id,
      source,
      kind,
      layers: [...layers],
      rtpParameters: consumer.rtpParameters as RtpParameters,
    });
  }

  /** Ends what the new one takes the place of, once the viewer has been sent its first sound or its first key frame. */
  async #relieve(given: Given, kind: SourceKind): Promise<void> {
    const { consumer, source, rendition } = given;
    const before = [...this.#given.values()].filter(
      (each) => each !== given && each.source === source && each.rendition.layers[0] === rendition.layers[0],
    );
    if (before.length === 0) return;
    consumer.once('trace', () => {
      for (const each of before) this.#release(each);
      unlessClosed(consumer, () => consumer.enableTraceEvent([])).catch((error: unknown) =>
        this.#events.onFault(error, 'trace'),
      );
    });
    await unlessClosed(consumer, () => consumer.enableTraceEvent([kind === 'microphone' ? 'rtp' : 'keyframe']));
  }

  #release(given: Given): void {
    if (this.#given.get(given.rendition) !== given) return;
    this.#drop(given);
    this.#events.onFlow();
  }

  /** Of the rendition, or of the one whose place it is to take. */
  #flowOf(source: SourceId, rendition: Rendition | undefined): Flow | undefined {
    if (!rendition) return undefined;
    const isSame = (each: Given) => each.source === source && each.rendition.layers[0] === rendition.layers[0];
    const given = this.#given.get(rendition) ?? [...this.#given.values()].find((each) => each.wanted && isSame(each));
    return given?.wanted ? given.flow : undefined;
  }

  /** Nothing comes of a muted source, and nobody is to be given something else for it. */
  #hush(source: SourceId, muted: boolean): void {
    for (const given of this.#given.values()) {
      if (given.source !== source || given.muted === muted) continue;
      given.muted = muted;
      if (given.wanted && given.current === undefined) this.#watch(given, 'waiting');
    }
  }

  /** It begins or ceases to flow, or can flow from now on. @param before how it came until now */
  #watch(given: Given, before: Flow = given.flow): void {
    if (given.consumer.type !== 'simulcast') return; // whatever else it is, nothing is given beside it
    const flows = given.current !== undefined;
    if (before === 'late' && !flows) return;
    clearTimeout(given.timer);
    given.flow = flows ? 'fresh' : 'waiting';
    if (!flows && given.muted) return;
    const [next, ms] = flows
      ? (['settled', before === 'late' ? STEADY_MS : SETTLE_MS] as const)
      : (['late', LATE_MS] as const);
    given.timer = setTimeout(() => {
      given.flow = next;
      this.#events.onFlow();
    }, ms);
  }

  #prioritise({ consumer, rendition, spatial }: Given, kind: SourceKind): Promise<void> {
    const layer = rendition.layers[spatial] ?? 0;
    const priority = kind === 'screen' ? SCREEN_PRIORITY : (PRIORITY[layer] ?? 1);
    return unlessClosed(consumer, () => consumer.setPriority(priority));
  }

  /** Down and up again, so that mediasoup compares the layers anew; nothing flows differently in between. */
  async #lookAgain(given: Given): Promise<void> {
    const { consumer, current, spatial } = given;
    if (!given.wanted || consumer.closed || (current !== undefined && current >= spatial)) return;
    const down = consumer.setPreferredLayers(
      spatial > 0 ? { spatialLayer: spatial - 1, temporalLayer: 2 } : { spatialLayer: 0, temporalLayer: 1 },
    );
    await unlessClosed(consumer, () => Promise.all([down, preferLayer(given)]).then(() => undefined));
  }

  #drop(given: Given): void {
    this.#given.delete(given.rendition);
    given.consumer.close();
    this.#events.onConsumerClosed(given.consumer.id);
  }

  /**
   * The viewer wants the rendition no more. A browser takes a stream that goes on after a pause of some seconds for a picture
   * that stood still, and to begin one costs a negotiation of some 50 ms. So what was seen beside the lowest rendition is
   * replaced now by a consumer that nothing has flowed on yet, ready for the next wish.
   */
  async #halt(given: Given, kind: SourceKind | undefined): Promise<void> {
    const isBeside = (given.rendition.layers[0] ?? 0) > 0;
    if (!given.wanted || !given.ready || !isBeside || !kind) return this.#pause(given);
    this.#drop(given);
    await this.#begin(given.source, kind, given.rendition, given.spatial, false);
  }

  async #pause(given: Given): Promise<void> {
    if (!given.wanted) return;
    given.wanted = false;
    clearTimeout(given.timer);
    given.first.stop();
    await unlessClosed(given.consumer, () => given.consumer.pause());
    this.#events.onLayer(given.consumer.id, undefined);
  }

  async #adjust(given: Given, kind: SourceKind, spatial: number): Promise<void> {
    if (given.spatial !== spatial) {
      given.spatial = spatial;
      await unlessClosed(given.consumer, () => preferLayer(given));
      await this.#prioritise(given, kind);
    }
    if (given.wanted) return;
    given.wanted = true;
    given.flow = 'waiting';
    if (given.ready) await this.#resume(given);
  }

  async #resume(given: Given): Promise<void> {
    this.#watch(given);
    await unlessClosed(given.consumer, () => given.consumer.resume());
    given.first.begin();
    if (given.consumer.type === 'simulcast') return given.nudge.start();
    // A single stream says nothing of itself.
    if (given.wanted && given.consumer.type === 'simple')
      this.#events.onLayer(given.consumer.id, given.rendition.layers[0]);
  }
}

function cease({ nudge, timer }: Given): void {
  nudge.stop();
  clearTimeout(timer);
}

function isSuccessor(rendition: Rendition, media: SourceMedia, given: Given): boolean {
  return media.renditions.includes(rendition) && rendition.layers[0] === given.rendition.layers[0];
}

function preferLayer({ consumer, spatial }: Given): Promise<void> {
  return consumer.setPreferredLayers({ spatialLayer: spatial, temporalLayer: 2 });
}

/** What mediasoup refuses is the sender's mistake, told to that sender alone. */
async function refusing<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw new HawserError('SFT_MEDIA_REFUSED', error instanceof Error ? error.message.slice(0, 200) : undefined);
  }
}
