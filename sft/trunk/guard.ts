/**
 * Which pinned consumers may run. Pinning a consumer to a layer is a preference: where the publisher has stopped that
 * layer the media worker sends a lower one under its SSRC, so that one layer crosses twice (measured: 301 + 301 kbit/s
 * with mediasoup 3.27.1). Each wanted layer is therefore resolved to one that lives.
 */

/**
 * @param wanted layers of one producer that the far side asks for
 * @param live layers of the producer that carry packets now
 * @returns the layers to run, ascending: for each wanted one the highest live at or below it, else the lowest above. A
 *   consumer that ran before its layer lives would begin with another one, and mediasoup then keeps it from its own until
 *   three sender reports have told how the two are in time.
 */
export function layersToRun(wanted: readonly number[], live: ReadonlySet<number>): number[] {
  const run = new Set<number>();
  for (const layer of wanted) {
    const below = [...live].filter((candidate) => candidate <= layer);
    const above = [...live].filter((candidate) => candidate > layer);
    if (below.length > 0) run.add(Math.max(...below));
    else if (above.length > 0) run.add(Math.min(...above));
  }
  return [...run].sort((a, b) => a - b);
}
