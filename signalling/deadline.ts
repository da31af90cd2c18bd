/**
 * Calls back when a time is up. Where this process stood still meanwhile, its timer comes before it has read what came: then it
 * gets as much time again as the timer was late.
 * @param ms that something may take
 * @returns calls it off
 */
export function deadline(ms: number, isUp: () => void): () => void {
  const due = performance.now() + ms;
  let timer = setTimeout(() => {
    timer = setTimeout(isUp, Math.ceil(performance.now() - due));
  }, ms);
  return () => clearTimeout(timer);
}
