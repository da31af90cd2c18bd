/**
 * Client to its own SFT, version 1. The client dials and joins with a ticket; everything after the join can be sent
 * without waiting, so that a picture is there two round trips after the ticket.
 */
import Type, { type Static } from 'typebox';
import { Closed, type Contract, Nothing, Sequence, Word } from './contract.ts';
import { ConferenceId, DomainName, ParticipantId, SessionId, SourceId } from './ids.ts';
import { Codec, Layer, Layers, SourceKind } from './media-profile.ts';
import { SignalPayload } from './signal.ts';
import { DtlsParameters, RtpCapabilities, RtpParameters, TransportOffer } from './webrtc.ts';

export const CLIENT_SFT_PATH = '/client/v1';

export const TransportName = Word('send', 'receive');
export type TransportName = Static<typeof TransportName>;

export const ConsumerId = Type.String({ minLength: 1, maxLength: 64 });

/** A viewer who cannot decode `codec` is given everything but this source. */
export const RosterSource = Closed({
  source: SourceId,
  kind: SourceKind,
  codec: Codec,
  layers: Layers,
  muted: Type.Boolean(),
});
export type RosterSource = Static<typeof RosterSource>;

/**
 * `via`: the domains that this participant's media passes on its way here, nearest first; empty on the same SFT.
 * `hand`: raised, to say that one wants to speak.
 */
export const RosterEntry = Closed({
  participant: ParticipantId,
  domain: DomainName,
  via: Type.Array(DomainName, { maxItems: 2 }),
  hand: Type.Boolean(),
  sources: Type.Array(RosterSource, { maxItems: 3 }),
});
export type RosterEntry = Static<typeof RosterEntry>;

export const Roster = Closed({ seq: Sequence, participants: Type.Array(RosterEntry, { maxItems: 1_000 }) });
export type Roster = Static<typeof Roster>;

/** Some layers of a source that is published: one producer, whose encodings are those layers in their order. */
export const PublishedRendition = Closed({ layers: Layers, rtpParameters: RtpParameters });
export type PublishedRendition = Static<typeof PublishedRendition>;

/** What a viewer wants of one source: the highest layer that is of use to it. */
export const Wish = Closed({ source: SourceId, layer: Layer });
export type Wish = Static<typeof Wish>;

export const CLIENT_SFT = {
  protocol: 'hawser-client-sft-v1',
  maxLength: { dialler: 64 * 1024, acceptor: 512 * 1024 },
  requests: {
    join: {
      from: 'dialler',
      params: Closed({ conference: ConferenceId, ticket: Type.String({ maxLength: 4_096 }) }),
      result: Closed({
        session: SessionId,
        conference: ConferenceId,
        participant: ParticipantId,
        domain: DomainName,
        anchor: DomainName,
        capabilities: RtpCapabilities,
        send: TransportOffer,
        receive: TransportOffer,
        roster: Roster,
      }),
    },
    /** DTLS of one transport; once for each. */
    connect: {
      from: 'dialler',
      params: Closed({ transport: TransportName, dtlsParameters: DtlsParameters }),
      result: Nothing,
    },
    /** What this client can receive; before it nothing is sent to it. */
    receive: { from: 'dialler', params: Closed({ capabilities: RtpCapabilities }), result: Nothing },
    /** One rendition for each layer, or one with all layers; see `renditionsOf`. */
    publish: {
      from: 'dialler',
      params: Closed({
        kind: SourceKind,
        renditions: Type.Array(PublishedRendition, { minItems: 1, maxItems: 3 }),
        muted: Type.Boolean(),
      }),
      result: Closed({ source: SourceId }),
    },
    unpublish: { from: 'dialler', params: Closed({ source: SourceId }), result: Nothing },
    mute: { from: 'dialler', params: Closed({ source: SourceId, muted: Type.Boolean() }), result: Nothing },
    /** The client has set up its end of a consumer: media may flow. */
    ready: { from: 'dialler', params: Closed({ consumer: ConsumerId }), result: Nothing },
    leave: { from: 'dialler', params: Nothing, result: Nothing },
  },
  notifications: {
    /** All of this viewer's wishes for pictures; microphones come by themselves. */
    wishes: {
      from: 'dialler',
      params: Closed({ seq: Sequence, wishes: Type.Array(Wish, { maxItems: 256 }) }),
    },
    /** The own hand is raised or lowered. */
    hand: { from: 'dialler', params: Closed({ raised: Type.Boolean() }) },
    /** For everybody in the conference: what only their devices can read. Above the limits of `signal.ts` it is dropped. */
    signal: { from: 'dialler', params: Closed({ payload: SignalPayload }) },
    /** What another participant said so. */
    signalled: { from: 'acceptor', params: Closed({ participant: ParticipantId, payload: SignalPayload }) },
    roster: { from: 'acceptor', params: Roster },
    /**
     * Media of a source begins to be available; answered with `ready`. A source may come as several renditions, each with
     * a consumer of its own; the highest one that flows is to be shown.
     */
    consumer: {
      from: 'acceptor',
      params: Closed({
        consumer: ConsumerId,
        source: SourceId,
        kind: SourceKind,
        layers: Layers,
        rtpParameters: RtpParameters,
      }),
    },
    consumerClosed: { from: 'acceptor', params: Closed({ consumer: ConsumerId }) },
    /** The layer of its source that the consumer delivers now; absent while none does. */
    layer: { from: 'acceptor', params: Closed({ consumer: ConsumerId, layer: Type.Optional(Layer) }) },
    /**
     * The layers of a picture of one's own that somebody watches: those are to be sent and no others, none where nobody
     * watches. Stated whole whenever it changes; a picture begins with all of its layers.
     */
    layers: { from: 'acceptor', params: Closed({ source: SourceId, layers: Layers }) },
    /** A source of one's own is muted from now on, because somebody who moderates the call wants it so. */
    silenced: { from: 'acceptor', params: Closed({ source: SourceId }) },
    speaker: { from: 'acceptor', params: Closed({ participant: Type.Optional(ParticipantId) }) },
    /** Something that concerns the whole conference, for example an organisation that cannot be reached; or that it is over. */
    notice: {
      from: 'acceptor',
      params: Closed({
        code: Type.String({ maxLength: 60 }),
        domain: Type.Optional(DomainName),
        over: Type.Optional(Type.Boolean()),
      }),
    },
  },
} as const satisfies Contract;
