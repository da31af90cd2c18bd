/** For tests, in Node and in browsers: waits for a condition, and never for a time. */

/**
 * Asks again and again until the answer is a value.
 * @param what is waited for, named where it does not come within `withinMs`; a function may say what came instead
 */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => string),
  withinMs = 10_000,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end)
      throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** For `vi.waitFor`, which by itself has one second: too little for a busy machine. */
export const SOON = { timeout: 8_000 } as const;
