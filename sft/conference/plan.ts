/**
 * What must be true of the media, given a conference's state: the whole, every time. Whoever executes it compares it
 * with what is, and changes the difference, so that a lost or doubled event can do no lasting harm.
 */
import type { DomainName, ParticipantId, SourceId, TrunkId } from '#signalling/ids.ts';
import { isVideo } from '#signalling/media-profile.ts';
import type { LinkStream } from '#signalling/sft-link.ts';
import { mayReceive } from './access.ts';
import { type Conference, type Side, sourcesOf } from './conference.ts';
import type { Wanted } from './demand.ts';
import { layerKey, NOTHING_LEFT_OUT, type SideShed, wantedBy, withoutShed } from './shares.ts';

/** What one viewer of this SFT gets of one source; `layer` is the highest one wanted. */
export interface Subscription {
  readonly source: SourceId;
  readonly layer: number;
}

export interface SidePlan {
  /** Sources that are offered to the side, and the layers it wants to run. */
  readonly outgoing: ReadonlyMap<SourceId, { readonly layers: readonly number[]; readonly wanted: readonly number[] }>;
  /** Streams that the side offers, to be received. */
  readonly incoming: ReadonlyMap<SourceId, readonly LinkStream[]>;
  /** The statement that offers them, and on which trunk. */
  readonly offer: { readonly seq: number; readonly trunk: TrunkId | undefined };
  /** Which statements of ours the side can receive, and which it still needs; see the contract of `demand`. */
  readonly receives: { readonly ready: number; readonly since: number };
  /** Layers that are to be asked for, once they can be received. */
  readonly demand: Wanted;
}

export interface Plan {
  readonly viewers: ReadonlyMap<ParticipantId, readonly Subscription[]>;
  readonly sides: ReadonlyMap<DomainName, SidePlan>;
}

/**
 * @param demands what is asked of each side, by its domain; see `demand.ts`
 * @param voices the microphones that may cross, whatever a side demands; all of them when left out; see `voices.ts`
 * @param shed what is left out of it, and of what each side asks for
 */
export function planOf(
  conference: Conference,
  demands: ReadonlyMap<DomainName, Wanted>,
  voices?: ReadonlySet<SourceId>,
  shed: ReadonlyMap<DomainName, SideShed> = new Map(),
): Plan {
  const viewers = new Map<ParticipantId, Subscription[]>();
  for (const local of conference.local.values()) {
    if (local.receives) viewers.set(local.participant, subscriptionsOf(conference, local.participant, local.wishes));
  }
  const sides = new Map<DomainName, SidePlan>();
  for (const side of conference.sides.values()) {
    const demand = demands.get(side.peer) ?? new Map();
    const out = shed.get(side.peer) ?? NOTHING_LEFT_OUT;
    sides.set(side.peer, planSide(conference, side, demand, voices, out));
  }
  return { viewers, sides };
}

function subscriptionsOf(
  conference: Conference,
  participant: ParticipantId,
  wishes: ReadonlyMap<SourceId, number>,
): Subscription[] {
  const subscriptions: Subscription[] = [];
  for (const { source } of sourcesOf(conference)) {
    const layer = isVideo(source.kind) ? wishes.get(source.source) : 0;
    if (layer === undefined) continue;
    if (!mayReceive(conference, { kind: 'participant', participant }, source.source)) continue;
    subscriptions.push({ source: source.source, layer });
  }
  return subscriptions;
}

function planSide(
  conference: Conference,
  side: Side,
  demand: Wanted,
  voices: ReadonlySet<SourceId> | undefined,
  shed: SideShed,
): SidePlan {
  const outgoing = new Map<SourceId, { layers: readonly number[]; wanted: readonly number[] }>();
  for (const { source } of sourcesOf(conference)) {
    if (!mayReceive(conference, { kind: 'side', side }, source.source)) continue;
    const wanted = wantedBy(side, source, voices);
    outgoing.set(source.source, {
      layers: source.layers,
      wanted: wanted.filter((layer) => !shed.outgoing.has(layerKey(source.source, layer))),
    });
  }
  const incoming = new Map<SourceId, readonly LinkStream[]>();
  for (const [source, streams] of side.offered) {
    const announced = side.sources.get(source);
    // Streams may be stated before the source they belong to, or longer than it; neither is received.
    if (announced)
      incoming.set(
        source,
        streams.filter(({ layers }) => layers.every((layer) => announced.layers.includes(layer))),
      );
  }
  const offer = { seq: side.seen.streams, trunk: side.offeredOn };
  return { outgoing, incoming, offer, receives: side.receives, demand: withoutShed(demand, shed.incoming) };
}
