/** The epochs of the conference's group whose media can be read, and the one that is sent with. */
import type { ParticipantId } from '#signalling/ids.ts';
import { type Engine, FrameKey } from './frame-key.ts';
import { shortEpoch } from './key-id.ts';
import { CONFERENCE_SUITE } from './suite.ts';

/** What the group says of one epoch. */
export interface Epoch {
  readonly number: bigint;
  /** `MLS-Exporter("SFrame 1.0 Base Key", "", 16)`, RFC 9605, section 5.2. */
  readonly baseKey: Uint8Array;
  /** Bits of a leaf's index in a KID. */
  readonly leafBits: number;
  /** Where this device sits. */
  readonly leaf: number;
  /** Who sits at which leaf, under the name that the SFT knows. */
  readonly participants: ReadonlyMap<number, ParticipantId>;
}

/** Frames of the epoch before are on their way for a while, ms. */
export const KEPT_MS = 10_000;

/** Keys that are ready at once, of one epoch: whoever forwards frames could name any number of them. */
const MAX_KEYS = 2_048;

interface Kept {
  readonly epoch: Epoch;
  readonly keys: Map<bigint, Promise<FrameKey>>;
  /** Until when its frames are read, once another one is sent with. */
  until: number;
}

export class Epochs {
  readonly #engine: Engine;
  readonly #now: () => number;
  /** By the lowest bits of their numbers: of two with the same ones the newer is meant. */
  readonly #kept = new Map<number, Kept>();
  #sending: Kept | undefined;
  #isHeld = false;

  /** @param now ms of a clock that only goes forward */
  constructor(engine: Engine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  /** What is sent with it can be read from now on. One that is known is not taken again. */
  add(epoch: Epoch): void {
    const short = shortEpoch(epoch.number);
    const known = this.#kept.get(short)?.epoch.number;
    if (known !== undefined && known >= epoch.number) return;
    this.#forget(short);
    this.#kept.set(short, { epoch, keys: new Map(), until: Number.POSITIVE_INFINITY });
  }

  /** Everything is sent with it from now on; frames of older ones are read for ten seconds more. */
  sendWith(number: bigint): void {
    // Once more with the same one: after `hold`.
    if (number === this.#sending?.epoch.number) this.#isHeld = false;
    const next = this.#kept.get(shortEpoch(number));
    if (next?.epoch.number !== number || number <= (this.#sending?.epoch.number ?? -1n)) return;
    this.#sending = next;
    this.#isHeld = false;
    const now = this.#now();
    for (const [short, kept] of this.#kept) {
      if (kept.until < now) this.#forget(short);
      else if (kept.epoch.number < number) kept.until = Math.min(kept.until, now + KEPT_MS);
    }
  }

  /** Nothing is sent until `sendWith` is called again: neither with the newest keys, nor with older ones that somebody has who is out. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Undefined until the group has its first one, and while it is held. */
  get sending(): Epoch | undefined {
    return this.#isHeld ? undefined : this.#sending?.epoch;
  }

  /** @param short lowest bits of the number. @returns undefined where nothing of it can be read, not yet or not any more */
  find(short: number): Epoch | undefined {
    const kept = this.#kept.get(short);
    if (!kept || kept.until >= this.#now()) return kept?.epoch;
    this.#forget(short);
    return undefined;
  }

  /** The key of a sender, derived when it is needed first. @param epoch one that `find` or `sending` gave */
  key(epoch: Epoch, kid: bigint): Promise<FrameKey> {
    const kept = this.#kept.get(shortEpoch(epoch.number));
    if (kept?.epoch !== epoch) return FrameKey.derive(this.#engine, CONFERENCE_SUITE, epoch.baseKey, kid);
    const known = kept.keys.get(kid);
    if (known) return known;
    const made = FrameKey.derive(this.#engine, CONFERENCE_SUITE, epoch.baseKey, kid);
    kept.keys.set(kid, made);
    for (const [oldest] of kept.keys) {
      if (kept.keys.size <= MAX_KEYS) break;
      kept.keys.delete(oldest);
    }
    return made;
  }

  /** Its key is nowhere any more, as far as it is in these hands. */
  #forget(short: number): void {
    this.#kept.get(short)?.epoch.baseKey.fill(0);
    this.#kept.delete(short);
  }
}
