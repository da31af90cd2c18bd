/** Waits until the feed of a hub has come up to a position. What is known of that is told from outside. */
import type { DomainName } from '#signalling/ids.ts';

interface Waiting {
  readonly position: number;
  readonly settle: (isReached: boolean) => void;
}

export class Reached {
  readonly #reached: Map<DomainName, number>;
  readonly #waiting = new Map<DomainName, Set<Waiting>>();

  /** @param reached what was taken before */
  constructor(reached: Map<DomainName, number>) {
    this.#reached = reached;
  }

  set(hub: DomainName, position: number): void {
    this.#reached.set(hub, position);
    for (const waiting of this.#waiting.get(hub) ?? []) {
      if (waiting.position <= position) waiting.settle(true);
    }
  }

  /** False where it takes longer than `timeoutMs`. */
  wait(hub: DomainName, position: number, timeoutMs: number): Promise<boolean> {
    if ((this.#reached.get(hub) ?? 0) >= position) return Promise.resolve(true);
    return new Promise((resolve) => {
      const all = this.#waiting.get(hub) ?? new Set();
      const waiting: Waiting = {
        position,
        settle: (isReached) => {
          clearTimeout(timer);
          all.delete(waiting);
          if (all.size === 0) this.#waiting.delete(hub);
          resolve(isReached);
        },
      };
      const timer = setTimeout(() => waiting.settle(false), timeoutMs);
      timer.unref();
      this.#waiting.set(hub, all.add(waiting));
    });
  }

  /** Whoever waits for it waits in vain. */
  forget(hub: DomainName): void {
    this.#reached.delete(hub);
    for (const waiting of this.#waiting.get(hub) ?? []) waiting.settle(false);
  }

  close(): void {
    for (const hub of [...this.#waiting.keys()]) this.forget(hub);
  }
}
