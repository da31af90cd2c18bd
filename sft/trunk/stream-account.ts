import type { SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';

/** Counters of one stream of a trunk since it began. */
export interface StreamAccount {
  readonly source: SourceId;
  readonly kind: SourceKind;
  /** Those that the SSRC can carry, ascending; several in VP9 only. */
  readonly layers: readonly number[];
  /** The highest of them that flows; while none does, the lowest. */
  readonly layer: number;
  readonly direction: 'out' | 'in';
  /** RTP with its headers and repair, without SRTP and UDP. */
  readonly bytes: number;
  readonly packets: number;
  /** Packets that the receiver missed, repaired ones included: of an outgoing stream as the peer reports it. */
  readonly lost: number;
  /** RFC 3550, section 6.4.1, s; incoming streams only. */
  readonly jitter: number;
  /** Round trip as the peer's reports tell it, ms; 0 before the first one, and for incoming streams. */
  readonly rttMs: number;
  /** Key frames that the receiver asked for (PLI and FIR). */
  readonly keyFrameRequests: number;
  /** NACK messages of the receiver, and the packets that they asked for. */
  readonly nacks: number;
  readonly nackPackets: number;
}

/** Bytes of one trunk since it began, UDP payload. */
export interface TrunkTotals {
  readonly sent: number;
  readonly received: number;
  /** The part of what was received that is RTP of streams that are known, repair included, without SRTP. */
  readonly known: number;
}
