/** What a person may want to know about one incoming source: two readings of its counters make one figure. Pure. */
import type { DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { ReceiverCounters } from '../media/engine.ts';
import type { Participant, RemoteRendition } from './participants.ts';

export interface Quality {
  readonly participant: ParticipantId;
  readonly source: SourceId;
  readonly kind: SourceKind;
  /** Domains on the way, nearest first; empty: all on the own SFT. */
  readonly via: readonly DomainName[];
  /** Since the last reading, bit/s; absent at the first. */
  readonly bitrate?: number;
  readonly framesPerSecond?: number;
  /** Part of the packets that did not arrive since the last reading, 0 to 1. */
  readonly loss?: number;
  /** Of the rendition that is to be shown; bytes, packets, freezes and dropped frames of all of them. */
  readonly counters: ReceiverCounters;
}

export function qualityOf(
  participants: readonly Participant<unknown>[],
  now: readonly ReceiverCounters[],
  before: readonly ReceiverCounters[],
): readonly Quality[] {
  const current = new Map(now.map((each) => [each.consumer, each]));
  const earlier = new Map(before.map((each) => [each.consumer, each]));
  return participants.flatMap(({ participant, via, sources }) =>
    sources.flatMap(({ source, kind, renditions }) => {
      const counters = sumOf(renditions, current);
      if (!counters) return [];
      const then = sumOf(renditions, earlier);
      const comparable = then?.consumer === counters.consumer ? then : undefined;
      return [{ participant, source, kind, via, counters, ...change(counters, comparable) }];
    }),
  );
}

/** Counters of the highest rendition that flows, with the traffic of the others added. */
function sumOf(
  renditions: readonly RemoteRendition<unknown>[],
  counters: ReadonlyMap<string, ReceiverCounters>,
): ReceiverCounters | undefined {
  const known = renditions.filter(({ consumer }) => counters.has(consumer));
  const shown = known.findLast(({ layer }) => layer !== undefined) ?? known[0];
  const of = shown && counters.get(shown.consumer);
  if (!of) return undefined;
  const sum = (pick: (each: ReceiverCounters) => number) =>
    known.reduce((total, { consumer }) => total + pick(counters.get(consumer) ?? of), 0);
  return {
    ...of,
    bytes: sum(({ bytes }) => bytes),
    packets: sum(({ packets }) => packets),
    packetsLost: sum(({ packetsLost }) => packetsLost),
    ...(of.freezes !== undefined && { freezes: sum(({ freezes }) => freezes ?? 0) }),
    ...(of.framesDropped !== undefined && { framesDropped: sum(({ framesDropped }) => framesDropped ?? 0) }),
  };
}

function change(now: ReceiverCounters, before: ReceiverCounters | undefined) {
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  if (!before || seconds <= 0) return {};
  const lost = Math.max(0, now.packetsLost - before.packetsLost);
  const expected = Math.max(0, now.packets - before.packets) + lost;
  return {
    bitrate: (Math.max(0, now.bytes - before.bytes) * 8) / seconds,
    loss: expected === 0 ? 0 : lost / expected,
    ...(now.framesDecoded !== undefined && {
      framesPerSecond: Math.max(0, now.framesDecoded - (before.framesDecoded ?? 0)) / seconds,
    }),
  };
}
