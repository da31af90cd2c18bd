/**
 * One peer's account: from what is wanted and what flows between us and it, in all conferences and on all trunks, what is
 * to be left out in each direction, what of it is refused, and whether it is cut off. Pure; one look a second, time passed
 * in, ms.
 */
import type { ErrorCode } from '#signalling/errors.ts';
import type { ConferenceId, SourceId, TrunkId } from '#signalling/ids.ts';
import { isVideo } from '#signalling/media-profile.ts';
import type { WantedLayer } from '../conference/shares.ts';
import { ceilingOf } from './bitrate.ts';
import { Brake } from './brake.ts';
import { Estimates } from './estimates.ts';
import { Excess } from './excess.ts';
import { FeedbackFlood, REST_MS } from './feedback.ts';
import { Meter } from './meter.ts';
import { NOTHING_SHED, type Shed, shed, type Wanting } from './shedding.ts';
import type { StreamAccount, TrunkTotals } from './stream-account.ts';
import { Sustained } from './sustained.ts';

export interface WantedOnTrunk extends WantedLayer {
  readonly conference: ConferenceId;
  readonly key: string;
  readonly trunk: TrunkId | undefined;
}

export interface Reading {
  readonly outgoing: readonly WantedOnTrunk[];
  readonly incoming: readonly WantedOnTrunk[];
  /** The sources of which we ask for some layer. */
  readonly demanded: ReadonlySet<SourceId>;
  readonly trunks: readonly {
    readonly trunk: TrunkId;
    readonly totals: TrunkTotals;
    readonly streams: readonly StreamAccount[];
  }[];
  /** Statements of demand since the last look, of the conference with the most of them. */
  readonly demandChanges: number;
}

/** bit/s */
export interface Budget {
  readonly send: number;
  readonly receive: number;
}

export interface Verdict {
  readonly outgoing: Shed;
  readonly incoming: Shed;
  readonly refuse: readonly SourceId[];
  readonly cut: ErrorCode | undefined;
  /** bit/s of RTP */
  readonly sending: number;
  readonly receiving: number;
}

type Figures = Pick<StreamAccount, 'bytes' | 'packets' | 'lost' | 'keyFrameRequests' | 'nacks' | 'nackPackets'>;
type ShedLayer = NonNullable<ReturnType<Shed['get']>>;
type Flowing = {
  readonly key: string;
  readonly stream: StreamAccount;
  readonly trunk: TrunkId;
  readonly growth: Figures;
};

/** A statement each 20 ms is the most that an honest peer makes. */
export const MOST_DEMAND_CHANGES = 50;
const FLAPPING_MS = 3_000;
/** Our own people's streams are held to their ceiling sooner than a peer would refuse them. */
const CEILING_MS = 2_000;
const CEILING_REST_MS = 10_000;
/** AEAD_AES_256_GCM adds a tag of 16 bytes to each packet (RFC 7714, section 14.2). */
const TAG_BITS = 128;

export class PeerAccount {
  readonly #totals = new Meter<{ sent: number; received: number; known: number }>();
  readonly #streams = new Meter<Figures & Record<string, number>>();
  readonly #estimates = { outgoing: new Estimates(), incoming: new Estimates() };
  readonly #brakes = new Map<TrunkId, { readonly brake: Brake; shed: Shed }>();
  readonly #overCeiling = new Map<string, Sustained>();
  readonly #resting = new Map<
    string,
    { readonly reason: 'ceiling' | 'feedback'; readonly since: number; readonly until: number }
  >();
  readonly #excess = new Excess();
  readonly #flood = new FeedbackFlood();
  readonly #flapping = new Sustained(FLAPPING_MS);
  #limited = { outgoing: NOTHING_SHED, incoming: NOTHING_SHED };
  #outgoing: Shed = NOTHING_SHED;
  #lookedAt: number | undefined;

  look(reading: Reading, budget: Budget, now: number): Verdict {
    const seconds = this.#lookedAt === undefined ? 1 : Math.max(0.001, (now - this.#lookedAt) / 1_000);
    this.#lookedAt = now;
    const flowing = this.#flow(reading, now);
    const out = flowing.filter(({ stream }) => stream.direction === 'out');
    const arriving = flowing.filter(({ stream }) => stream.direction === 'in');
    this.#rest(out, now);
    const flood = this.#feedback(out, now);
    this.#brake(reading, out, seconds, now);
    const outgoing = this.#shedOutgoing(reading.outgoing, bitsByKey(out), budget.send, now);
    const incoming = this.#shedIncoming(reading.incoming, bitsByKey(arriving), budget.receive, now);
    const sending = sumOf(out);
    const excess = this.#excess.look(
      {
        streams: arriving.map(({ key, trunk, stream, growth }) => ({
          key: `${trunk} ${key}`,
          source: stream.source,
          kind: stream.kind,
          layer: Math.max(...stream.layers),
          bitrate: growth.bytes * 8,
          demanded: reading.demanded.has(stream.source),
        })),
        unknown: this.#unknown(reading, arriving, now),
        sending,
        limit: budget.receive,
      },
      now,
    );
    const flaps = this.#flapping.look(reading.demandChanges / seconds > MOST_DEMAND_CHANGES, now);
    const cut = excess.cut ?? flood ?? (flaps ? 'SFT_LINK_FLAPPING' : undefined);
    return { outgoing, incoming, refuse: excess.refuse, cut, sending, receiving: sumOf(arriving) };
  }

  #flow({ trunks }: Reading, now: number): Flowing[] {
    const flowing = trunks.flatMap(({ trunk, streams }) =>
      streams.map((stream) => {
        const { source, layers, layer, direction, bytes, packets, lost, keyFrameRequests, nacks, nackPackets } = stream;
        const figures = { bytes, packets, lost, keyFrameRequests, nacks, nackPackets };
        const growth = this.#streams.look(`${trunk} ${direction} ${source} ${layers.join('+')}`, figures, now);
        return { key: `${source} ${layer}`, trunk, stream, growth };
      }),
    );
    // Streams that rest are not read; they are forgotten with their trunk.
    const alive = new Set<string>(trunks.map(({ trunk }) => trunk));
    this.#streams.keep({ has: (key) => alive.has(key.slice(0, key.indexOf(' '))) });
    return flowing;
  }

  /** What our own people send too much of does not go on to the peer, which would be in the right to refuse it. */
  #rest(out: readonly Flowing[], now: number): void {
    for (const [key, { until }] of this.#resting) if (now >= until) this.#resting.delete(key);
    const keys = new Set(out.map(({ key }) => key));
    for (const key of this.#overCeiling.keys()) if (!keys.has(key)) this.#overCeiling.delete(key);
    for (const { key, stream, growth } of out) {
      const lasting = this.#overCeiling.get(key) ?? new Sustained(CEILING_MS);
      this.#overCeiling.set(key, lasting);
      if (
        !lasting.look(growth.bytes * 8 > ceilingOf(stream.kind, Math.max(...stream.layers)), now) ||
        !isVideo(stream.kind)
      )
        continue;
      this.#resting.set(key, { reason: 'ceiling', since: now, until: now + CEILING_REST_MS });
    }
  }

  #brake({ trunks }: Reading, out: readonly Flowing[], seconds: number, now: number): void {
    const byTrunk = Map.groupBy(out, ({ trunk }) => trunk);
    const alive = new Set(trunks.map(({ trunk }) => trunk));
    for (const trunk of this.#brakes.keys()) if (!alive.has(trunk)) this.#brakes.delete(trunk);
    for (const trunk of alive) {
      const streams = byTrunk.get(trunk) ?? [];
      const entry = this.#brakes.get(trunk) ?? { brake: new Brake(), shed: NOTHING_SHED };
      this.#brakes.set(trunk, entry);
      const rtts = streams.flatMap(({ stream }) => (stream.rttMs > 0 ? [stream.rttMs] : []));
      entry.brake.look(
        {
          packets: streams.reduce((sum, { growth }) => sum + growth.packets * seconds, 0),
          lost: streams.reduce((sum, { growth }) => sum + growth.lost * seconds, 0),
          rttMs: rtts.length > 0 ? Math.min(...rtts) : undefined,
          sending: sumOf(streams),
          braking: entry.shed.size > 0,
        },
        now,
      );
    }
  }

  #shedOutgoing(wanted: readonly WantedOnTrunk[], bits: ReadonlyMap<string, number>, limit: number, now: number): Shed {
    const costs = this.#costs(this.#estimates.outgoing, wanted, bits, this.#outgoing);
    const awake = costs.filter(({ key }) => !this.#resting.has(key));
    const braked: [string, ShedLayer][] = [];
    for (const [trunk, entry] of this.#brakes) {
      const here = awake.filter((layer) => layer.trunk === trunk);
      entry.shed = shed(entry.shed, here, entry.brake.budget, entry.brake.reason, now);
      braked.push(...entry.shed);
    }
    const out = new Map(braked);
    const rest = awake.filter(({ key }) => !out.has(key));
    this.#limited.outgoing = shed(this.#limited.outgoing, rest, limit, 'send-limit', now);
    for (const [key, layer] of this.#limited.outgoing) out.set(key, layer);
    for (const { key } of costs) {
      const resting = this.#resting.get(key);
      if (resting) out.set(key, resting);
    }
    this.#outgoing = out;
    return this.#outgoing;
  }

  #shedIncoming(wanted: readonly WantedOnTrunk[], bits: ReadonlyMap<string, number>, limit: number, now: number): Shed {
    const costs = this.#costs(this.#estimates.incoming, wanted, bits, this.#limited.incoming);
    this.#limited.incoming = shed(this.#limited.incoming, costs, limit, 'receive-limit', now);
    return this.#limited.incoming;
  }

  #costs(estimates: Estimates, wanted: readonly WantedOnTrunk[], bits: ReadonlyMap<string, number>, out: Shed) {
    estimates.keep(new Set(wanted.map(({ key }) => key)));
    return wanted.map((layer): Wanting & { trunk: TrunkId | undefined } => {
      const flowing = bits.get(layer.key) ?? 0;
      const bitrate = estimates.look(layer.key, layer.kind, layer.layer, flowing, !out.has(layer.key));
      return { ...layer, bitrate };
    });
  }

  /** bit/s that came and belong to no stream that we know. */
  #unknown({ trunks }: Reading, arriving: readonly Flowing[], now: number): number {
    this.#totals.keep(new Set<string>(trunks.map(({ trunk }) => trunk)));
    let unknown = 0;
    for (const { trunk, totals } of trunks) {
      const { received, known } = this.#totals.look(trunk, { ...totals }, now);
      const packets = arriving.reduce((sum, each) => sum + (each.trunk === trunk ? each.growth.packets : 0), 0);
      unknown += Math.max(0, (received - known) * 8 - packets * TAG_BITS);
    }
    return unknown;
  }

  #feedback(out: readonly Flowing[], now: number): ErrorCode | undefined {
    const pictures = out.filter(({ stream }) => isVideo(stream.kind));
    const { rest, cut } = this.#flood.look(
      pictures.map(({ key, growth }) => ({ key, ...growth })),
      now,
    );
    for (const key of rest) this.#resting.set(key, { reason: 'feedback', since: now, until: now + REST_MS });
    return cut ? 'SFT_LINK_FEEDBACK_FLOOD' : undefined;
  }
}

function bitsByKey(streams: readonly Flowing[]): Map<string, number> {
  const bits = new Map<string, number>();
  for (const { key, growth } of streams) bits.set(key, (bits.get(key) ?? 0) + growth.bytes * 8);
  return bits;
}

function sumOf(streams: readonly Flowing[]): number {
  return streams.reduce((sum, { growth }) => sum + growth.bytes * 8, 0);
}
