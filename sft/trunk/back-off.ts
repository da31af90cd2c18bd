/** How long a peer that was cut off may not come back. Pure; time passed in, ms. */
import type { ErrorCode } from '#signalling/errors.ts';

export const FIRST_BACK_OFF_MS = 5_000;
export const LAST_BACK_OFF_MS = 5 * 60_000;
/** After so long without another cut the first pause is short again. */
const FORGIVEN_MS = 10 * 60_000;

export interface Refusal {
  readonly code: ErrorCode;
  readonly until: number;
}

export class BackOff {
  #refusal: Refusal | undefined;
  #pauseMs = FIRST_BACK_OFF_MS;

  /** The peer was cut off; each time it stays away twice as long. */
  cut(code: ErrorCode, now: number): Refusal {
    if (this.#refusal && now - this.#refusal.until > FORGIVEN_MS) this.#pauseMs = FIRST_BACK_OFF_MS;
    this.#refusal = { code, until: now + this.#pauseMs };
    this.#pauseMs = Math.min(LAST_BACK_OFF_MS, this.#pauseMs * 2);
    return this.#refusal;
  }

  /** Why the peer is refused now; undefined where it may come. */
  refusal(now: number): Refusal | undefined {
    return this.#refusal && now < this.#refusal.until ? this.#refusal : undefined;
  }

  /** Nothing of the past counts any more. */
  forgiven(now: number): boolean {
    return this.#refusal === undefined || now - this.#refusal.until > FORGIVEN_MS;
  }
}
