/**
 * What one SFT knows of one conference: who is in it, on which side, and what they publish, want and offer. Pure: the
 * functions change the state they are given and touch nothing else; `plan.ts` says what follows from the state.
 */
import type { RosterEntry } from '#signalling/client-sft.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConferenceId, DomainName, ParticipantId, SourceId, TrunkId } from '#signalling/ids.ts';
import { CODECS_OF, type Codec, type SourceKind } from '#signalling/media-profile.ts';
import {
  type LinkDemand,
  type LinkLevel,
  type LinkParticipant,
  type LinkSource,
  type LinkStream,
  MAX_LEVELS,
} from '#signalling/sft-link.ts';
import type { Permission } from '#signalling/ticket.ts';
import { mayMeet, maySend } from './access.ts';
import { AUDIBLE, hear, type Levels, noLevels } from './levels.ts';

/** One source, on whatever side of whatever link its participant is. */
export interface Source {
  readonly source: SourceId;
  readonly participant: ParticipantId;
  readonly kind: SourceKind;
  readonly codec: Codec;
  readonly layers: readonly number[];
  muted: boolean;
}

/** Somebody whose client is connected to this SFT. */
export interface LocalParticipant {
  readonly participant: ParticipantId;
  readonly may: ReadonlySet<Permission>;
  readonly sources: Map<SourceId, Source>;
  /** Highest layer wanted of each video source. */
  wishes: ReadonlyMap<SourceId, number>;
  /** Layers that the client has set up its end for; absent: all. What is asked for sooner is a key frame that is missed. */
  ready?: ReadonlyMap<SourceId, ReadonlySet<number>>;
  /** Sources whose wished layer does not come to it; a lower one will do meanwhile. */
  late?: ReadonlySet<SourceId>;
  wishesSeq: number;
  /** Raised, to say that one wants to speak. */
  hand: boolean;
  /** The client has said what it can receive. */
  receives: boolean;
}

/** The far end of a link, as far as this conference goes. */
export interface Side {
  readonly peer: DomainName;
  readonly participants: Map<ParticipantId, Readonly<LinkParticipant>>;
  readonly sources: Map<SourceId, Source & { readonly origin: DomainName }>;
  /** Everybody and everything that the far end stated; what it has room for stands above. */
  stated: Announcement;
  /** The SSRCs under which the far end offers its sources, and the trunk that they arrive on. */
  offered: ReadonlyMap<SourceId, readonly LinkStream[]>;
  offeredOn: TrunkId | undefined;
  /** The layers that the far end wants of what it was offered by us. */
  demand: ReadonlyMap<SourceId, readonly number[]>;
  /** Sources of the side of which one end of the link leaves layers out for want of room. */
  missing: ReadonlySet<SourceId>;
  /** Our newest statement of streams that the far end can receive, and the oldest of which it still needs any. */
  receives: { readonly ready: number; readonly since: number };
  /** How loud the far end's microphones are, as it states. */
  readonly levels: Levels;
  /** Who speaks, as the far end says; of use from the anchor only. */
  speaker: ParticipantId | undefined;
  readonly seen: { sources: number; streams: number; demand: number; levels: number };
}

export interface Announcement {
  readonly participants: ReadonlyMap<ParticipantId, LinkParticipant>;
  readonly sources: ReadonlyMap<SourceId, LinkSource>;
}

/** How many participants and sources of a side are taken. */
export interface Room {
  readonly participants: number;
  readonly sources: number;
}

export const UNLIMITED: Room = { participants: Number.POSITIVE_INFINITY, sources: Number.POSITIVE_INFINITY };

export interface Conference {
  readonly id: ConferenceId;
  readonly domain: DomainName;
  readonly anchor: DomainName;
  readonly local: Map<ParticipantId, LocalParticipant>;
  /** How loud the microphones here are. */
  readonly levels: Levels;
  /** By peer: on the anchor each federated SFT, on a federated SFT the anchor alone. */
  readonly sides: Map<DomainName, Side>;
  /**
   * On the anchor: the other domains that may be in the conference, each with those whose people it may meet. See
   * `mayMeet` of access.ts.
   */
  readonly allowed: Map<DomainName, ReadonlySet<DomainName>>;
  /** What participants may send, once those who moderate the call have decided something; see `maySend` of access.ts. */
  permissions: CallPermissions | undefined;
}

/** The word of the own homeserver, about everybody in the conference. */
export interface CallPermissions {
  readonly named: ReadonlyMap<ParticipantId, ReadonlySet<Permission>>;
  readonly unnamed: ReadonlySet<Permission>;
}

/** Most sources of each kind that one participant may publish. */
export const SOURCES_PER_KIND = 1;

export function newConference(id: ConferenceId, domain: DomainName, anchor: DomainName): Conference {
  const ofNobody = {
    local: new Map(),
    levels: noLevels(),
    sides: new Map(),
    allowed: new Map(),
    permissions: undefined,
  };
  return { id, domain, anchor, ...ofNobody };
}

export function addLocal(
  conference: Conference,
  participant: ParticipantId,
  may: Iterable<Permission>,
): LocalParticipant {
  // The id comes from the own homeserver: a far side that has it already took it from nowhere, and loses it.
  for (const side of conference.sides.values()) forget(side, participant);
  const local: LocalParticipant = {
    participant,
    may: new Set(may),
    sources: new Map(),
    wishes: new Map(),
    wishesSeq: 0,
    hand: false,
    receives: false,
  };
  conference.local.set(participant, local);
  return local;
}

export function addSide(conference: Conference, peer: DomainName): Side {
  const side: Side = {
    peer,
    participants: new Map(),
    sources: new Map(),
    stated: { participants: new Map(), sources: new Map() },
    offered: new Map(),
    offeredOn: undefined,
    demand: new Map(),
    missing: new Set(),
    receives: { ready: 0, since: 0 },
    levels: noLevels(),
    speaker: undefined,
    seen: { sources: 0, streams: 0, demand: 0, levels: 0 },
  };
  conference.sides.set(peer, side);
  return side;
}

/** @throws HawserError SFT_NOT_PERMITTED, SFT_SOURCE_LIMIT */
export function checkPublish(conference: Conference, local: LocalParticipant, kind: SourceKind): void {
  checkSend(conference, local, kind);
  const same = [...local.sources.values()].filter((source) => source.kind === kind);
  if (same.length >= SOURCES_PER_KIND) throw new HawserError('SFT_SOURCE_LIMIT', kind);
}

/** @throws HawserError SFT_NOT_PERMITTED */
export function checkSend(conference: Conference, { participant }: LocalParticipant, kind: SourceKind): void {
  if (!maySend(conference, participant, kind)) throw new HawserError('SFT_NOT_PERMITTED', kind);
}

/**
 * Takes what participants may send. Whatever of others is not permitted counts as muted, also where the far side says otherwise.
 * @returns the sources here that are muted from now on
 */
export function statePermissions(conference: Conference, permissions: CallPermissions): Source[] {
  conference.permissions = permissions;
  for (const side of conference.sides.values()) quieten(conference, side);
  return silence(conference, (source) => !maySend(conference, source.participant, source.kind));
}

/** Mutes sources of this SFT. @returns those that were not before */
export function silence(conference: Conference, isMeant: (source: Source) => boolean): Source[] {
  const silenced: Source[] = [];
  for (const { sources } of conference.local.values()) {
    for (const source of sources.values()) {
      if (source.muted || !isMeant(source)) continue;
      source.muted = true;
      silenced.push(source);
    }
  }
  return silenced;
}

function quieten(conference: Conference, side: Side): void {
  for (const [id, source] of side.sources) {
    const muted = side.stated.sources.get(id)?.muted === true || !maySend(conference, source.participant, source.kind);
    if (muted !== source.muted) side.sources.set(id, { ...source, muted });
  }
}

/** Takes a statement of wishes; an old one changes nothing. Returns whether anything changed. */
export function stateWishes(
  local: LocalParticipant,
  seq: number,
  wishes: readonly { source: SourceId; layer: number }[],
): boolean {
  if (seq <= local.wishesSeq) return false;
  local.wishesSeq = seq;
  local.wishes = new Map(wishes.map((wish) => [wish.source, wish.layer]));
  return true;
}

/**
 * Takes a far side's statement of who is there and what they publish. The anchor accepts from a federated SFT only
 * participants of that SFT's own domain; a federated SFT accepts from the anchor everybody but its own. An id that is
 * already known on another side is a forgery: ids are random, so it cannot be chance. What was once said of a participant
 * or source stands: its origin, owner, kind and codec do not change. What there is no room for is left out, the last first.
 * @throws HawserError SFT_LINK_FOREIGN_PARTICIPANT; SIG_SCHEMA for a codec or layers that the kind of source cannot have
 */
export function stateSources(
  conference: Conference,
  side: Side,
  statement: { seq: number; participants: readonly LinkParticipant[]; sources: readonly LinkSource[] },
  room: Room = UNLIMITED,
): boolean {
  if (statement.seq <= side.seen.sources) return false;
  const participants = new Map<ParticipantId, LinkParticipant>();
  for (const entry of statement.participants) {
    if (!maySpeakFor(conference, side.peer, entry.origin)) throw foreign(entry.origin);
    if (participants.has(entry.participant) || isKnownElsewhere(conference, side, entry.participant)) {
      throw foreign('participant');
    }
    const before = side.stated.participants.get(entry.participant);
    if (before && before.origin !== entry.origin) throw foreign('another origin');
    participants.set(entry.participant, entry);
  }
  const sources = new Map<SourceId, LinkSource>();
  const kinds = new Set<string>();
  for (const entry of statement.sources) {
    const owner = participants.get(entry.participant);
    const kind = `${entry.participant} ${entry.kind}`;
    if (owner?.origin !== entry.origin || sources.has(entry.source) || kinds.has(kind)) throw foreign('source');
    if (findSource(conference, entry.source, side)) throw foreign('source');
    if (!CODECS_OF[entry.kind].includes(entry.codec))
      throw new HawserError('SIG_SCHEMA', `a ${entry.kind} in ${entry.codec}`);
    const before = side.stated.sources.get(entry.source);
    if (
      before &&
      (before.participant !== entry.participant || before.kind !== entry.kind || before.codec !== entry.codec)
    ) {
      throw foreign('another source');
    }
    if (entry.kind !== 'camera' && entry.layers.some((layer) => layer > 0))
      throw new HawserError('SIG_SCHEMA', 'layers');
    kinds.add(kind);
    sources.set(entry.source, entry);
  }
  side.seen.sources = statement.seq;
  side.stated = { participants, sources };
  takeWithin(conference, side, room);
  return true;
}

/** Takes as much of what a side stated as there is room for, in its order. Returns whether it is more or less than before. */
export function takeWithin(conference: Conference, side: Side, room: Room): boolean {
  const before = side.participants.size + side.sources.size;
  replace(side.participants, new Map([...side.stated.participants].slice(0, room.participants)));
  replace(side.sources, new Map(sourcesOfTaken(side).slice(0, room.sources)));
  quieten(conference, side);
  return side.participants.size + side.sources.size !== before;
}

/** The stated sources of the participants that are taken. */
function sourcesOfTaken(side: Side): [SourceId, LinkSource][] {
  return [...side.stated.sources].filter(([, { participant }]) => side.participants.has(participant));
}

export function stateStreams(
  side: Side,
  { seq, trunk, streams }: { seq: number; trunk: TrunkId; streams: readonly LinkStream[] },
): boolean {
  if (seq <= side.seen.streams) return false;
  side.seen.streams = seq;
  const offered = new Map<SourceId, LinkStream[]>();
  for (const stream of streams) {
    const layers = offered.get(stream.source) ?? [];
    if (!layers.some((each) => each.layers.some((layer) => stream.layers.includes(layer)))) layers.push(stream);
    offered.set(stream.source, layers);
  }
  side.offered = offered;
  side.offeredOn = trunk;
  return true;
}

export function stateDemand(
  side: Side,
  { seq, ready, since, demands }: { seq: number; ready: number; since: number; demands: readonly LinkDemand[] },
): boolean {
  if (seq <= side.seen.demand) return false;
  side.seen.demand = seq;
  side.receives = { ready, since };
  side.demand = new Map(demands.map((demand) => [demand.source, demand.layers]));
  return true;
}

/** A level may be stated before its source is; it counts as soon as that is known. */
export function stateLevels(
  side: Side,
  statement: { seq: number; levels: readonly LinkLevel[]; speaker?: ParticipantId | undefined },
  now: number,
): boolean {
  if (statement.seq <= side.seen.levels) return false;
  side.seen.levels = statement.seq;
  side.speaker = statement.speaker;
  const audible = statement.levels.filter(({ level }) => level >= AUDIBLE);
  const heard = new Map(audible.map(({ source, level }) => [source, level]));
  hear(side.levels, heard, new Set(side.sources.keys()), now);
  return true;
}

/** A source and the side it is on; `undefined` as side means this SFT's own. */
export interface Located {
  readonly source: Source;
  readonly side: Side | undefined;
  readonly origin: DomainName;
}

/** Every source of the conference in a fixed order: own ones first, then side by side. */
export function* sourcesOf(conference: Conference): Generator<Located> {
  for (const local of conference.local.values()) {
    for (const source of local.sources.values()) yield { source, side: undefined, origin: conference.domain };
  }
  for (const side of conference.sides.values()) {
    for (const source of side.sources.values()) yield { source, side, origin: source.origin };
  }
}

/** The participants that are not on the given side and may meet its people, as a link to that side announces them. */
export function announcedTo(
  conference: Conference,
  to: Side,
): { participants: LinkParticipant[]; sources: LinkSource[] } {
  const participants: LinkParticipant[] = [];
  if (mayMeet(conference, conference.domain, to.peer)) {
    for (const { participant, hand } of conference.local.values()) {
      participants.push({ participant, origin: conference.domain, hand });
    }
  }
  for (const side of conference.sides.values()) {
    if (side === to) continue;
    for (const entry of side.participants.values()) {
      if (mayMeet(conference, entry.origin, to.peer)) participants.push({ ...entry });
    }
  }
  const sources: LinkSource[] = [];
  for (const { source, side, origin } of sourcesOf(conference)) {
    if (side === to || !mayMeet(conference, origin, to.peer)) continue;
    sources.push({ ...source, origin, layers: [...source.layers] });
  }
  return { participants, sources };
}

/** The levels that a link to the side states: of everybody whom it is announced and who speaks, the loudest first. */
export function levelsTold(conference: Conference, to: Side): LinkLevel[] {
  const levels: LinkLevel[] = [];
  for (const { source, side, origin } of sourcesOf(conference)) {
    const level =
      side === to || !mayMeet(conference, origin, to.peer)
        ? undefined
        : (side ?? conference).levels.heard.get(source.source);
    if (level !== undefined && !source.muted) levels.push({ source: source.source, level });
  }
  return levels.sort((a, b) => b.level - a.level || (a.source < b.source ? -1 : 1)).slice(0, MAX_LEVELS);
}

/** The speaker as a link to the side names it; nobody where the people of that side may not know who it is. */
export function speakerTold(
  conference: Conference,
  to: Side,
  speaker: ParticipantId | undefined,
): ParticipantId | undefined {
  if (speaker === undefined) return undefined;
  const behind = [...conference.sides.values()].find(({ participants }) => participants.has(speaker));
  const origin = behind?.participants.get(speaker)?.origin ?? conference.domain;
  return mayMeet(conference, origin, to.peer) ? speaker : undefined;
}

/** Everybody, as the clients of this SFT see them. */
export function rosterOf(conference: Conference): RosterEntry[] {
  const roster: RosterEntry[] = [];
  const describe = (source: Source) => ({
    source: source.source,
    kind: source.kind,
    codec: source.codec,
    layers: [...source.layers],
    muted: source.muted,
  });
  for (const local of conference.local.values()) {
    const sources = [...local.sources.values()].map(describe);
    roster.push({ participant: local.participant, domain: conference.domain, via: [], hand: local.hand, sources });
  }
  for (const side of conference.sides.values()) {
    const sources = Map.groupBy(side.sources.values(), (source) => source.participant);
    for (const { participant, origin, hand } of side.participants.values()) {
      const via = origin === side.peer ? [side.peer] : [side.peer, origin];
      roster.push({ participant, domain: origin, via, hand, sources: (sources.get(participant) ?? []).map(describe) });
    }
  }
  return roster;
}

/** Nobody is left on any side, so that nothing needs to be kept. */
export function isEmpty(conference: Conference): boolean {
  if (conference.local.size > 0) return false;
  // A federated SFT is in a conference only for the sake of its own people.
  if (conference.anchor !== conference.domain) return true;
  return conference.sides.size === 0;
}

function maySpeakFor(conference: Conference, peer: DomainName, origin: DomainName): boolean {
  return conference.anchor === conference.domain ? origin === peer : origin !== conference.domain;
}

/** Whether a participant stands on another side than this one: ids are random, so it cannot be chance. */
export function isKnownElsewhere(conference: Conference, side: Side, participant: ParticipantId): boolean {
  if (conference.local.has(participant)) return true;
  for (const other of conference.sides.values()) {
    if (other !== side && other.stated.participants.has(participant)) return true;
  }
  return false;
}

function findSource(conference: Conference, source: SourceId, except: Side): boolean {
  for (const local of conference.local.values()) if (local.sources.has(source)) return true;
  for (const side of conference.sides.values()) if (side !== except && side.stated.sources.has(source)) return true;
  return false;
}

function forget(side: Side, participant: ParticipantId): void {
  if (!side.stated.participants.has(participant)) return;
  const { participants, sources } = side.stated;
  side.stated = {
    participants: new Map([...participants].filter(([id]) => id !== participant)),
    sources: new Map([...sources].filter(([, source]) => source.participant !== participant)),
  };
  side.participants.delete(participant);
  for (const [id, source] of side.sources) if (source.participant === participant) side.sources.delete(id);
}

function foreign(detail: string): HawserError {
  return new HawserError('SFT_LINK_FOREIGN_PARTICIPANT', detail);
}

function replace<K, V>(target: Map<K, V>, source: ReadonlyMap<K, V>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}
