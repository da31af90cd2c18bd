/**
 * One conference as this SFT carries it out: holds its state, asks the plan what must be true, and makes it true. Every
 * change of the state ends in `changed()`; passes run one after the other and never overlap, so that what is in force
 * at rest is always what the newest plan says.
 */
import type { types } from 'mediasoup';
import type { Roster } from '#signalling/client-sft.ts';
import type { ErrorCode } from '#signalling/errors.ts';
import type { ConferenceId, DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { Permissions } from '#signalling/sft-home.ts';
import {
  addSide,
  announcedTo,
  type Conference,
  isEmpty,
  newConference,
  rosterOf,
  type Side,
  type Source,
  silence,
  sourcesOf,
  statePermissions,
} from '../conference/conference.ts';
import {
  type Asked,
  ask,
  NOTHING_ASKED,
  RELEASE_MS,
  type TrunkMode,
  type Wanted,
  wantedOf,
} from '../conference/demand.ts';
import { planOf } from '../conference/plan.ts';
import { NOTHING_PUBLISHED, type Publishing, publishingOf } from '../conference/publishing.ts';
import { NOTHING_LEFT_OUT, type SideShed, withoutShed } from '../conference/shares.ts';
import { audienceOf, type SignalDrop, SignalPaces } from '../conference/signals.ts';
import type { VoiceLimits } from '../conference/voices.ts';
import type { ClientMedia, ClientPath } from '../media/client-media.ts';
import { SideMedia, type Statements } from '../media/side-media.ts';
import { type Produced, Rendition, SourceMedia } from '../media/source-media.ts';
import type { MediaWorker } from '../media/worker.ts';
import { ConferenceVoices } from './conference-voices.ts';
import { Guests } from './guests.ts';
import { CUT_OFF } from './presence.ts';

/** A connected client, as the host sees it. */
export interface Client {
  readonly participant: ParticipantId;
  readonly media: ClientMedia;
  onRoster(roster: Roster): void;
  onSpeaker(participant: ParticipantId | undefined): void;
  /** @param over what was noticed before is no longer so */
  onNotice(code: ErrorCode, domain: DomainName | undefined, over?: boolean): void;
  /** The layers of its own source that it is to send from now on; all of them until it is told. */
  onLayers(source: SourceId, layers: readonly number[]): void;
  /** Its own source is muted from now on, by whoever moderates the call. */
  onSilenced(source: SourceId): void;
  /** Somebody else says something to everybody. */
  onSignal(participant: ParticipantId, payload: string): void;
  /** The conference is over for this client. */
  onEnd(code: ErrorCode): void;
}

export interface HostEvents {
  /**
   * Somebody of this SFT came or went.
   * @param mayComeBack the last ones of the whole conference were cut off
   */
  onPresence(host: ConferenceHost, mayComeBack: boolean): void;
  /** Nothing of the conference is left here; it may be forgotten. */
  onClosed(host: ConferenceHost): void;
  /** What a participant said to everybody went no further. */
  onSignalDropped(drop: SignalDrop): void;
  onFault(error: unknown, what: string): void;
}

interface Attached {
  readonly side: Side;
  readonly media: SideMedia;
  readonly statements: Statements;
  /** Told that the conference is over here. */
  readonly onEnd: (code: ErrorCode) => void;
}

export class ConferenceHost {
  readonly state: Conference;
  readonly worker: MediaWorker;
  /** When it began here, ms since 1970. */
  readonly since: number;
  /** Which other domains may be in it; on the anchor only. */
  readonly guests: Guests;
  readonly #mode: TrunkMode;
  readonly #events: HostEvents;
  readonly #clients = new Map<ParticipantId, Client>();
  readonly #sides = new Map<DomainName, Attached>();
  readonly #catalogue = new Map<SourceId, SourceMedia>();
  readonly #voices: ConferenceVoices;
  /** What is asked of each side, with its memory. */
  #asked: ReadonlyMap<DomainName, Asked> = new Map();
  #publishing: Publishing = NOTHING_PUBLISHED;
  #demands: ReadonlyMap<DomainName, Wanted> = new Map();
  readonly #shed = new Map<DomainName, SideShed>();
  /** Notices that hold for as long as something lasts, by the domain that they are about. */
  readonly #standing = new Map<DomainName, ReadonlySet<ErrorCode>>();
  readonly #paces = new SignalPaces(performance.now());
  #wake: ReturnType<typeof setTimeout> | undefined;
  #rosterSeq = 1;
  #lastRoster = '[]';
  #dirty = false;
  #pass: Promise<void> | undefined;
  #closed = false;

  constructor(
    id: ConferenceId,
    domain: DomainName,
    anchor: DomainName,
    worker: MediaWorker,
    mode: TrunkMode,
    voices: VoiceLimits,
    since: number,
    events: HostEvents,
  ) {
    this.state = newConference(id, domain, anchor);
    this.worker = worker;
    this.since = since;
    this.guests = new Guests(this.state, (peer) => this.#dismiss(peer));
    this.#mode = mode;
    this.#events = events;
    this.#voices = new ConferenceVoices({
      conference: this.state,
      router: worker.router,
      limits: mode === 'everything' ? undefined : voices,
      onCrossing: () => this.changed(),
      onSpeaker: (participant) => {
        for (const client of this.#clients.values()) client.onSpeaker(participant);
      },
      onFault: (error, what) => events.onFault(error, what),
    });
  }

  get id(): ConferenceId {
    return this.state.id;
  }

  get isAnchor(): boolean {
    return this.state.anchor === this.state.domain;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get participants(): ParticipantId[] {
    return [...this.#clients.keys()];
  }

  get roster(): Roster {
    return { seq: this.#rosterSeq, participants: rosterOf(this.state) };
  }

  /** The microphones that may cross to other organisations; undefined where all may. */
  get voices(): ReadonlySet<SourceId> | undefined {
    return this.#voices.crossing;
  }

  /** The layers that are sent of each picture that is published here: the watched ones, and those that are about to stop. */
  get publishing(): { source: SourceId; kind: SourceKind; layers: readonly number[] }[] {
    return [...sourcesOf(this.state)].flatMap(({ source: { source, kind } }) => {
      const layers = this.#publishing.layers.get(source);
      return layers ? [{ source, kind, layers }] : [];
    });
  }

  client(participant: ParticipantId): Client | undefined {
    return this.#clients.get(participant);
  }

  /** How media goes to and from each participant of this SFT. */
  async paths(): Promise<(ClientPath & { readonly participant: ParticipantId })[]> {
    return Promise.all(
      [...this.#clients.values()].map(async ({ participant, media }) => ({ participant, ...(await media.path()) })),
    );
  }

  /** The participant must be in the state already. */
  addClient(client: Client): void {
    this.#clients.set(client.participant, client);
    if (this.#voices.speaker) client.onSpeaker(this.#voices.speaker);
    for (const [domain, codes] of this.#standing) for (const code of codes) client.onNotice(code, domain);
    this.#events.onPresence(this, false);
    this.changed();
  }

  /**
   * Closes what the client published; does nothing when another client has taken the participant's place.
   * @param code with which its connection ended
   */
  removeClient(client: Client, code: ErrorCode | 'normal'): void {
    if (this.#clients.get(client.participant) !== client) return;
    this.#clients.delete(client.participant);
    this.state.local.delete(client.participant);
    client.media.close();
    // Whoever takes his own place is there again in the same moment.
    if (code !== 'SFT_REPLACED') this.#events.onPresence(this, CUT_OFF.includes(code) && !this.#hasPeople);
    this.changed();
  }

  /** What participants may send from now on; what they send and may not is muted. What else follows, the next pass brings. */
  permit({ named, unnamed }: Permissions): void {
    const all = new Map(named.map(({ participant, may }) => [participant, new Set(may)]));
    this.#silenced(statePermissions(this.state, { named: all, unnamed: new Set(unnamed) }));
  }

  /** Mutes the microphones of some participants of this SFT, who may switch them on again where they may speak. */
  mute(participants: readonly ParticipantId[]): void {
    const meant = new Set(participants);
    this.#silenced(silence(this.state, ({ participant, kind }) => kind === 'microphone' && meant.has(participant)));
  }

  /** Media of a source is on this SFT from now on, until its producer closes. */
  async addSource(
    source: SourceId,
    kind: SourceKind,
    participant: ParticipantId,
    produced: readonly Produced[],
  ): Promise<void> {
    const onLive = () => {
      for (const client of this.#clients.values()) client.media.layersChanged(source);
    };
    const media = new SourceMedia(produced.map((each) => new Rendition(each, onLive)));
    this.#catalogue.set(source, media);
    for (const { producer } of produced) {
      producer.observer.once('close', () => {
        if (this.#catalogue.get(source) === media) this.#catalogue.delete(source);
        this.changed();
      });
    }
    this.changed();
    if (kind !== 'microphone') return;
    for (const { producer } of produced) await this.#voices.add(source, participant, producer);
  }

  /** Replaces what was there of the same peer: a link that comes back states everything again. */
  attach(peer: DomainName, statements: Statements, onEnd: (code: ErrorCode) => void): Attached {
    this.detach(peer);
    const attached = { side: addSide(this.state, peer), media: new SideMedia(statements), statements, onEnd };
    this.#sides.set(peer, attached);
    this.#voices.attach(peer, attached.media);
    this.changed();
    return attached;
  }

  detach(peer: DomainName, only?: Side): void {
    const attached = this.#sides.get(peer);
    if (!attached || (only && attached.side !== only)) return;
    this.#sides.delete(peer);
    this.state.sides.delete(peer);
    attached.media.close();
    this.#voices.detach(peer);
    this.#shed.delete(peer);
    this.stand(peer, new Set());
    this.changed();
  }

  /** The domain of a side may no longer be in the conference. */
  #dismiss(peer: DomainName): void {
    const attached = this.#sides.get(peer);
    this.detach(peer);
    attached?.onEnd('SFT_LINK_GRANT_ENDED');
  }

  side(peer: DomainName): Attached | undefined {
    return this.#sides.get(peer);
  }

  /**
   * Passes on what a participant says to everybody who may hear it; what is too much is dropped.
   * @param from the side that it came from; undefined for people of this SFT
   * @throws HawserError SFT_LINK_FOREIGN_PARTICIPANT
   */
  signal(participant: ParticipantId, payload: string, from?: Side): void {
    const audience = audienceOf(this.state, participant, from);
    if (!audience) return this.#events.onSignalDropped('unknown');
    const drop = this.#paces.take(participant, performance.now());
    if (drop) return this.#events.onSignalDropped(drop);
    if (audience.local) {
      for (const client of this.#clients.values())
        if (client.participant !== participant) client.onSignal(participant, payload);
    }
    for (const { peer } of audience.sides) this.#sides.get(peer)?.statements.signal({ participant, payload });
  }

  notice(code: ErrorCode, domain?: DomainName): void {
    for (const client of this.#clients.values()) client.onNotice(code, domain);
  }

  /** Tells people what began to hold about a domain and what is over; people who come later are told too. */
  stand(domain: DomainName, codes: ReadonlySet<ErrorCode>): void {
    const before = this.#standing.get(domain) ?? new Set<ErrorCode>();
    if (codes.size > 0) this.#standing.set(domain, codes);
    else this.#standing.delete(domain);
    for (const client of this.#clients.values()) {
      for (const code of codes) if (!before.has(code)) client.onNotice(code, domain);
      for (const code of before) if (!codes.has(code)) client.onNotice(code, domain, true);
    }
  }

  /** Who speaks now. */
  get speaker(): ParticipantId | undefined {
    return this.#voices.speaker;
  }

  /** The microphones that may cross links now; undefined where all may. */
  get crossing(): ReadonlySet<SourceId> | undefined {
    return this.#voices.crossing;
  }

  /** What is asked of a side, before anything is left out of it. */
  asked(peer: DomainName): Wanted {
    return this.#demands.get(peer) ?? new Map();
  }

  /** The sources of a side of which something is asked for. */
  demanded(peer: DomainName): SourceId[] {
    return [...withoutShed(this.asked(peer), this.#shed.get(peer)?.incoming ?? new Set()).keys()];
  }

  /** From now on these layers are neither sent to the side nor asked of it. */
  leaveOut(peer: DomainName, shed: SideShed): void {
    const { outgoing, incoming } = this.#shed.get(peer) ?? NOTHING_LEFT_OUT;
    const same = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.symmetricDifference(b).size === 0;
    if (!this.#sides.has(peer) || (same(outgoing, shed.outgoing) && same(incoming, shed.incoming))) return;
    this.#shed.set(peer, shed);
    this.changed();
  }

  /** Of these sources of the side the link leaves layers out, at one end or the other. */
  miss(side: Side, sources: ReadonlySet<SourceId>): void {
    if (side.missing.symmetricDifference(sources).size === 0) return;
    side.missing = sources;
    this.changed();
  }

  /** The state changed: the media follows in the next turn of the event loop. */
  changed(): void {
    if (this.#closed) return;
    this.#dirty = true;
    this.#pass ??= Promise.resolve().then(() => this.#run());
  }

  /** A side said how loud its microphones are, which changes the media only where others may cross than before. */
  levelsChanged(): void {
    this.#voices.heard();
  }

  /** Resolves when media and statements agree with the state. */
  async settled(): Promise<void> {
    while (this.#pass) await this.#pass;
  }

  /** Ends the conference here for everybody, with a code that says why. */
  end(code: ErrorCode): void {
    if (this.#closed) return;
    const clients = [...this.#clients.values()];
    // First, so that each of them going is no news.
    this.#clients.clear();
    this.state.local.clear();
    const mayComeBack = CUT_OFF.includes(code) && !this.#hasPeople;
    for (const client of clients) {
      client.onEnd(code);
      client.media.close();
    }
    for (const { media, onEnd } of this.#sides.values()) {
      onEnd(code);
      media.close();
    }
    this.#sides.clear();
    this.state.sides.clear();
    this.#events.onPresence(this, mayComeBack);
    this.#close();
  }

  /** Of whichever organisation. */
  get #hasPeople(): boolean {
    return rosterOf(this.state).length > 0;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#wake);
    this.guests.close();
    this.#catalogue.clear();
    this.#voices.close();
    this.#events.onClosed(this);
  }

  async #run(): Promise<void> {
    try {
      while (this.#dirty && !this.#closed) {
        this.#voices.changed();
        this.#dirty = false;
        await this.#execute();
      }
    } finally {
      this.#pass = undefined;
    }
  }

  async #execute(): Promise<void> {
    if (isEmpty(this.state)) {
      for (const { media, onEnd } of this.#sides.values()) {
        onEnd('SFT_CONFERENCE_ENDED');
        media.close();
      }
      this.#sides.clear();
      this.#close();
      return;
    }
    const published = new Map([...sourcesOf(this.state)].map(({ source }) => [source.source, source]));
    this.#stateRoster();
    for (const [participant, { media }] of this.#clients) {
      const local = this.state.local.get(participant);
      if (!local) continue;
      local.ready = media.receivable;
      local.late = media.late;
    }
    const now = performance.now();
    this.#tellPublishers(now);
    const plan = planOf(this.state, this.#ask(now), this.#voices.crossing, this.#shed);
    await Promise.all(
      [...this.#sides].map(async ([peer, { side, media }]) => {
        const sidePlan = plan.sides.get(peer);
        if (sidePlan) await this.#guarded('side', media.apply(sidePlan, this.#contextOf(side)));
      }),
    );
    await Promise.all(
      [...plan.viewers].map(async ([participant, subscriptions]) => {
        const client = this.#clients.get(participant);
        if (!client) return;
        await this.#guarded(
          'viewer',
          client.media.give(subscriptions, this.#catalogue, (source) => published.get(source)),
        );
      }),
    );
  }

  #tellPublishers(now: number): void {
    const before = this.#publishing.layers;
    this.#publishing = publishingOf(this.#publishing, this.state, now);
    for (const local of this.state.local.values()) {
      for (const { source, layers: all } of local.sources.values()) {
        const layers = this.#publishing.layers.get(source);
        if (!layers || layers.join() === (before.get(source) ?? all).join()) continue;
        this.#clients.get(local.participant)?.onLayers(source, layers);
      }
    }
  }

  /** Folds the wishes of now with what was asked before, and comes back when something is to be released. */
  #ask(now: number): ReadonlyMap<DomainName, Wanted> {
    const demands = new Map<DomainName, Wanted>();
    const asked = new Map<DomainName, Asked>();
    let wakeAt = this.#publishing.nextAt ?? Number.POSITIVE_INFINITY;
    for (const side of this.state.sides.values()) {
      const before = this.#asked.get(side.peer) ?? NOTHING_ASKED;
      const demand = ask(before, wantedOf(this.state, side, this.#mode), now, RELEASE_MS);
      demands.set(side.peer, demand.layers);
      asked.set(side.peer, demand.asked);
      wakeAt = Math.min(wakeAt, demand.nextAt ?? wakeAt);
    }
    this.#asked = asked;
    this.#demands = demands;
    clearTimeout(this.#wake);
    if (wakeAt !== Number.POSITIVE_INFINITY) this.#wake = setTimeout(() => this.changed(), wakeAt - now);
    return demands;
  }

  #contextOf(side: Side) {
    return {
      catalogue: this.#catalogue,
      announced: announcedTo(this.state, side),
      announcement: (source: SourceId) => side.sources.get(source),
      onArrival: (source: SourceId, kind: SourceKind, renditions: readonly Produced[]) => {
        const participant = side.sources.get(source)?.participant;
        return participant ? this.addSource(source, kind, participant, renditions) : Promise.resolve();
      },
      isUsed: (producer: types.Producer) =>
        [...this.#clients.values()].some(({ media }) => media.uses(producer)) ||
        [...this.#sides.values()].some(({ media }) => media.uses(producer)),
      onReleased: () => this.changed(),
      onFault: (error: unknown, what: string) => this.#events.onFault(error, what),
    };
  }

  #silenced(sources: readonly Source[]): void {
    for (const { source, participant } of sources) {
      const client = this.#clients.get(participant);
      client?.onSilenced(source);
      void this.#guarded('silence', client?.media.mute(source, true) ?? Promise.resolve());
    }
    if (sources.length > 0) this.changed();
  }

  /** A fault with one viewer or side must not keep the others from theirs. */
  async #guarded(what: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // A transport that closed while it was worked on is no fault: its owner's leaving caused another pass.
      if (!this.#closed && !this.#dirty) this.#events.onFault(error, what);
    }
  }

  #stateRoster(): void {
    const participants = rosterOf(this.state);
    const text = JSON.stringify(participants);
    if (text === this.#lastRoster) return;
    this.#lastRoster = text;
    this.#rosterSeq += 1;
    for (const client of this.#clients.values()) client.onRoster({ seq: this.#rosterSeq, participants });
  }
}
