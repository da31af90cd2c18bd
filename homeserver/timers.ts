/** Work that repeats: never two of the same at once, never holding the process open. */
export function every(ms: number, work: () => Promise<void>, onFault: (error: unknown) => void): () => void {
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    work()
      .catch(onFault)
      .finally(() => {
        isRunning = false;
      });
  }, ms);
  timer.unref();
  return () => clearInterval(timer);
}
