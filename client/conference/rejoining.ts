/** Comes back into a call whose connection broke: tries until it is in, until that is of no use, or until somebody leaves. */
import { type Failure, failureOf } from '../failure.ts';
import { afterFailure, afterLoss, type Loss, type Series, waitMs } from './reconnect.ts';

export interface RejoiningOptions {
  /** Resolves when it is in. @throws why it is not */
  readonly attempt: () => Promise<void>;
  /** It is not tried any more. */
  readonly onGivenUp: (reason: Failure) => void;
  /** ms of a clock that only goes forward */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
}

export class Rejoining {
  readonly #options: RejoiningOptions;
  #series: Series | undefined;
  #isUnderWay = false;
  #wake: (() => void) | undefined;
  #isHurried = false;
  #closed = false;

  constructor(options: RejoiningOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** @returns whether it is tried now */
  begin(loss: Loss): boolean {
    const series = afterLoss(loss, this.#series, this.#options.now());
    if (!series || this.#closed) return false;
    this.#isUnderWay = true;
    void this.#run(series, loss.failure);
    return true;
  }

  /** Does not wait for the next attempt: the network is back, for instance. */
  hurry(): void {
    this.#isHurried = this.#isUnderWay;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async #run(begun: Series, lost: Failure): Promise<void> {
    const reason = await this.#try(begun, lost);
    this.#isUnderWay = false;
    if (reason && !this.#closed) this.#options.onGivenUp(reason);
  }

  /** @returns why it was given up; undefined where it is in, or nobody wants it any more */
  async #try(begun: Series, lost: Failure): Promise<Failure | undefined> {
    const { attempt, now, random } = this.#options;
    for (let series = begun; ; ) {
      this.#series = series;
      const ms = waitMs(series, now(), random());
      if (ms === undefined) return lost;
      await this.#pause(ms);
      if (this.#closed) return undefined;
      try {
        await attempt();
        return undefined;
      } catch (error) {
        const failure = failureOf(error);
        const next = afterFailure(failure, series);
        if (!next) return failure;
        series = next;
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#isHurried) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#isHurried = false;
  }
}
