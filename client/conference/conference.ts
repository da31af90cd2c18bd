/**
 * One stay in one call: joins the own SFT, publishes what it is given, says what it wants to see, and keeps one value that
 * tells how it stands. A new stay is a new object.
 */
import type { CallMember, CallTicket, Relays } from '#signalling/client-home.ts';
import type { CLIENT_SFT, Roster } from '#signalling/client-sft.ts';
import type { Note } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import type { Codec, SourceKind } from '#signalling/media-profile.ts';
import type { Closing } from '#signalling/rpc.ts';
import { namedIn } from '../calls/guests.ts';
import { type Dial, dialWebSocket } from '../dial.ts';
import { type Failure, failureOf, failureOfCode } from '../failure.ts';
import type { MediaEngine, Publication, ReceiverCounters } from '../media/engine.ts';
import { Store } from '../store.ts';
import { type Incoming, participantsOf } from './participants.ts';
import { type Quality, qualityOf } from './quality.ts';
import { Rejoining } from './rejoining.ts';
import { type JoinResult, joinSft, type SftRpc } from './signalling.ts';
import { type ConferencePhase, type ConferenceState, type LocalSource, NOTHING_LOCAL, type Notice } from './state.ts';
import { Timings } from './timings.ts';
import { WishStatement } from './wish-statement.ts';
import type { Shown } from './wishes.ts';

export interface ConferenceOptions<Out, In, Pub extends Publication<Out>> {
  readonly engine: MediaEngine<Out, In, Pub>;
  readonly dial?: Dial;
  /** ms; `performance.now` by default. */
  readonly now?: () => number;
  /**
   * Gets the ticket to the same call under the same name. With it a connection that broke is made again by itself.
   * @throws HawserError why there is none
   */
  readonly rejoin?: (as: ParticipantId) => Promise<CallTicket>;
  /** How pictures count as shown until `setWish` was called for them, see `wishes.ts`; 240 lines by default. */
  readonly assumedPixels?: Shown;
  /** Somebody says to everybody what only devices can read; see `signals.ts`. */
  readonly onSignalled?: (participant: ParticipantId, payload: string) => void;
}

/** One connection to the SFT, or an attempt at one. */
interface Connection {
  /** Since when this device is in; undefined while it is not. */
  inSince?: number;
  /** Sound or picture went through it. */
  carried: boolean;
  /** A way of its media broke, or never came about. */
  isLost?: true;
}

type ConsumerNote = Note<typeof CLIENT_SFT, 'consumer'>;

const ASSUMED_PIXELS = 240;

export class Conference<Out, In, Pub extends Publication<Out> = Publication<Out>> {
  readonly store: Store<ConferenceState<Out, In>> = new Store<ConferenceState<Out, In>>({
    phase: 'idle',
    local: NOTHING_LOCAL,
  });
  readonly timings: Timings;
  readonly #engine: MediaEngine<Out, In, Pub>;
  readonly #dial: Dial;
  readonly #onSignalled: (participant: ParticipantId, payload: string) => void;
  readonly #wishes: WishStatement;
  readonly #closed = new AbortController();
  readonly #now: () => number;
  readonly #rejoin: ConferenceOptions<Out, In, Pub>['rejoin'];
  readonly #rejoining: Rejoining | undefined;
  #connection: Connection | undefined;
  /** Resolves when sources can be published; after a connection broke it is that of the next one. */
  #ready = Promise.withResolvers<void>();
  /** Sources that wait for it, each with who was the last to ask. */
  readonly #waiting = new Map<SourceKind, symbol>();
  readonly #publications = new Map<SourceKind, Pub>();
  readonly #incoming = new Map<string, Incoming<In>>();
  readonly #notices = new Map<string, Notice>();
  #rpc: SftRpc | undefined;
  #joined: JoinResult | undefined;
  #roster: Roster | undefined;
  #members: readonly CallMember[] = [];
  #speaker: ParticipantId | undefined;
  #hand = false;
  #isEnding = false;
  /** MIME types that this device decodes, once the engine has told them. */
  #receivable: ReadonlySet<string> | undefined;
  readonly #decodes = (codec: Codec): boolean => {
    const known = this.#receivable;
    return known === undefined || known.has(`audio/${codec}`) || known.has(`video/${codec}`);
  };
  #lastCounters: readonly ReceiverCounters[] = [];

  constructor(options: ConferenceOptions<Out, In, Pub>) {
    this.#engine = options.engine;
    this.#dial = options.dial ?? dialWebSocket;
    this.#onSignalled = options.onSignalled ?? (() => undefined);
    this.#wishes = new WishStatement({
      assumed: options.assumedPixels ?? ASSUMED_PIXELS,
      context: () => {
        const [roster, joined] = [this.#roster, this.#joined];
        return roster && joined && { roster, me: joined.participant, decodes: this.#decodes };
      },
      state: (statement) => this.#rpc?.notify('wishes', statement),
    });
    this.#now = options.now ?? (() => performance.now());
    this.timings = new Timings(this.#now);
    this.#ready.promise.catch(() => undefined); // told by the state
    this.#rejoin = options.rejoin;
    this.#rejoining =
      options.rejoin &&
      new Rejoining({
        ...{ now: this.#now, random: Math.random },
        attempt: () => this.#comeBack(),
        onGivenUp: (reason) => this.#leave(reason),
      });
  }

  get state(): ConferenceState<Out, In> {
    return this.store.state;
  }

  /**
   * Joins; resolves when the SFT has let this device in. Sources may be published before, they follow by themselves.
   * @throws HawserError why not; the state says it too
   */
  async join(ticket: CallTicket | Promise<CallTicket>): Promise<void> {
    if (this.state.phase !== 'idle') throw new HawserError('SIG_ORDER', 'join');
    this.timings.begin();
    this.#setPhase({ phase: 'joining' });
    try {
      const granted = await ticket;
      this.timings.mark('ticket');
      await this.#enter(granted);
    } catch (error) {
      this.#leave(failureOf(error));
      throw error;
    }
  }

  /** Where the connection broke: does not wait for the next attempt, because the network is back, for instance. */
  retryNow(): void {
    this.#rejoining?.hurry();
  }

  /** What is sent of a kind now. After a connection was made again it is another one. */
  published(kind: SourceKind): Pub | undefined {
    return this.#publications.get(kind);
  }

  /**
   * Publishes a camera, microphone or screen; `media` may still be on its way. A failure is in the state of that source
   * and does not disturb the call.
   * @returns undefined then, and where the connection broke meanwhile: `published` has it as soon as there is another one
   */
  async publish(kind: SourceKind, media: Out | Promise<Out>, muted = false): Promise<Pub | undefined> {
    this.#setLocal(kind, { phase: 'starting' });
    try {
      const ready = await media;
      if (kind !== 'screen') this.timings.mark(kind);
      this.#setLocal(kind, { phase: 'on', media: ready, muted });
    } catch (error) {
      this.#failLocal(kind, error);
      return undefined;
    }
    return this.#send(kind);
  }

  async unpublish(kind: SourceKind): Promise<void> {
    const publication = this.#publications.get(kind);
    this.#publications.delete(kind);
    this.#setLocal(kind, { phase: 'off' });
    if (!publication) return;
    publication.close();
    await this.#rpc?.request('unpublish', { source: await publication.source });
  }

  /** Mutes without giving up the source; `media` replaces what was sent, for instance a camera that was started anew. */
  async setMuted(kind: SourceKind, muted: boolean, media?: Out): Promise<void> {
    const publication = this.#publications.get(kind);
    const local = this.state.local[kind];
    if (local.phase !== 'on') return;
    this.#setLocal(kind, { ...local, muted, ...(media !== undefined && { media }) });
    if (!publication) return; // while joining: it will be published as the state says then
    await publication.setMuted(muted, media);
    try {
      await this.#rpc?.request('mute', { source: await publication.source, muted });
    } catch (error) {
      if (muted || this.state.phase === 'left') throw error;
      // Whoever moderates the call has just decided that it stays muted.
      const now = this.state.local[kind];
      if (now.phase === 'on') this.#setLocal(kind, { ...now, muted: true });
      await publication.setMuted(true);
      throw error;
    }
  }

  /** What is filmed goes on with pictures that build on none before: whoever got nothing for a while can see again. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#publications.values()].map((publication) => publication.refresh?.()));
  }

  /** How tall the picture of a source is shown, in device pixels; `none` while nobody can see it. */
  setWish(source: SourceId, shown: Shown): void {
    this.#wishes.show(source, shown);
  }

  /** Says to everybody that one wants to speak, or no longer does. */
  raiseHand(raised: boolean): void {
    if (this.state.phase !== 'joined') return;
    this.#hand = raised;
    this.#rpc?.notify('hand', { raised });
    this.#refresh();
  }

  /** Says something to everybody in the conference that only devices can read. */
  signal(payload: string): void {
    if (this.state.phase === 'joined') this.#rpc?.notify('signal', { payload });
  }

  /** Who the pseudonyms are, as the homeserver knows it now. */
  setMembers(members: readonly CallMember[]): void {
    this.#members = members;
    this.#refresh();
  }

  dismissNotice(notice: Notice): void {
    this.#notices.delete(`${notice.code} ${notice.domain}`);
    this.#refresh();
  }

  /** Called by whoever shows the picture when its first frame is on the screen. */
  markFirstFrame(participant: ParticipantId): void {
    this.timings.markFirstFrame(participant);
  }

  /** Figures of each incoming source; rates are since the call before. */
  async quality(): Promise<readonly Quality[]> {
    if (this.state.phase !== 'joined') return [];
    const counters = await this.#engine.receiverCounters();
    const before = this.#lastCounters;
    this.#lastCounters = counters;
    return this.state.phase === 'joined' ? qualityOf(this.state.participants, counters, before) : [];
  }

  /** The same without rates, and without a trace on them. */
  async counters(): Promise<readonly Quality[]> {
    if (this.state.phase !== 'joined') return [];
    const counters = await this.#engine.receiverCounters();
    return this.state.phase === 'joined' ? qualityOf(this.state.participants, counters, []) : [];
  }

  /**
   * Leaves by hand.
   * @param ending what ends the call for everybody; when it fails, one is still in the call and the error is thrown
   */
  async leave(ending?: () => Promise<void>): Promise<void> {
    if (ending) {
      this.#isEnding = true;
      try {
        await ending();
      } finally {
        this.#isEnding = false;
      }
    }
    const rpc = this.#rpc;
    this.#isEnding = true;
    if (rpc?.isOpen) await rpc.request('leave', {}, LEAVE_TIMEOUT_MS).catch(() => undefined);
    this.#leave();
  }

  /** It cannot go on, for a reason that the conference does not see by itself: its keys cannot be had, for instance. */
  fail(error: unknown): void {
    this.#leave(failureOf(error));
  }

  /** For a page that is being closed: says nothing to anybody and waits for nothing. */
  close(): void {
    this.#leave();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #enter(granted: CallTicket): Promise<void> {
    this.#members = namedIn(granted.call);
    const connection: Connection = { carried: false };
    this.#connection = connection;
    const { rpc, joined } = await joinSft({
      ticket: granted,
      dial: this.#dial,
      signal: this.#closed.signal,
      onOpen: () => this.timings.mark('connected'),
      onClose: (closing) => this.#connection === connection && this.#ended(closing),
      notifications: {
        roster: (roster) => this.#hearRoster(roster),
        consumer: (note) => void this.#consume(note),
        consumerClosed: ({ consumer }) => this.#dropConsumer(consumer),
        layer: ({ consumer, layer }) => this.#hearLayer(consumer, layer),
        layers: ({ source, layers }) => this.#hearLayers(source, layers),
        silenced: ({ source }) => this.#silence(source),
        signalled: ({ participant, payload }) => this.#onSignalled(participant, payload),
        speaker: ({ participant }) => {
          this.#speaker = participant;
          this.#refresh();
        },
        notice: ({ code, domain, over }) => {
          const key = `${code} ${domain}`;
          if (over) this.#notices.delete(key);
          else this.#notices.set(key, { ...failureOfCode(code, domain), ...(domain && { domain }) });
          this.#refresh();
        },
      },
    });
    try {
      await this.#begin(connection, rpc, joined, granted.relays);
    } catch (error) {
      this.#connection = undefined; // it is told by whoever waits for it
      rpc.close();
      this.#engine.close();
      throw error;
    }
  }

  /** Into the call in which it was: its place, its sources and its keys are still there. */
  async #comeBack(): Promise<void> {
    const { state } = this;
    if (state.phase !== 'joined' || !this.#rejoin) throw new HawserError('SIG_ORDER', 'rejoin');
    const granted = await this.#rejoin(state.me);
    if (granted.call.conference !== state.conference) throw new HawserError('HOME_NO_CALL');
    // Under another name nobody could read what it sends.
    if (granted.participant !== state.me) throw new HawserError('SIG_SCHEMA', 'another participant');
    this.#roster = undefined;
    await this.#enter(granted);
  }

  async #begin(connection: Connection, rpc: SftRpc, joined: JoinResult, relays?: Relays): Promise<void> {
    if (this.#closed.signal.aborted) throw new HawserError('SIG_CLOSED');
    this.timings.mark('joined');
    this.#rpc = rpc;
    this.#joined = joined;
    if (!this.#roster || this.#roster.seq < joined.roster.seq) this.#roster = joined.roster;
    const capabilities = await this.#engine.start(
      { ...joined, ...(relays && { relays }) },
      {
        connect: async (transport, dtlsParameters) =>
          void (await rpc.request('connect', { transport, dtlsParameters })),
        publish: async (kind, renditions, muted) => (await rpc.request('publish', { kind, renditions, muted })).source,
        connected: (transport) => {
          connection.carried = true;
          this.timings.mark(transport === 'send' ? 'sending' : 'receiving');
        },
        // An SFT that lets somebody go ends media and signalling at once; the reason may come as the second of the two.
        lost: () => {
          connection.isLost = true;
          setTimeout(() => this.#connection === connection && this.#lose(failureOfCode('MEDIA_LOST')), REASON_MS);
        },
      },
    );
    // A roster that came meanwhile has made it `joined` already.
    if (this.state.phase === 'left' || !rpc.isOpen) throw new HawserError('SIG_CLOSED');
    this.#receivable = new Set(capabilities.codecs.map(({ mimeType }) => mimeType.toLowerCase()));
    // Not waited for: a refusal comes back as the end of the connection or as a source that does not arrive.
    rpc
      .request('receive', { capabilities })
      .catch((error: unknown) => this.#connection === connection && this.#leave(failureOf(error)));
    connection.inSince = this.#now();
    this.#refresh();
    this.#wishes.anew();
    if (this.#hand) rpc.notify('hand', { raised: true });
    this.#ready.resolve();
    for (const kind of KINDS) this.#sendAgain(kind);
  }

  /** What was sent before the connection broke. A camera that is off was closed: it is sent when it is opened again. */
  #sendAgain(kind: SourceKind): void {
    const local = this.state.local[kind];
    if (local.phase !== 'on' || this.#waiting.has(kind)) return;
    if (this.#engine.isLive?.(local.media) === false) this.#setLocal(kind, { phase: 'off' });
    else void this.#send(kind);
  }

  /** Sends what is on, as soon as it can be. A connection that breaks meanwhile is no failure: it goes out with the next one. */
  async #send(kind: SourceKind): Promise<Pub | undefined> {
    const ready = this.#ready;
    const asked = Symbol(kind);
    this.#waiting.set(kind, asked);
    try {
      await ready.promise;
      if (this.#waiting.get(kind) !== asked) return undefined; // taken back while joining, and given anew
      this.#waiting.delete(kind);
      const local = this.state.local[kind];
      if (local.phase !== 'on') return undefined; // taken back while joining
      const publication = await this.#engine.publish(kind, local.media, local.muted);
      if (this.#ready !== ready) {
        publication.close();
        return undefined;
      }
      this.#publications.set(kind, publication);
      const source = await publication.source;
      const sent = this.state.local[kind];
      if (sent.phase === 'on') this.#setLocal(kind, { ...sent, source });
      return publication;
    } catch (error) {
      if (this.#ready !== ready || this.#connection?.isLost) return undefined;
      this.#publications.get(kind)?.close();
      this.#publications.delete(kind);
      this.#failLocal(kind, error);
      return undefined;
    }
  }

  async #consume(note: ConsumerNote): Promise<void> {
    const connection = this.#connection;
    try {
      this.timings.mark('offered');
      const participant = this.#ownerOf(note.source);
      if (!participant) throw new HawserError('SIG_ORDER', 'a source that is not in the roster');
      const media = await this.#engine.consume({ ...note, participant });
      if (this.#connection !== connection) throw new HawserError('SIG_CLOSED');
      this.timings.mark('consumed');
      const { consumer, source, layers } = note;
      this.#incoming.set(consumer, { consumer, source, layers, media });
      this.#refresh();
      await this.#rpc?.request('ready', { consumer: note.consumer });
    } catch {
      this.#dropConsumer(note.consumer); // it was closed meanwhile, or the connection is gone and the state says so
    }
  }

  #ownerOf(wanted: SourceId): ParticipantId | undefined {
    const { participants = [] } = this.#roster ?? {};
    return participants.find(({ sources }) => sources.some(({ source }) => source === wanted))?.participant;
  }

  #dropConsumer(consumer: string): void {
    this.#engine.closeConsumer(consumer);
    if (this.#incoming.delete(consumer)) this.#refresh();
  }

  #hearLayer(consumer: string, layer: number | undefined): void {
    const known = this.#incoming.get(consumer);
    if (!known) return;
    const { layer: _before, ...rest } = known;
    this.#incoming.set(consumer, layer === undefined ? rest : { ...rest, layer });
    this.#refresh();
  }

  #hearLayers(source: SourceId, layers: readonly number[]): void {
    for (const publication of this.#publications.values()) {
      publication.source
        .then((own) => (own === source ? publication.setLayers(layers) : undefined))
        .catch(() => undefined); // it was refused or taken back, and sends nothing
    }
  }

  /** Whoever moderates the call wants it so; the SFT lets nothing of it through any more. */
  #silence(source: SourceId): void {
    for (const [kind, publication] of this.#publications) {
      publication.source
        .then((own) => {
          if (own !== source) return undefined;
          return kind === 'screen' ? this.unpublish(kind) : this.setMuted(kind, true);
        })
        .catch(() => undefined); // it was taken back meanwhile, and sends nothing
    }
  }

  #hearRoster(roster: Roster): void {
    if (this.#roster && roster.seq <= this.#roster.seq) return;
    this.#roster = roster;
    this.#refresh();
    this.#wishes.soon();
  }

  /** States anew what is known; nothing before the join or after the end. */
  #refresh(): void {
    const joined = this.#joined;
    if (!joined || !this.#roster || (this.state.phase !== 'joining' && this.state.phase !== 'joined')) return;
    const { conference, domain, anchor, participant: me } = joined;
    const [roster, members, incoming, decodes] = [this.#roster, this.#members, this.#incoming, this.#decodes];
    const known = { roster, members, incoming, me, domain, decodes };
    const isRejoining = this.#rejoining?.isUnderWay && this.#connection?.inSince === undefined;
    this.#setPhase({
      phase: 'joined',
      conference,
      me,
      domain,
      anchor,
      participants: participantsOf(known),
      ...(this.#speaker && { speaker: this.#speaker }),
      hand: this.#hand,
      notices: [...this.#notices.values()],
      ...(isRejoining && { rejoining: true }),
    });
  }

  #setPhase(phase: ConferencePhase<In>): void {
    this.store.set({ ...phase, local: this.state.local });
  }

  #setLocal(kind: SourceKind, local: LocalSource<Out>): void {
    this.store.set({ ...this.state, local: { ...this.state.local, [kind]: local } });
  }

  #failLocal(kind: SourceKind, error: unknown): void {
    if (this.state.phase !== 'left') this.#setLocal(kind, { phase: 'failed', failure: failureOf(error) });
  }

  #ended(closing: Closing): void {
    if (this.#isEnding) return this.#leave();
    const lost = closing.code === 'SIG_CLOSED' || closing.code === 'SIG_TIMEOUT' || closing.code === 'normal';
    this.#lose(failureOfCode(lost && this.#joined ? 'CONNECTION_LOST' : closing.code));
  }

  /** The connection is gone. Where it can be had again, one stays in the call until it is there, else this was it. */
  #lose(failure: Failure): void {
    const { inSince, carried = false } = this.#connection ?? {};
    // An attempt that fails says so itself.
    if (inSince === undefined && this.#rejoining?.isUnderWay) return;
    const heldMs = this.#now() - (inSince ?? 0);
    const isTried = inSince !== undefined && this.#rejoining?.begin({ failure, heldMs, carried });
    const { state } = this;
    if (!isTried || state.phase !== 'joined') return this.#leave(failure);
    this.#disconnect();
    this.#ready = Promise.withResolvers();
    this.#ready.promise.catch(() => undefined); // told by the state
    this.store.set({ ...state, rejoining: true });
  }

  #disconnect(): void {
    this.#connection = undefined;
    this.#joined = undefined;
    this.#speaker = undefined;
    this.#rpc?.close();
    this.#rpc = undefined;
    this.#engine.close();
    this.#publications.clear();
    this.#incoming.clear();
    this.#notices.clear();
    this.#lastCounters = [];
  }

  #leave(reason?: Failure): void {
    if (this.state.phase === 'left') return;
    this.store.set({ phase: 'left', ...(reason && { reason }), local: NOTHING_LOCAL });
    this.#closed.abort();
    this.#rejoining?.close();
    this.#ready.reject(new HawserError('SIG_CLOSED'));
    this.#disconnect();
  }
}

const KINDS: readonly SourceKind[] = ['microphone', 'camera', 'screen'];
const LEAVE_TIMEOUT_MS = 1_000;
/** How long a reason is waited for after media was lost, ms. */
const REASON_MS = 500;
