/**
 * What moves sound and pictures. A conference speaks to this interface only; a browser puts mediasoup-client behind it, Node
 * an ORTC stack on werift. `Out` is what is published (a track, a packet source), `In` what arrives.
 */

import type { Relays } from '#signalling/client-home.ts';
import type { PublishedRendition } from '#signalling/client-sft.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { DtlsParameters, RtpCapabilities, RtpParameters, TransportOffer } from '#signalling/webrtc.ts';

/** What the SFT offered at the join. */
export interface MediaOffer {
  readonly capabilities: RtpCapabilities;
  readonly send: TransportOffer;
  readonly receive: TransportOffer;
  /** TURN servers of the own domain. */
  readonly relays?: Relays;
}

/** What the engine needs said to the SFT. Nothing of it is waited for where media can go on without the answer. */
export interface MediaSignalling {
  connect(transport: 'send' | 'receive', dtlsParameters: DtlsParameters): Promise<void>;
  publish(kind: SourceKind, renditions: PublishedRendition[], muted: boolean): Promise<SourceId>;
  /** A transport reaches the SFT: ICE and DTLS are done. */
  connected(transport: 'send' | 'receive'): void;
  /** A transport cannot reach the SFT any more, or never could. */
  lost(transport: 'send' | 'receive'): void;
}

export interface IncomingSource {
  readonly consumer: string;
  readonly source: SourceId;
  /** Whose it is. */
  readonly participant: ParticipantId;
  readonly kind: SourceKind;
  readonly rtpParameters: RtpParameters;
}

/** One published source. */
export interface Publication<Out> {
  readonly kind: SourceKind;
  /** The SFT's name for it; rejects where the SFT refused it. */
  readonly source: Promise<SourceId>;
  /** Stops sending and keeps the place; `media` replaces what is sent when it goes on. */
  setMuted(muted: boolean, media?: Out): Promise<void>;
  /** Sends these layers and no others, ascending; none is encoded where the list is empty. All of them until it is called. */
  setLayers(layers: readonly number[]): Promise<void>;
  /** The next picture of each layer builds on none before it. Where it is absent, whoever publishes brings the pictures, and sees to that. */
  refresh?(): Promise<void>;
  close(): void;
}

/** Counters of one incoming source since its begin. */
export interface ReceiverCounters {
  readonly consumer: string;
  /** ms of any clock that only goes forward. */
  readonly at: number;
  readonly bytes: number;
  readonly packets: number;
  readonly packetsLost: number;
  readonly jitterMs: number;
  readonly framesDecoded?: number;
  readonly width?: number;
  readonly height?: number;
  /** Sum of the energy that was played, as in the W3C's `totalAudioEnergy`. */
  readonly audioEnergy?: number;
  readonly freezes?: number;
  /** Frames that were received and decoded too late, or not at all. */
  readonly framesDropped?: number;
}

/** May be started again after it was closed: for a connection that is made again. */
export interface MediaEngine<Out, In, Pub extends Publication<Out>> {
  /**
   * Prepares both transports; sends nothing by itself.
   * @returns what this device can receive
   */
  start(offer: MediaOffer, signalling: MediaSignalling): Promise<RtpCapabilities>;
  publish(kind: SourceKind, media: Out, muted: boolean): Promise<Pub>;
  /** Whether it can still be published: a device that was closed gives nothing any more. Absent where it always can. */
  isLive?(media: Out): boolean;
  consume(incoming: IncomingSource): Promise<In>;
  /** Does nothing where the consumer is gone already. */
  closeConsumer(consumer: string): void;
  receiverCounters(): Promise<readonly ReceiverCounters[]>;
  /** Closes transports, publications and consumers. */
  close(): void;
}
