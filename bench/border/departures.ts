/** What waits for its moment, in order. */
import { monotonicMs } from '../measure/clock.ts';

interface Departure {
  readonly at: number;
  readonly go: () => void;
}

export class Departures {
  readonly #waiting: Departure[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param at ms of the monotonic clock, never before that of an earlier one; `go` is called at once where it is over */
  add(at: number, go: () => void): void {
    this.#waiting.push({ at, go });
    this.#serve();
  }

  /** Whoever waits never goes. */
  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #serve(): void {
    const now = monotonicMs();
    const due = this.#waiting.findIndex(({ at }) => at > now);
    for (const { go } of this.#waiting.splice(0, due === -1 ? this.#waiting.length : due)) go();
    const [next] = this.#waiting;
    if (!next) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#serve();
    }, next.at - now);
  }
}
