/** The browser's statistics report, as the engine's counters. Pure. */
import type { ReceiverCounters } from '../engine.ts';

/** What is used of `RTCInboundRtpStreamStats`. TypeScript's DOM types do not have all of its members yet. */
interface InboundRtp {
  readonly type: string;
  readonly timestamp: number;
  readonly trackIdentifier?: string;
  readonly bytesReceived?: number;
  readonly packetsReceived?: number;
  readonly packetsLost?: number;
  readonly jitter?: number;
  readonly framesDecoded?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly totalAudioEnergy?: number;
  readonly freezeCount?: number;
  readonly framesDropped?: number;
}

/** @param consumers consumer ids by the id of their track */
export function countersOf(
  report: { values(): Iterable<unknown> },
  consumers: ReadonlyMap<string, string>,
): readonly ReceiverCounters[] {
  const counters: ReceiverCounters[] = [];
  for (const entry of report.values() as Iterable<InboundRtp>) {
    const consumer = consumers.get(entry.trackIdentifier ?? '');
    if (entry.type !== 'inbound-rtp' || consumer === undefined) continue;
    counters.push({
      consumer,
      at: entry.timestamp,
      bytes: entry.bytesReceived ?? 0,
      packets: entry.packetsReceived ?? 0,
      packetsLost: entry.packetsLost ?? 0,
      jitterMs: (entry.jitter ?? 0) * 1000,
      ...(entry.framesDecoded !== undefined && { framesDecoded: entry.framesDecoded }),
      ...(entry.frameWidth !== undefined && { width: entry.frameWidth }),
      ...(entry.frameHeight !== undefined && { height: entry.frameHeight }),
      ...(entry.totalAudioEnergy !== undefined && { audioEnergy: entry.totalAudioEnergy }),
      ...(entry.freezeCount !== undefined && { freezes: entry.freezeCount }),
      ...(entry.framesDropped !== undefined && { framesDropped: entry.framesDropped }),
    });
  }
  return counters;
}
