/**
 * When the homeserver is told who is in a conference: at once, with one exception. Where the last ones were cut off, nobody would have to wait long
 * for them, but the call would be over as soon as it was said that it is empty. So they are given time to come back.
 */
import type { ErrorCode } from '#signalling/errors.ts';
import type { ConferenceId } from '#signalling/ids.ts';
import type { ConferenceHost } from './conference-host.ts';

/** A client takes up to 15 s to notice that its connection is gone. ms */
export const COME_BACK_MS = 30_000;

/** What ends a connection that its client makes again. */
export const CUT_OFF: readonly (ErrorCode | 'normal')[] = ['SIG_CLOSED', 'SIG_TIMEOUT', 'SFT_WORKER_DIED'];

export class Presence {
  readonly #tell: (host: ConferenceHost) => void;
  readonly #comeBackMs: number;
  readonly #waiting = new Map<ConferenceId, ReturnType<typeof setTimeout>>();

  constructor(tell: (host: ConferenceHost) => void, comeBackMs = COME_BACK_MS) {
    this.#tell = tell;
    this.#comeBackMs = comeBackMs;
  }

  /** @param mayComeBack nobody is left anywhere in the conference, and the last ones did not leave */
  changed(host: ConferenceHost, mayComeBack: boolean): void {
    clearTimeout(this.#waiting.get(host.id));
    this.#waiting.delete(host.id);
    if (!mayComeBack) return this.#tell(host);
    const timer = setTimeout(() => {
      this.#waiting.delete(host.id);
      this.#tell(host);
    }, this.#comeBackMs);
    this.#waiting.set(host.id, timer);
  }

  /** The last ones of the conference were cut off, and may still come back. */
  awaits(conference: ConferenceId): boolean {
    return this.#waiting.has(conference);
  }

  get awaitsAnybody(): boolean {
    return this.#waiting.size > 0;
  }

  close(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
