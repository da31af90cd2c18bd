/** For tests, in Node and in browsers: waits for a condition, and never for a time. */

/** How often the time is looked at, and what of it counts at most each time. ms */
const LOOK_MS = 50;
const MOST_LOOK_MS = 250;

/**
 * Asks again and again until the answer is a value. A moment in which this whole process stood still is no time in which anything could
 * have come: it hardly counts.
 * @param what is waited for, named where it does not come within `withinMs`; a function may say what came instead
 */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => string),
  withinMs = 10_000,
): Promise<T> {
  let waitedMs = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    waitedMs += Math.min(MOST_LOOK_MS, now - last);
    last = now;
  };
  // Besides each turn, since an answer may take its time.
  const looking = setInterval(look, LOOK_MS);
  looking.unref?.(); // which browsers do not have; in Node a test may count what is alive
  try {
    for (;;) {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      look();
      if (waitedMs > withinMs)
        throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    clearInterval(looking);
  }
}

/** For `vi.waitFor`, which by itself has one second: too little for a busy machine. */
export const SOON = { timeout: 8_000 } as const;
