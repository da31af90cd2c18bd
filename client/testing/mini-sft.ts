/**
 * The neighbour that the client's tests talk to: one mediasoup router behind the real contract, on which everybody is in one
 * conference, without links or limits. The real SFT is tested in its own folder.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWorker, type types } from 'mediasoup';
import { Queue } from '#mls/queue.ts';
import type { CallMember, CallTicket } from '#signalling/client-home.ts';
import { CLIENT_SFT, CLIENT_SFT_PATH, type RosterEntry, type Wish } from '#signalling/client-sft.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName, ParticipantId, SessionId, SourceId, UserId } from '#signalling/ids.ts';
import { CODECS_OF, isVideo, PAYLOAD, type SourceKind } from '#signalling/media-profile.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import type { RtpCapabilities, RtpParameters, TransportOffer } from '#signalling/webrtc.ts';
import { acceptSockets } from '#signalling/websocket.ts';

const id = <T extends string>(bytes: number) => randomBytes(bytes).toString('base64url') as T;

const CODECS: types.RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    preferredPayloadType: PAYLOAD.opus,
    clockRate: 48_000,
    channels: 2,
    parameters: { useinbandfec: 1, usedtx: 1 },
  },
  { kind: 'video', mimeType: 'video/VP8', preferredPayloadType: PAYLOAD.vp8, clockRate: 90_000 },
  { kind: 'video', mimeType: 'video/VP9', preferredPayloadType: PAYLOAD.vp9, clockRate: 90_000 },
];

interface Produced {
  readonly layers: readonly number[];
  /** What comes from whoever publishes. */
  readonly origin: types.Producer;
  /** What the others get. */
  readonly producer: types.Producer;
}

/** Whose packet it is, as the SFT knows. */
export interface PacketFrom {
  readonly participant: ParticipantId;
  readonly kind: SourceKind;
  readonly source: SourceId;
}

/** Gets each RTP packet without the encryption of its hop, as every SFT has it, and sends on what it likes, as anybody's. */
export type Meddle = (packet: Buffer, from: PacketFrom, send: (packet: Buffer, as?: SourceId) => void) => void;

/** What a ticket says, which nobody checks here. */
export interface Admission {
  readonly participant: ParticipantId;
  readonly domain: DomainName;
  readonly conference: ConferenceId;
}

export interface MiniSftOptions {
  /** Reads tickets of real homeservers, in place of its own. */
  readonly read?: (ticket: string) => Admission;
  /** Stands between whoever publishes and all others. Of a camera with several layers it gets the smallest. */
  readonly meddle?: Meddle;
  /** Somebody came or went: all who are here. */
  readonly onPresence?: (present: readonly Admission[]) => void;
}

interface Person {
  readonly admission: Admission;
  readonly entry: RosterEntry;
  readonly rpc: Rpc<typeof CLIENT_SFT, 'acceptor'>;
  readonly send: types.WebRtcTransport;
  readonly receive: types.WebRtcTransport;
  /** By producer. */
  readonly consumers: Map<string, types.Consumer>;
  readonly queue: Queue;
  capabilities?: RtpCapabilities;
  wishes: readonly Wish[];
}

export class MiniSft {
  readonly conference = id<ConferenceId>(16);
  readonly domain = 'alpha.example' as DomainName;
  readonly members: CallMember[] = [];
  readonly people = new Map<ParticipantId, Person>();
  readonly sources = new Map<SourceId, { readonly kind: SourceKind; readonly produced: readonly Produced[] }>();
  /** All that people said to everybody. */
  readonly signals: { readonly participant: ParticipantId; readonly payload: string }[] = [];
  readonly #worker: types.Worker;
  readonly #router: types.Router;
  readonly #server: Server;
  readonly #acceptor: ReturnType<typeof acceptSockets>;
  readonly #options: MiniSftOptions;
  #seq = 1;
  #direct: Promise<types.DirectTransport> | undefined;
  /** By source, what others get in its place. */
  readonly #meddled = new Map<SourceId, { readonly given: types.Producer; sequence: number }>();

  private constructor(worker: types.Worker, router: types.Router, server: Server, options: MiniSftOptions) {
    this.#options = options;
    this.#worker = worker;
    this.#router = router;
    this.#server = server;
    this.#acceptor = acceptSockets({
      server,
      path: CLIENT_SFT_PATH,
      contract: CLIENT_SFT,
      maxConnections: 100,
      onSocket: (socket) => this.#accept(socket),
    });
  }

  static async start(options: MiniSftOptions = {}): Promise<MiniSft> {
    const worker = await createWorker({ logLevel: 'warn' });
    const router = await worker.createRouter({ mediaCodecs: CODECS });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new MiniSft(worker, router, server, options);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}${CLIENT_SFT_PATH}`;
  }

  /** What the homeserver would give to somebody of that name. */
  ticket(name: string, domain: DomainName = this.domain): CallTicket {
    const participant = id<ParticipantId>(16);
    const user = `mimi://${domain}/u/${name}` as UserId;
    this.members.push({ participant, user, domain, name });
    const call = {
      conference: this.conference,
      anchor: this.domain,
      startedBy: user,
      startedAt: 0,
      members: this.members,
    };
    return { ticket: `${participant} ${domain}`, sft: this.url, participant, call };
  }

  /** Closes everybody's connection with a code. */
  endAll(code: ErrorCode): void {
    for (const { rpc } of this.people.values()) rpc.close(code);
  }

  /** Says to whoever publishes the source which layers somebody watches. */
  wantLayers(source: SourceId, layers: number[]): void {
    for (const { entry, rpc } of this.people.values()) {
      if (entry.sources.some((each) => each.source === source)) rpc.notify('layers', { source, layers });
    }
  }

  /** Bytes that came of each layer of a source. */
  async bytesOf(source: SourceId): Promise<number[]> {
    const { produced } = this.sources.get(source) ?? { produced: [] };
    const bytes: number[] = [];
    for (const { layers, origin } of produced) {
      const stats = await origin.getStats();
      const encodings = origin.rtpParameters.encodings ?? [];
      for (const [index, layer] of layers.entries()) {
        const { rid, ssrc } = encodings[index] ?? {};
        const own = stats.filter((each) => (rid === undefined ? each.ssrc === ssrc : each.rid === rid));
        bytes[layer] = own.reduce((sum, { byteCount }) => sum + byteCount, 0);
      }
    }
    return bytes;
  }

  close(): void {
    this.#acceptor.close();
    this.#server.close();
    this.#worker.close();
  }

  async #transport(): Promise<types.WebRtcTransport> {
    // By itself mediasoup takes any from 10,000 on, also those that other tests are about to listen on.
    const portRange = { min: 32_768, max: 60_999 };
    return this.#router.createWebRtcTransport({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1', portRange }] });
  }

  #accept(socket: Socket): void {
    let me: Person | undefined;
    const mine = (): Person => {
      if (!me) throw new Error('join first');
      return me;
    };
    const rpc = new Rpc({
      contract: CLIENT_SFT,
      side: 'acceptor',
      socket,
      onFault: (error) => console.error(error),
      onClose: () => me && this.#drop(me),
      notifications: {
        wishes: ({ wishes }) => {
          mine().wishes = wishes;
          void this.#serve(mine());
        },
        hand: ({ raised }) => {
          mine().entry.hand = raised;
          this.#tell();
        },
        signal: ({ payload }) => {
          const { participant } = mine().entry;
          this.signals.push({ participant, payload });
          for (const { rpc: other } of this.people.values())
            if (other !== rpc) other.notify('signalled', { participant, payload });
        },
      },
      requests: {
        join: async ({ ticket }) => {
          const admission = (this.#options.read ?? this.#own)(ticket);
          const { participant, domain, conference } = admission;
          const [send, receive] = await Promise.all([this.#transport(), this.#transport()]);
          if (!rpc.isOpen) {
            send.close();
            receive.close();
            throw new HawserError('SIG_CLOSED');
          }
          const via = domain === this.domain ? [] : [domain];
          const entry: RosterEntry = { participant, domain, via, hand: false, sources: [] };
          me = { admission, entry, rpc, send, receive, consumers: new Map(), queue: new Queue(), wishes: [] };
          this.people.set(participant, me);
          const roster = this.#tell();
          this.#present();
          return {
            session: id<SessionId>(16),
            conference,
            participant,
            domain: this.domain,
            anchor: this.domain,
            capabilities: this.#router.rtpCapabilities as RtpCapabilities,
            send: offerOf(send),
            receive: offerOf(receive),
            roster,
          };
        },
        connect: async ({ transport, dtlsParameters }) => {
          await mine()[transport].connect({ dtlsParameters });
          return {};
        },
        receive: async ({ capabilities }) => {
          mine().capabilities = capabilities;
          await this.#serve(mine());
          return {};
        },
        publish: async ({ kind, renditions, muted }) => {
          const source = id<SourceId>(12);
          const produced: Produced[] = [];
          for (const { layers, rtpParameters } of renditions) {
            const origin = await mine().send.produce({
              kind: isVideo(kind) ? 'video' : 'audio',
              rtpParameters: rtpParameters as types.RtpParameters,
              paused: muted,
            });
            const from = { participant: mine().entry.participant, kind, source };
            const { meddle } = this.#options;
            if (meddle) produced.push({ layers: [0], origin, producer: await this.#between(origin, from, meddle) });
            else produced.push({ layers, origin, producer: origin });
          }
          this.sources.set(source, { kind, produced });
          const layers = renditions.flatMap((each) => each.layers);
          const mimeType = renditions[0]?.rtpParameters.codecs[0]?.mimeType.toLowerCase();
          const codec = CODECS_OF[kind].find((each) => mimeType?.endsWith(each));
          if (!codec) throw new Error('a codec that is not of the profile');
          mine().entry.sources.push({ source, kind, codec, layers, muted });
          this.#tell();
          await Promise.all([...this.people.values()].map((person) => this.#serve(person)));
          return { source };
        },
        unpublish: async ({ source }) => {
          this.#forget(source);
          const { sources } = mine().entry;
          sources.splice(0, sources.length, ...sources.filter((each) => each.source !== source));
          this.#tell();
          return {};
        },
        mute: async ({ source, muted }) => {
          const own = mine().entry.sources.find((each) => each.source === source);
          if (own) own.muted = muted;
          for (const { origin } of this.sources.get(source)?.produced ?? []) {
            await (muted ? origin.pause() : origin.resume());
          }
          this.#tell();
          return {};
        },
        ready: async ({ consumer }) => {
          const found = [...mine().consumers.values()].find((each) => each.id === consumer);
          await found?.resume();
          return {};
        },
        leave: async () => {
          setImmediate(() => rpc.close());
          return {};
        },
      },
    });
  }

  /** Takes the packets of a producer out of the router, and what is sent on in its place back into it. */
  async #between(origin: types.Producer, from: PacketFrom, meddle: Meddle): Promise<types.Producer> {
    this.#direct ??= this.#router.createDirectTransport();
    const direct = await this.#direct;
    const { rtpCapabilities } = this.#router;
    const taken = await direct.consume({ producerId: origin.id, rtpCapabilities });
    const { codecs, headerExtensions = [], encodings = [] } = taken.rtpParameters;
    const given = await direct.produce({
      kind: origin.kind,
      rtpParameters: { codecs: codecs.slice(0, 1), headerExtensions, encodings: [{ ssrc: encodings[0]?.ssrc ?? 1 }] },
    });
    this.#meddled.set(from.source, { given, sequence: 0 });
    const send = (packet: Buffer, as = from.source) => {
      const copy = Buffer.from(packet);
      const to = this.#meddled.get(as);
      // As every SFT does it: whoever looks at the numbers alone notices nothing.
      if (!to) return;
      to.sequence = (to.sequence + 1) & 0xffff;
      copy.writeUInt16BE(to.sequence, 2);
      copy.writeUInt32BE(to.given.rtpParameters.encodings?.[0]?.ssrc ?? 0, 8);
      to.given.send(copy);
    };
    taken.on('rtp', (packet) => meddle(packet, from, send));
    given.observer.on('close', () => taken.close());
    // Whoever looks asks the producer that he sees.
    const timer = setInterval(
      () => origin.kind === 'video' && void taken.requestKeyFrame().catch(() => undefined),
      500,
    );
    given.observer.on('close', () => clearInterval(timer));
    return given;
  }

  /** One time after the other: who is served twice at once would be given two consumers of one source. */
  async #serve(person: Person): Promise<void> {
    try {
      await person.queue.run(() => this.#serveAll(person));
    } catch (error) {
      // Whoever leaves at this moment must not keep others from joining, or from publishing.
      if (person.rpc.isOpen) throw error;
    }
  }

  async #serveAll(person: Person): Promise<void> {
    if (!person.capabilities) return;
    const layers = new Map(person.wishes.map(({ source, layer }) => [source, layer]));
    for (const [source, { produced, kind }] of this.sources) {
      const wish = isVideo(kind) ? layers.get(source) : 0;
      if (wish === undefined || person.entry.sources.some((each) => each.source === source)) continue;
      for (const each of produced) await this.#deliver(person, source, kind, each, wish);
    }
  }

  async #deliver(person: Person, source: SourceId, kind: SourceKind, { layers, producer }: Produced, wish: number) {
    const layer = layers.findLast((each) => each <= wish);
    if (layer === undefined) return;
    const preferred = { spatialLayer: layers.indexOf(layer) };
    const known = person.consumers.get(producer.id);
    if (known?.type === 'simulcast')
      await known.setPreferredLayers(preferred).catch((error: unknown) => {
        if (!known.closed) throw error;
      });
    const rtpCapabilities = person.capabilities as types.RtpCapabilities;
    if (known || !this.#router.canConsume({ producerId: producer.id, rtpCapabilities })) return;
    const consumer = await person.receive
      .consume({
        producerId: producer.id,
        rtpCapabilities,
        paused: true,
        ...(producer.type === 'simulcast' && { preferredLayers: preferred }),
      })
      .catch((error: unknown) => {
        // Nor must whoever takes back at this moment what he published.
        if (producer.closed || (error instanceof Error && error.name === 'NotFoundError')) return undefined;
        throw error;
      });
    if (!consumer) return;
    person.consumers.set(producer.id, consumer);
    consumer.on('layerschange', (now) => {
      const flowing = now && layers[now.spatialLayer];
      person.rpc.notify('layer', { consumer: consumer.id, ...(flowing !== undefined && { layer: flowing }) });
    });
    consumer.on('producerclose', () => {
      person.consumers.delete(producer.id);
      person.rpc.notify('consumerClosed', { consumer: consumer.id });
    });
    const rtpParameters = consumer.rtpParameters as RtpParameters;
    person.rpc.notify('consumer', { consumer: consumer.id, source, kind, layers: [...layers], rtpParameters });
  }

  #forget(source: SourceId): void {
    for (const { origin, producer } of this.sources.get(source)?.produced ?? []) {
      origin.close();
      producer.close();
    }
    this.#meddled.delete(source);
    this.sources.delete(source);
  }

  #drop({ entry, send, receive }: Person): void {
    const { participant, sources } = entry;
    for (const { source } of sources) this.#forget(source);
    send.close();
    receive.close();
    // Whoever has come back under the same name stays.
    if (this.people.get(participant)?.entry !== entry) return;
    this.people.delete(participant);
    this.#tell();
    this.#present();
  }

  /** Reads what `ticket` gave. */
  readonly #own = (ticket: string): Admission => {
    const [participant, domain] = ticket.split(' ') as [ParticipantId, DomainName];
    return { participant, domain, conference: this.conference };
  };

  #present(): void {
    this.#options.onPresence?.([...this.people.values()].map(({ admission }) => admission));
  }

  #tell() {
    this.#seq += 1;
    const roster = {
      seq: this.#seq,
      participants: structuredClone([...this.people.values()].map(({ entry }) => entry)),
    };
    for (const { rpc } of this.people.values()) rpc.notify('roster', roster);
    return roster;
  }
}

function offerOf({
  id: transport,
  iceParameters,
  iceCandidates,
  dtlsParameters,
}: types.WebRtcTransport): TransportOffer {
  const candidates = iceCandidates.map(({ foundation, priority, address, ip, protocol, port, type }) => ({
    foundation,
    priority,
    address,
    ip,
    protocol,
    port,
    type,
  }));
  return { id: transport, iceParameters, iceCandidates: candidates, dtlsParameters };
}
