/**
 * SFT to SFT, versions 1 and 2. The federated SFT dials the anchor. Everything that describes a conference is stated whole and
 * numbered; whatever is lost or repeated does no harm. SRTP keys cross here and nowhere else.
 */
import Type, { type Static } from 'typebox';
import { Closed, type Contract, Nothing, Sequence, Word } from './contract.ts';
import { ConferenceId, DomainName, ParticipantId, SourceId, TrunkId } from './ids.ts';
import { Codec, Layer, Layers, MediaAddress, SourceKind, SrtpKey } from './media-profile.ts';
import { SignalPayload } from './signal.ts';

export const LINK_PATH = '/link/v1';
export const LINK_VERSIONS = { min: 1, max: 2 } as const;
/** From this version on people say something to everybody; to an older side the notification is unknown, and ends the link. */
export const SIGNAL_VERSION = 2;
/** Time between heartbeats, ms; three missed make the peer suspect. */
export const HEARTBEAT_MS = 250;
export const SUSPECT_MS = 3 * HEARTBEAT_MS;
/**
 * Shortest time between two statements of demand for one conference that have an effect, ms; the newest counts. Whoever
 * makes many more of them is cut off.
 */
export const DEMAND_SPACING_MS = 20;
/** Silence after which consent to send is over, ms. */
export const CONSENT_MS = 5_000;

const Version = Type.Integer({ minimum: 1, maximum: 1_000 });
const WorkerIndex = Type.Integer({ minimum: 0, maximum: 255 });
/** Number of a statement of the other side; 0 where there is none yet. */
const Answered = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Ssrc = Type.Integer({ minimum: 1, maximum: 0xffff_ffff });

export const Hello = Closed({
  versions: Closed({ min: Version, max: Version }),
  domain: DomainName,
  software: Type.String({ maxLength: 80 }),
  workers: Type.Array(Closed({ index: WorkerIndex }), { minItems: 1, maxItems: 256 }),
});
export type Hello = Static<typeof Hello>;

/** One source as a link announces it. `origin` is the participant's own domain. */
export const LinkSource = Closed({
  source: SourceId,
  participant: ParticipantId,
  origin: DomainName,
  kind: SourceKind,
  codec: Codec,
  layers: Layers,
  muted: Type.Boolean(),
});
export type LinkSource = Static<typeof LinkSource>;

/** `hand`: raised, to say that one wants to speak. */
export const LinkParticipant = Closed({ participant: ParticipantId, origin: DomainName, hand: Type.Boolean() });
export type LinkParticipant = Static<typeof LinkParticipant>;

/**
 * One SSRC of the trunk: which layers of which source it can carry, ascending. In VP8 that is one layer; in VP9 all of them,
 * of which the demanded ones flow. Microphones have no RTX.
 */
export const LinkStream = Closed({
  source: SourceId,
  layers: Type.Array(Layer, { minItems: 1, maxItems: 3, uniqueItems: true }),
  ssrc: Ssrc,
  rtxSsrc: Type.Optional(Ssrc),
});
export type LinkStream = Static<typeof LinkStream>;

/** The layers of one source that the sender of the message wants to receive. */
export const LinkDemand = Closed({ source: SourceId, layers: Layers });
export type LinkDemand = Static<typeof LinkDemand>;

/** How loud a microphone is, dBov; 0 is the loudest (RFC 6464). */
export const LinkLevel = Closed({ source: SourceId, level: Type.Integer({ minimum: -127, maximum: 0 }) });
export type LinkLevel = Static<typeof LinkLevel>;

/** Most levels of one statement; the loudest ones, where more people speak at once. */
export const MAX_LEVELS = 64;

/** Why a layer is left out. `ceiling`: more bits than its kind may have; `feedback`: a flood of requests about it. */
export const ShedReason = Word('send-limit', 'receive-limit', 'loss', 'delay', 'ceiling', 'feedback');
export type ShedReason = Static<typeof ShedReason>;

export const LinkShed = Closed({ source: SourceId, layer: Layer, reason: ShedReason });
export type LinkShed = Static<typeof LinkShed>;

const MAX_PARTICIPANTS = 1_000;
const MAX_SOURCES = 3_000;
const Count = Type.Integer({ minimum: 0, maximum: MAX_SOURCES });

export const SFT_LINK = {
  protocol: 'hawser-link-v1',
  maxLength: { dialler: 1024 * 1024, acceptor: 1024 * 1024 },
  requests: {
    hello: { from: 'dialler', params: Hello, result: Hello },
    /** A federated SFT joins a conference of the anchor, with the grant of the anchor's homeserver. */
    join: {
      from: 'dialler',
      params: Closed({ conference: ConferenceId, grant: Type.String({ maxLength: 4_096 }), worker: WorkerIndex }),
      result: Closed({ worker: WorkerIndex }),
    },
    /**
     * The media path between two workers; asked for by the dialler after the join, reused by all conferences of the pair. With
     * `replaces` it takes the place of the one that stands: from then on both sides offer their streams on the new one, and
     * the old one ends when nothing on it is needed any more.
     */
    trunk: {
      from: 'dialler',
      params: Closed({
        trunk: TrunkId,
        from: WorkerIndex,
        to: WorkerIndex,
        address: MediaAddress,
        srtp: SrtpKey,
        replaces: Type.Optional(TrunkId),
      }),
      result: Closed({ address: MediaAddress, srtp: SrtpKey }),
    },
    leave: { from: 'dialler', params: Closed({ conference: ConferenceId }), result: Nothing },
  },
  notifications: {
    /** Who is in the conference on the sender's side of the link, and what they publish. */
    sources: {
      from: 'both',
      params: Closed({
        conference: ConferenceId,
        seq: Sequence,
        participants: Type.Array(LinkParticipant, { maxItems: MAX_PARTICIPANTS }),
        sources: Type.Array(LinkSource, { maxItems: MAX_SOURCES }),
      }),
    },
    /** The SSRCs under which the sender offers its sources on the trunk; nothing flows before it is demanded. */
    streams: {
      from: 'both',
      params: Closed({
        conference: ConferenceId,
        seq: Sequence,
        trunk: TrunkId,
        streams: Type.Array(LinkStream, { maxItems: MAX_SOURCES * 3 }),
      }),
    },
    /**
     * What the sender wants of the streams that it was offered. It counts for the streams of statements up to `ready`, which
     * the sender has set up to receive; streams that only statements before `since` offered are not needed any more. In
     * between both old and new ones flow, so that viewers move without a gap.
     */
    demand: {
      from: 'both',
      params: Closed({
        conference: ConferenceId,
        seq: Sequence,
        ready: Answered,
        since: Answered,
        demands: Type.Array(LinkDemand, { maxItems: MAX_SOURCES }),
      }),
    },
    /**
     * How loud the microphones on the sender's side of the link are; those that are not named are silent. From the anchor
     * also who speaks in the conference, so that everybody has the same large picture.
     */
    levels: {
      from: 'both',
      params: Closed({
        conference: ConferenceId,
        seq: Sequence,
        levels: Type.Array(LinkLevel, { maxItems: MAX_LEVELS }),
        speaker: Type.Optional(ParticipantId),
      }),
    },
    /**
     * What the sender leaves out of what is wanted: layers that it does not send or does not ask for, and how many of the
     * stated participants and sources it does not take. For the other administrator and people; nothing follows from it.
     */
    shed: {
      from: 'both',
      params: Closed({
        conference: ConferenceId,
        seq: Sequence,
        layers: Type.Array(LinkShed, { maxItems: MAX_SOURCES * 3 }),
        surplus: Closed({ participants: Count, sources: Count }),
      }),
    },
    /**
     * What somebody on the sender's side of the link says to everybody in the conference, and only their devices can read.
     * No state: what is lost or dropped is not said again.
     */
    signal: {
      from: 'both',
      params: Closed({ conference: ConferenceId, participant: ParticipantId, payload: SignalPayload }),
    },
    /** The acceptor, which cannot open a trunk, asks for one in the place of this one. */
    rotate: { from: 'acceptor', params: Closed({ trunk: TrunkId }) },
    /** The conference is over on the sender's side; it is not to be joined again. */
    ended: { from: 'acceptor', params: Closed({ conference: ConferenceId, code: Type.String({ maxLength: 60 }) }) },
  },
} as const satisfies Contract;
