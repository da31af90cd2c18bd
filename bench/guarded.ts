/** One piece of work, and the end of all that it started, however it ends. */

/** What every benchmark is told besides what it is to measure. */
export interface Errand {
  /** Ends it early; what was started is stopped all the same. */
  readonly signal: AbortSignal;
  /** One line about each step. */
  readonly say: (line: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

export interface Guard {
  /** Everything that is started is put here, to be stopped in the opposite order. */
  readonly undo: AsyncDisposableStack;
  /** Aborted when the work is over. */
  readonly ended: AbortSignal;
  /** Something ended by itself: the work fails with the sentence. */
  readonly onDied: (sentence: string) => void;
}

/** @param signal ends it early. @throws Error with a plain sentence where it was stopped or something ended by itself */
export async function guarded<T>(signal: AbortSignal, begin: (guard: Guard) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => undefined);
  const abort = () => stopped.reject(new Error('Stopped.'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const undo = new AsyncDisposableStack();
  const work = begin({ undo, ended: ended.signal, onDied: (sentence) => stopped.reject(new Error(sentence)) });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    ended.abort();
    await undo.disposeAsync();
    // What was being started when the end came is gone by now too, so that this does not take long.
    await work.catch(() => undefined);
  }
}
