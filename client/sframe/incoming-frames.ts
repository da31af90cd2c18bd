/**
 * The frames of one source as they arrive: decrypted, and only those given on that the decoder can show rightly. Whoever forwards them is
 * trusted with nothing: not to send the frames of this source, not each of them once, not in their order, not all of them.
 */
import type { ParticipantId } from '#signalling/ids.ts';
import { isVideo, type SourceKind } from '#signalling/media-profile.ts';
import type { Epoch, Epochs } from './epochs.ts';
import { concat } from './frame-key.ts';
import { readHeader } from './header.ts';
import { epochOf, type KeyId, readKeyId } from './key-id.ts';
import { readReferences } from './references.ts';
import { Sequence } from './sequence.ts';

/** Why a frame was not shown. */
export type Refusal =
  /** It is not encrypted as the protocol says. */
  | 'malformed'
  /** Of an epoch that is over, or not known within a while. */
  | 'unknownKey'
  /** Another participant's, or of no member. */
  | 'otherSender'
  /** Of another source of the participant. */
  | 'otherSource'
  /** Changed on the way, or not made by that member. */
  | 'forged'
  /** It was there already. */
  | 'repeated'
  /** Its time says that it came before one that was sent before it. */
  | 'reordered'
  /** What it builds on did not come. */
  | 'incomplete';

export interface ArrivedFrame {
  readonly data: Uint8Array;
  /** So many bytes at its begin are in the clear. */
  readonly clear: number;
  /** Of RTP, 32 bits. */
  readonly timestamp: number;
}

export interface IncomingOptions {
  readonly epochs: Epochs;
  /** Whom the SFT calls the sender. */
  readonly participant: ParticipantId;
  readonly kind: SourceKind;
  /** ms of a clock that only goes forward. */
  readonly now: () => number;
  readonly onRefused: (refusal: Refusal) => void;
  /** Nothing more can be shown before there is a picture that builds on nothing. */
  readonly onStranded?: () => void;
}

/** For a key, or for what it builds on, a frame waits this long, ms: a jitter buffer does not wait longer for a repaired one. */
export const WAIT_MS = 1_000;
const MAX_WAITING = 64;

/** Encoders of one source whose frames are looked back at; a device begins with a new one now and then. */
const MAX_ENCODERS = 32;

/** A genuine frame in its place. */
interface Opened {
  readonly sequence: Sequence;
  readonly counter: number;
  readonly references: readonly number[];
  readonly data: Uint8Array;
}

/** What a KID says in an epoch. */
interface Named {
  readonly epoch: Epoch;
  readonly kid: bigint;
  readonly id: KeyId;
  sequence?: Sequence;
}

interface Waiting<F> {
  readonly frame: F;
  readonly since: number;
  /** Absent while there is no key. */
  readonly opened?: Opened;
}

export interface ShownFrame<F> {
  readonly frame: F;
  /** As the encoder made it. */
  readonly data: Uint8Array;
}

export class IncomingFrames<F extends ArrivedFrame> {
  readonly #options: IncomingOptions;
  /** By leaf and number of the encoder. */
  readonly #sequences = new Map<string, Sequence>();
  #waiting: readonly Waiting<F>[] = [];
  /** When the newest came of those that were shown. */
  #shownAt = Number.NEGATIVE_INFINITY;
  /** Of the newest frame. */
  #last: Named | undefined;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /**
   * One frame after the other.
   * @returns what can be shown now, in its order: nothing, this frame, or also some that waited for it or for a key
   */
  async take(frame: F): Promise<readonly ShownFrame<F>[]> {
    const shown: ShownFrame<F>[] = [];
    const since = this.#options.now();
    // Nearly always nothing waits, and there are thousands of frames a second.
    if (this.#waiting.length === 0) {
      const left = this.#judged({ frame, since }, await this.#open(frame), shown);
      if (left) this.#waiting = [left];
      return shown;
    }
    let waiting: readonly Waiting<F>[] = [...this.#waiting, { frame, since }];
    for (let before = -1; before < shown.length && waiting.length > 0; ) {
      before = shown.length;
      waiting = await this.#advance(waiting, shown);
    }
    this.#waiting = this.#patient(waiting);
    return shown;
  }

  /** @returns those that have to wait on */
  async #advance(waiting: readonly Waiting<F>[], shown: ShownFrame<F>[]): Promise<readonly Waiting<F>[]> {
    const left: Waiting<F>[] = [];
    for (const each of waiting) {
      const waits = this.#judged(each, each.opened ?? (await this.#open(each.frame)), shown);
      if (waits) left.push(waits);
    }
    return left;
  }

  /** @returns what has to wait on */
  #judged(each: Waiting<F>, opened: Opened | Refusal, shown: ShownFrame<F>[]): Waiting<F> | undefined {
    if (opened === 'unknownKey') return each;
    if (typeof opened === 'string') {
      this.#refuse(opened);
      return undefined;
    }
    if (opened.sequence.has(opened.references)) {
      opened.sequence.show(opened.counter);
      this.#shownAt = Math.max(this.#shownAt, each.since);
      shown.push({ frame: each.frame, data: opened.data });
      return undefined;
    }
    // What it builds on was sent before this device could read it: it is not waited for, as what was lost on the way is.
    if (!each.opened && opened.sequence.isDark) this.#options.onStranded?.();
    return { ...each, opened };
  }

  #patient(waiting: readonly Waiting<F>[]): readonly Waiting<F>[] {
    const since = this.#options.now() - WAIT_MS;
    const patient = waiting.filter((each) => each.since > since).slice(-MAX_WAITING);
    const isKept = new Set(patient);
    for (const each of waiting) {
      // Where something was shown since, it went on without it.
      if (!isKept.has(each)) this.#refuse(each.opened ? 'incomplete' : 'unknownKey', each.since >= this.#shownAt);
    }
    return patient;
  }

  #refuse(refusal: Refusal, isStranded = true): void {
    this.#options.onRefused(refusal);
    if (isStranded) this.#options.onStranded?.();
  }

  async #open({ data, clear, timestamp }: F): Promise<Opened | Refusal> {
    const { epochs, participant, kind } = this.#options;
    const [beside, rest] = [data.subarray(0, clear), data.subarray(clear)];
    const header = readHeader(rest);
    if (!header) return 'malformed';
    const epoch = epochs.find(epochOf(header.kid));
    if (!epoch) return 'unknownKey';
    const counter = Number(header.ctr);
    const named = this.#named(epoch, header.kid);
    if (!named || !Number.isSafeInteger(counter)) return 'malformed';
    const { id } = named;
    if (epoch.participants.get(id.leaf) !== participant) return 'otherSender';
    if (id.encoder.kind !== kind) return 'otherSource';
    const key = await epochs.key(epoch, header.kid);
    const plaintext = await key.open(header.ctr, rest.subarray(0, header.bytes), beside, rest.subarray(header.bytes));
    if (!plaintext) return 'forged';
    const content = isVideo(kind) ? readReferences(plaintext) : { bytes: plaintext, distances: [] };
    if (!content) return 'malformed';
    const sequence = this.#sequence(named);
    const fault = sequence.place(counter, timestamp);
    if (fault) return fault;
    const references = content.distances.map((distance) => counter - distance);
    return { sequence, counter, references, data: concat(beside, content.bytes) };
  }

  /** Nearly always it is the same as of the frame before. */
  #named(epoch: Epoch, kid: bigint): Named | undefined {
    if (this.#last?.epoch === epoch && this.#last.kid === kid) return this.#last;
    const id = readKeyId(kid, epoch.leafBits);
    if (!id) return undefined;
    this.#last = { epoch, kid, id };
    return this.#last;
  }

  #sequence(named: Named): Sequence {
    if (named.sequence) return named.sequence;
    const { encoder, leaf } = named.id;
    const of = `${leaf} ${encoder.number} ${encoder.layer}`;
    const sequence = this.#sequences.get(of) ?? new Sequence();
    // The one that was used last is the last to go.
    this.#sequences.delete(of);
    this.#sequences.set(of, sequence);
    for (const [oldest] of this.#sequences) {
      if (this.#sequences.size <= MAX_ENCODERS) break;
      this.#sequences.delete(oldest);
    }
    named.sequence = sequence;
    return sequence;
  }
}
