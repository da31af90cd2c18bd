/** Going on after a lost connection: what is worth another attempt, and how long to wait for it. */
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { backoffMs } from '../backoff.ts';

/** In a row, without a byte of progress: about a minute. Then whoever waits is told, and can go on later. */
const ATTEMPTS = 8;

/** What the network or a busy server says. Every other refusal would be the same the next time. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SIG_UNREACHABLE',
  'SIG_TIMEOUT',
  'SIG_CLOSED',
  'SIG_FLOOD',
  'SIG_BUSY',
  'SIG_INTERNAL',
  'HOME_SLOW_DOWN',
  'HOME_ASSET_STORE',
  'FED_UNREACHABLE',
]);

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Waits, or rejects with the signal's reason. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly random?: () => number;
}

/** Counts failures in a row. */
export class Retry {
  readonly #options: RetryOptions;
  #failures = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Something went well. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Waits where another attempt is worth it. @throws the error where it is not, or the signal's reason */
  async after(error: unknown): Promise<void> {
    const { signal, wait = pause, random = Math.random } = this.#options;
    signal?.throwIfAborted();
    this.#failures += 1;
    const isTransient = error instanceof HawserError && TRANSIENT.has(error.code);
    if (!isTransient || this.#failures >= ATTEMPTS) throw error;
    await wait(backoffMs(this.#failures, random()), signal);
  }

  /** Until it succeeds. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      this.#options.signal?.throwIfAborted();
      try {
        const result = await work();
        this.progressed();
        return result;
      } catch (error) {
        await this.after(error);
      }
    }
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
