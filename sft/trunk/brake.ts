/**
 * How much may be sent on one trunk whose path is in trouble. A trunk has no congestion control of its own; the receiver
 * reports of what it carries are the brake. Loss is that before repair: mediasoup's receiver counts a packet that came
 * again by RTX as lost (`GetRtcpReceiverReport`). Pure; about one look a second, time passed in, ms.
 */

export interface BrakeReading {
  /** Packets sent, and reported lost, since the last look. */
  readonly packets: number;
  readonly lost: number;
  /** Round trip of the trunk, ms: the smallest of its streams, since a queue holds all of them up. */
  readonly rttMs: number | undefined;
  /** What is sent now, bit/s. */
  readonly sending: number;
  /** Something is left out because of the brake. */
  readonly braking: boolean;
}

/** Loss above which less is sent. */
export const MOST_LOSS = 0.03;
/** Growth of the round trip above which less is sent, ms; it must have doubled besides. */
export const MOST_GROWTH_MS = 100;
/** Less at each step down, and more a second on the way up. */
export const CUT = 0.85;
export const GROWTH = 1.08;
/** Calm before the way up begins, ms. */
export const CALM_MS = 5_000;

/** Below this nothing is gained any more, and the way up would take too long; bit/s. */
const LEAST_BUDGET = 100_000;
/**
 * So little makes no queue on a path between two organisations, bit/s: where the round trip grows all the same, somebody else's traffic
 * holds it up, or a processor that has too much to do. To leave out small pictures for it would keep people dark for nothing.
 */
const LEAST_QUEUE = 500_000;
/** Looks over which loss is counted: reports come once a second for pictures. */
const WINDOW = 3;
/** Fewer packets say nothing about loss: one of twenty would be 5 %. */
const FEWEST_PACKETS = 100;
/** Reports of what was sent before a step down say nothing about what is sent after it, ms. */
const SETTLE_MS = 2_000;
/** Reports in a row that must show a longer round trip: a queue lasts, a moment without processor time does not. */
const LASTING = 2;
/** The smallest round trip ever seen counts less with time, a look: a path that became longer is no queue. */
const FORGET = 1.002;
/** After so many steps down that did not shorten the round trip it is no queue of ours; 0.85^5 is less than a half. */
const MOST_DELAY_CUTS = 5;

export class Brake {
  readonly #window: { packets: number; lost: number }[] = [];
  #budget = Number.POSITIVE_INFINITY;
  #reason: 'loss' | 'delay' = 'loss';
  #leastRtt: number | undefined;
  #lastRtt: number | undefined;
  #grown = 0;
  #delayCuts = 0;
  #troubleAt = Number.NEGATIVE_INFINITY;
  #cutAt = Number.NEGATIVE_INFINITY;

  /** bit/s; infinite while there is no trouble. */
  get budget(): number {
    return this.#budget;
  }

  /** Of the newest step down. */
  get reason(): 'loss' | 'delay' {
    return this.#reason;
  }

  /** Share of the packets that was lost lately; undefined while too few were sent to tell. */
  get loss(): number | undefined {
    const packets = this.#window.reduce((sum, each) => sum + each.packets, 0);
    const lost = this.#window.reduce((sum, each) => sum + each.lost, 0);
    return packets < FEWEST_PACKETS ? undefined : lost / packets;
  }

  look(reading: BrakeReading, now: number): void {
    const settling = now - this.#cutAt < SETTLE_MS;
    if (!settling) this.#count(reading);
    const trouble = this.#trouble(reading.rttMs);
    if (trouble === undefined) return this.#release(reading.braking, now);
    this.#troubleAt = now;
    if (!settling) this.#cut(trouble, reading, now);
  }

  #count({ packets, lost }: BrakeReading): void {
    this.#window.push({ packets: Math.max(0, packets), lost: Math.max(0, lost) });
    if (this.#window.length > WINDOW) this.#window.shift();
  }

  #trouble(rttMs: number | undefined): 'loss' | 'delay' | undefined {
    if (rttMs !== undefined) this.#leastRtt = Math.min(rttMs, (this.#leastRtt ?? rttMs) * FORGET);
    if ((this.loss ?? 0) > MOST_LOSS) return 'loss';
    const least = this.#leastRtt ?? 0;
    const grown = rttMs !== undefined && rttMs > least + MOST_GROWTH_MS && rttMs > 2 * least;
    // The same to a fraction of a millisecond is the same report, which more than one look may find.
    if (rttMs !== this.#lastRtt) this.#grown = grown ? this.#grown + 1 : 0;
    this.#lastRtt = rttMs;
    return this.#grown >= LASTING ? 'delay' : undefined;
  }

  #cut(reason: 'loss' | 'delay', { sending, rttMs }: BrakeReading, now: number): void {
    if (reason === 'delay' && this.#delayCuts >= MOST_DELAY_CUTS) {
      this.#leastRtt = rttMs;
      this.#delayCuts = 0;
      return;
    }
    this.#delayCuts = reason === 'delay' ? this.#delayCuts + 1 : 0;
    const least = reason === 'delay' ? LEAST_QUEUE : LEAST_BUDGET;
    this.#budget = Math.max(least, Math.min(this.#budget, sending) * CUT);
    this.#reason = reason;
    this.#cutAt = now;
    this.#window.length = 0;
  }

  #release(braking: boolean, now: number): void {
    if (now - this.#troubleAt < CALM_MS) return;
    this.#delayCuts = 0;
    this.#budget = braking ? this.#budget * GROWTH : Number.POSITIVE_INFINITY;
  }
}
