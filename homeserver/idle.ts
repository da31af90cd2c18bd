/** The event loop, for work that nobody waits for: SQLite answers in the same turn of it, so that nobody else is served meanwhile. */
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

/** In which whatever is on its way to this process comes in, ms. */
const PAUSE_MS = 1;
/** Somebody used the loop where a pause was longer by this. A timer is late by up to a millisecond on its own. ms */
const LATE_MS = 1.5;

/**
 * Resolves when nobody used the event loop for a moment, which is 1 to 2 ms where nobody does.
 * @param mostMs for how long others go first: also where they never end, the work goes on
 */
export async function whenIdle(mostMs = 50): Promise<void> {
  const end = performance.now() + mostMs;
  let isUsed = true;
  while (isUsed && performance.now() < end) {
    const began = performance.now();
    await wait(PAUSE_MS);
    isUsed = performance.now() - began > PAUSE_MS + LATE_MS;
  }
}
