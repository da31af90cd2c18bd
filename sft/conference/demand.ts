/**
 * What this SFT wants of the sources that a link offers. A far side is one more viewer: it folds the wishes of its own
 * people into one statement, and whoever sends obeys that statement and nothing else.
 */
import type { SourceId } from '#signalling/ids.ts';
import { type Conference, type Side, sourcesOf } from './conference.ts';

/**
 * `everything`: all sources and all layers cross whenever anybody is there to receive them, as the pipes of other
 * designs do. It is the baseline that benchmarks compare with.
 */
export type TrunkMode = 'everything';

/** The layers wanted of each source that the side offers, in the order in which the sources were announced. */
export function demandOn(conference: Conference, side: Side, mode: TrunkMode): Map<SourceId, readonly number[]> {
  switch (mode) {
    case 'everything':
      return everything(conference, side);
  }
}

function everything(conference: Conference, side: Side): Map<SourceId, readonly number[]> {
  const demand = new Map<SourceId, readonly number[]>();
  if (!hasReceivers(conference, side)) return demand;
  for (const located of sourcesOf(conference)) {
    if (located.side === side) demand.set(located.source.source, located.source.layers);
  }
  return demand;
}

/** Anybody here, or behind another link, to whom media of the side could go. */
function hasReceivers(conference: Conference, side: Side): boolean {
  if (conference.local.size > 0) return true;
  for (const other of conference.sides.values()) if (other !== side && other.participants.size > 0) return true;
  return false;
}
