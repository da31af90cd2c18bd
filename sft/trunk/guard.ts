/**
 * Which pinned consumers may run. Pinning a consumer to a layer is a preference: where the publisher has stopped that
 * layer the media worker sends a lower one under its SSRC, so that one layer crosses twice (measured: 301 + 301 kbit/s
 * with mediasoup 3.27.1). Each wanted layer is therefore resolved to one that lives.
 */

/**
 * @param wanted layers of one producer that the far side asks for
 * @param live layers of the producer that carry packets now
 * @returns the layers to run, ascending: for each wanted one the highest live at or below it, else the lowest above; where
 *   nothing lives the wanted ones, so that they flow from their first packet on
 */
export function layersToRun(wanted: readonly number[], live: ReadonlySet<number>): number[] {
  if (live.size === 0) return [...wanted].sort((a, b) => a - b);
  const run = new Set<number>();
  for (const layer of wanted) {
    const below = [...live].filter((candidate) => candidate <= layer);
    const above = [...live].filter((candidate) => candidate > layer);
    if (below.length > 0) run.add(Math.max(...below));
    else if (above.length > 0) run.add(Math.min(...above));
  }
  return [...run].sort((a, b) => a - b);
}
