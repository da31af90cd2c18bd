/** A way to the SFT, whatever it is made of: RTP and RTCP in clear go in and come out. */
import type { DtlsParameters, TransportOffer } from '#signalling/webrtc.ts';
import type { ParsedHeader } from './rtp.ts';

export interface PathEvents {
  onRtp(header: ParsedHeader, payload: Buffer): void;
  onRtcp(packet: Buffer): void;
  /** The path broke, or never came about. */
  onLost(): void;
}

export interface MediaPath {
  /** What the SFT is told of this end. */
  readonly dtlsParameters: DtlsParameters;
  readonly isConnected: boolean;
  /** UDP payload, encryption included. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Resolves when media can be sent. */
  connect(): Promise<void>;
  sendRtp(header: Buffer, payload: Buffer): void;
  sendRtcp(packet: Buffer): void;
  close(): void;
}

/** Prepares a path and sends nothing yet. */
export type OpenPath = (offer: TransportOffer, events: PathEvents) => Promise<MediaPath>;
