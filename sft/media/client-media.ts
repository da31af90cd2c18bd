/**
 * One client's media on this SFT: a transport to send on, one to receive on, what it publishes and what it is given.
 * What it should be given is stated whole; the difference is worked off.
 */
import type { types } from 'mediasoup';
import type { TransportName } from '#signalling/client-sft.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import { isVideo, type SourceKind } from '#signalling/media-profile.ts';
import type { DtlsParameters, RtpCapabilities, RtpParameters, TransportOffer } from '#signalling/webrtc.ts';
import type { Subscription } from '../conference/plan.ts';
import { type ClientTransport, type Entrance, type Lost, openTransport } from './client-transport.ts';
import { checkPublished } from './codecs.ts';
import { Nudge } from './nudge.ts';
import type { SourceMedia } from './source-media.ts';
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
  onConsumer(consumer: { consumer: string; source: SourceId; kind: SourceKind; rtpParameters: RtpParameters }): void;
  onConsumerClosed(consumer: string): void;
  onLayer(consumer: string, layer: number | undefined): void;
  readonly onLost: Lost;
  onFault(error: unknown, what: string): void;
}

interface Given {
  readonly consumer: types.Consumer;
  readonly kind: SourceKind;
  ready: boolean;
  wanted: boolean;
  layer: number;
  /** A picture flows. Until then the lowest layer is asked for, whatever the wish. */
  begun: boolean;
  /** The layer that flows. */
  current: number | undefined;
  readonly nudge: Nudge;
}

export class ClientMedia {
  readonly #participant: ParticipantId;
  readonly #router: types.Router;
  readonly #transports: Readonly<Record<TransportName, ClientTransport>>;
  readonly #events: ClientMediaEvents;
  readonly #published = new Map<SourceId, types.Producer>();
  readonly #given = new Map<SourceId, Given>();
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

  /** @throws HawserError SFT_MEDIA_REFUSED */
  async publish(
    source: SourceId,
    kind: SourceKind,
    rtpParameters: RtpParameters,
    muted: boolean,
  ): Promise<types.Producer> {
    checkPublished(kind, rtpParameters);
    const producer = await refusing(
      this.#transports.send.media.produce({
        kind: isVideo(kind) ? 'video' : 'audio',
        rtpParameters: {
          ...(rtpParameters as types.RtpParameters),
          rtcp: { cname: this.#participant, reducedSize: true },
          msid: `${this.#participant} ${source}`,
        },
        paused: muted,
        ...(isVideo(kind) ? { keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY } : {}),
      }),
    );
    this.#published.set(source, producer);
    return producer;
  }

  unpublish(source: SourceId): void {
    this.#published.get(source)?.close();
    this.#published.delete(source);
  }

  async mute(source: SourceId, muted: boolean): Promise<void> {
    const producer = this.#published.get(source);
    await (muted ? producer?.pause() : producer?.resume());
  }

  /**
   * The client has set up its end of a consumer.
   * @throws HawserError SFT_UNKNOWN_SOURCE when it is gone
   */
  async ready(consumer: string): Promise<void> {
    const given = [...this.#given.values()].find((candidate) => candidate.consumer.id === consumer);
    if (!given) throw new HawserError('SFT_UNKNOWN_SOURCE', 'consumer');
    given.ready = true;
    if (given.wanted) await unlessClosed(given.consumer, () => given.consumer.resume());
  }

  /** Makes it so that this client is given exactly these sources. */
  async give(
    subscriptions: readonly Subscription[],
    sources: ReadonlyMap<SourceId, SourceMedia>,
    kindOf: (source: SourceId) => SourceKind | undefined,
  ): Promise<void> {
    const wanted = new Map(subscriptions.map((subscription) => [subscription.source, subscription.layer]));
    const work: Promise<void>[] = [];
    for (const [source, given] of this.#given) {
      const layer = wanted.get(source);
      if (layer === undefined) work.push(this.#pause(given));
      else work.push(this.#adjust(given, layer));
    }
    for (const [source, layer] of wanted) {
      const media = sources.get(source);
      const kind = kindOf(source);
      if (!this.#given.has(source) && media && kind) work.push(this.#begin(source, kind, media, layer));
    }
    await Promise.all(work);
  }

  /** A layer of the source came alive: this viewer may be waiting for it. */
  layersChanged(source: SourceId): void {
    const given = this.#given.get(source);
    if (given?.consumer.type === 'simulcast') given.nudge.start();
  }

  close(): void {
    for (const { nudge } of this.#given.values()) nudge.stop();
    for (const transport of Object.values(this.#transports)) transport.close();
    this.#published.clear();
    this.#given.clear();
  }

  #begin(source: SourceId, kind: SourceKind, media: SourceMedia, layer: number): Promise<void> {
    const rtpCapabilities = this.#capabilities;
    if (!rtpCapabilities || media.producer.closed) return Promise.resolve();
    // A client without the codec is given everything else.
    if (!this.#router.canConsume({ producerId: media.producer.id, rtpCapabilities })) return Promise.resolve();
    return unlessClosed(media.producer, () => this.#consume(source, kind, media, layer, rtpCapabilities));
  }

  async #consume(
    source: SourceId,
    kind: SourceKind,
    media: SourceMedia,
    layer: number,
    rtpCapabilities: types.RtpCapabilities,
  ): Promise<void> {
    const onFault = (error: unknown) => this.#events.onFault(error, 'layers');
    const simulcast = media.producer.type === 'simulcast';
    const consumer = await this.#transports.receive.media.consume({
      producerId: media.producer.id,
      rtpCapabilities,
      paused: true,
      // A publisher that has just begun sends some packets on every layer and then none on those that its bandwidth does
      // not carry yet; whoever waits for a key frame of such a layer waits up to four seconds. The lowest one always comes.
      ...(simulcast ? { preferredLayers: { spatialLayer: 0, temporalLayer: 2 } } : {}),
    });
    const nudge = new Nudge(() => this.#lookAgain(given).catch(onFault));
    const given: Given = {
      consumer,
      kind,
      ready: false,
      wanted: true,
      layer,
      begun: !simulcast,
      current: undefined,
      nudge,
    };
    this.#given.set(source, given);
    consumer.observer.once('close', () => nudge.stop());
    consumer.on('layerschange', (layers) => {
      given.current = layers?.spatialLayer;
      this.#events.onLayer(consumer.id, layers?.spatialLayer);
      if (layers && !given.begun) this.#raise(given).catch(onFault);
    });
    consumer.once('producerclose', () => {
      if (this.#given.get(source) === given) this.#given.delete(source);
      this.#events.onConsumerClosed(consumer.id);
    });
    this.#events.onConsumer({
      consumer: consumer.id,
      source,
      kind,
      rtpParameters: consumer.rtpParameters as RtpParameters,
    });
  }

  /** The first picture is there: from now on the layer that was wished. */
  async #raise(given: Given): Promise<void> {
    given.begun = true;
    await unlessClosed(given.consumer, () => preferLayer(given));
    given.nudge.start();
  }

  /** Down and up again, so that mediasoup compares the layers anew; nothing flows differently in between. */
  async #lookAgain(given: Given): Promise<void> {
    const { consumer, current, layer } = given;
    if (!given.wanted || current === undefined || current >= layer || consumer.closed) return;
    const down = consumer.setPreferredLayers({ spatialLayer: layer - 1, temporalLayer: 2 });
    await unlessClosed(consumer, () => Promise.all([down, preferLayer(given)]).then(() => undefined));
  }

  async #pause(given: Given): Promise<void> {
    if (!given.wanted) return;
    given.wanted = false;
    await unlessClosed(given.consumer, () => given.consumer.pause());
    this.#events.onLayer(given.consumer.id, undefined);
  }

  async #adjust(given: Given, layer: number): Promise<void> {
    if (given.layer !== layer && given.consumer.type === 'simulcast') {
      given.layer = layer;
      if (given.begun) await unlessClosed(given.consumer, () => preferLayer(given));
      given.nudge.start();
    }
    if (given.wanted) return;
    given.wanted = true;
    if (given.ready) await unlessClosed(given.consumer, () => given.consumer.resume());
  }
}

function preferLayer({ consumer, layer }: Given): Promise<void> {
  return consumer.setPreferredLayers({ spatialLayer: layer, temporalLayer: 2 });
}

/** What mediasoup refuses is the sender's mistake, told to that sender alone. */
async function refusing<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw new HawserError('SFT_MEDIA_REFUSED', error instanceof Error ? error.message.slice(0, 200) : undefined);
  }
}
