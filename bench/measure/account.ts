/** What the media servers say of the trunk between two of them, added up; and what passed between two such readings. Pure. */
import type { SftState } from '#cli/demo/organisation.ts';
import type { SourceKind } from '#signalling/media-profile.ts';

export interface StreamAccount {
  readonly kind: SourceKind;
  readonly layer: number;
  readonly bytes: number;
  readonly packets: number;
}

/** What one server has sent to one other. */
export interface Account {
  /** UDP payload. */
  readonly bytes: number;
  /** RTP with its headers, without SRTP and UDP; by stream. */
  readonly streams: ReadonlyMap<string, StreamAccount>;
}

export function accountOf(state: SftState, peer: string): Account {
  const trunks = state.links.filter((link) => link.peer === peer).flatMap((link) => link.trunks);
  const streams = new Map<string, StreamAccount>();
  for (const [index, trunk] of trunks.entries()) {
    for (const { source, kind, layer, direction, bytes, packets } of trunk.streams) {
      if (direction === 'out')
        streams.set(`${index} ${source} ${layer}`, { kind: kindOf(kind), layer, bytes, packets });
    }
  }
  return { bytes: trunks.reduce((sum, { sent }) => sum + sent, 0), streams };
}

/** What passed between two readings of one server. */
export interface Passed {
  /** UDP payload. */
  readonly bytes: number;
  readonly streams: readonly StreamAccount[];
}

/** A stream that began in between counts from its begin; one that ended is in the sum only. */
export function passedBetween(before: Account, after: Account): Passed {
  const streams = [...after.streams].map(([key, now]) => {
    const then = before.streams.get(key);
    const isSame = then !== undefined && then.bytes <= now.bytes;
    return { ...now, bytes: now.bytes - (isSame ? then.bytes : 0), packets: now.packets - (isSame ? then.packets : 0) };
  });
  return { bytes: after.bytes - before.bytes, streams };
}

function kindOf(kind: string): SourceKind {
  if (kind === 'camera' || kind === 'microphone' || kind === 'screen') return kind;
  throw new Error(`the media server speaks of a ${kind}`);
}
