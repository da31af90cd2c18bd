/** When what happened on the way into a call, ms since the click. */
import type { ParticipantId } from '#signalling/ids.ts';

export type Step =
  | 'clicked'
  | 'ticket'
  | 'connected'
  | 'joined'
  | 'microphone'
  | 'camera'
  /** The SFT has offered the first source. */
  | 'offered'
  /** The first source is set up here. */
  | 'consumed'
  /** ICE and DTLS of a direction are done. */
  | 'sending'
  | 'receiving'
  | 'firstFrame';

export interface TimingsReport {
  readonly steps: Readonly<Partial<Record<Step, number>>>;
  /** The first decoded picture of each remote participant. */
  readonly firstFrames: Readonly<Record<ParticipantId, number>>;
}

export class Timings {
  readonly #now: () => number;
  readonly #steps = new Map<Step, number>();
  readonly #firstFrames = new Map<ParticipantId, number>();
  #begin: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#begin = now();
  }

  /** The click: everything else counts from here. */
  begin(): void {
    this.#begin = this.#now();
    this.#steps.clear();
    this.#firstFrames.clear();
    this.mark('clicked');
  }

  /** Only the first time counts. */
  mark(step: Step): void {
    if (!this.#steps.has(step)) this.#steps.set(step, this.#now() - this.#begin);
  }

  markFirstFrame(participant: ParticipantId): void {
    if (this.#firstFrames.has(participant)) return;
    this.#firstFrames.set(participant, this.#now() - this.#begin);
    this.mark('firstFrame');
  }

  get report(): TimingsReport {
    return { steps: Object.fromEntries(this.#steps), firstFrames: Object.fromEntries(this.#firstFrames) };
  }
}
