/**
 * Which renditions of a source a viewer is given. The lowest one always: it is there at once when a higher one fails. Beside it
 * the highest that is of use; and while that does not flow, what bridges the gap. Pure.
 */

/**
 * How a rendition comes to a viewer: `waiting` for its first picture, or for its next one where the path has become too narrow;
 * `late` when that takes long; `fresh` when it has just come and may not be shown yet; `settled`.
 */
export type Flow = 'waiting' | 'late' | 'fresh' | 'settled';

/** How long the wished rendition may take before the next lower one is given too, ms: a few times what a cold one takes. */
export const LATE_MS = 1_000;
/** How long what was seen before goes on beside what takes its place, ms: longer than a large key frame takes to be shown. */
export const SETTLE_MS = 400;
/** The same after it was late, ms: where a path has just about room for it, it goes again, and each turn costs a negotiation. */
export const STEADY_MS = 10_000;

export interface Choice {
  /** Index of the rendition. */
  readonly rendition: number;
  /** The highest of its layers that is of use. */
  readonly layer: number;
}

/**
 * @param renditions the layers of each, ascending, the lowest rendition first
 * @param wish the highest layer that is of use to the viewer
 * @param flowOf how a rendition comes; undefined while it is not given
 */
export function renditionsFor(
  renditions: readonly (readonly number[])[],
  wish: number,
  flowOf: (rendition: number) => Flow | undefined,
): Choice[] {
  const target = Math.max(
    0,
    renditions.findLastIndex(([lowest = 0]) => lowest <= wish),
  );
  const flow = target > 0 ? (flowOf(target) ?? 'waiting') : 'settled';
  const flows = (rendition: number) => ['fresh', 'settled'].includes(flowOf(rendition) ?? 'waiting');
  return renditions.flatMap((layers, rendition) => {
    const bridges =
      flow === 'late' ? rendition === target - 1 : flow !== 'settled' && rendition > 0 && flows(rendition);
    if (rendition !== 0 && rendition !== target && !bridges) return [];
    const layer = layers.findLast((each) => each <= wish) ?? layers[0];
    return layer === undefined ? [] : [{ rendition, layer }];
  });
}
