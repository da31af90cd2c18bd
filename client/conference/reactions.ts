/** The reactions that are to be seen in a call now: each for some seconds over the tile of whoever made it. */
import { Queue } from '#mls/queue.ts';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import type { Epoch } from '../sframe/epochs.ts';
import { Store } from '../store.ts';
import { type Sign, type SignalRefusal, Signals } from './signals.ts';

export interface Reaction {
  /** Of this device's counting. */
  readonly id: number;
  readonly participant: ParticipantId;
  readonly sign: Sign;
}

export interface RefusedSignal {
  /** Whom the SFT called the sender. */
  readonly participant: ParticipantId;
  readonly kind: 'signal';
  readonly refusal: SignalRefusal;
}

export interface ReactionsOptions {
  /** Says it to everybody in the conference. */
  readonly send: (payload: string) => void;
  /** What came and was not taken. */
  readonly onRefused: (refused: RefusedSignal) => void;
  /** How long one is to be seen, ms. */
  readonly shownMs?: number;
}

/** How long a reaction is to be seen, ms. */
export const SHOWN_MS = 5_000;
/** Of one person at a time; of more the newest. */
export const SHOWN_AT_ONCE = 3;

export class Reactions {
  /** The oldest first. */
  readonly store = new Store<readonly Reaction[]>([]);
  readonly #signals = new Signals(() => performance.now());
  readonly #options: ReactionsOptions;
  readonly #opening = new Queue();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #count = 0;
  #closed = false;

  constructor(options: ReactionsOptions) {
    this.#options = options;
  }

  addEpoch(conference: ConferenceId, epoch: Epoch): void {
    this.#signals.addEpoch(conference, epoch);
  }

  sendWith(number: bigint): void {
    this.#signals.sendWith(number);
  }

  hold(): void {
    this.#signals.hold();
  }

  /** Shows everybody a sign of this person. @returns whether it was said: not while there are no keys that may be used */
  async react(sign: Sign): Promise<boolean> {
    const { self } = this.#signals;
    const payload = await this.#signals.seal({ kind: 'reaction', sign });
    if (payload === undefined || self === undefined || this.#closed) return false;
    this.#options.send(payload);
    this.#show(self, sign);
    return true;
  }

  /** What the SFT brought. @param participant whom it calls the sender */
  take(participant: ParticipantId, payload: string): Promise<void> {
    return this.#opening.run(async () => {
      const { refusal, ...opened } = await this.#signals.open(participant, payload);
      if (this.#closed) return;
      if (refusal) this.#options.onRefused({ participant, kind: 'signal', refusal });
      else if ('signal' in opened && opened.signal) this.#show(participant, opened.signal.sign);
    });
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.store.set([]);
  }

  #show(participant: ParticipantId, sign: Sign): void {
    this.#count += 1;
    const reaction = { id: this.#count, participant, sign };
    const same = this.store.state.filter((each) => each.participant === participant);
    const gone = new Set(same.slice(0, Math.max(0, same.length - SHOWN_AT_ONCE + 1)));
    this.store.set([...this.store.state.filter((each) => !gone.has(each)), reaction]);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.store.set(this.store.state.filter((each) => each !== reaction));
    }, this.#options.shownMs ?? SHOWN_MS);
    this.#timers.add(timer);
  }
}
