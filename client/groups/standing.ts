/** How this device stands in a group. */
import type { Group } from '#mls/group.ts';
import { tickOf } from '#signalling/groups.ts';

/** Whether something waits to be committed by this device or any other. */
export function isToCommit(group: Group): boolean {
  return group.isMember && !isLeaving(group) && (group.hasProposals || group.pending !== undefined);
}

/** By an external commit that the hub has not answered yet. */
export function isJoining(group: Group | undefined): group is Group {
  return group !== undefined && group.epoch === undefined && group.pending !== undefined;
}

/** Whether the hub proposed to remove this device itself. */
export function isLeaving(group: Group): boolean {
  return group.isMember && group.leaving.has(group.leafIndex);
}

/** What others than the first member wait before they commit what the hub proposed, ms. */
const OTHERS_COMMIT_MS = { from: 500, to: 3_000 } as const;

/**
 * How long this device leaves it to others to commit what waits, ms. In a call one is to do it after the other, in the order of the leaves:
 * whoever has been in it for long is likely to stay.
 * @param random 0 to 1
 */
export function waitToCommitMs(group: Group, isOfCall: boolean, random: number): number {
  const place = placeInLine(group);
  if (place === 0) return 0;
  const { from, to } = OTHERS_COMMIT_MS;
  return isOfCall ? Math.min(place * 2 * tickOf(group.members.length), to) : from + random * (to - from);
}

/** How many others are to do it before: none, where this device has an own commit under way. */
function placeInLine(group: Group): number {
  if (group.pending !== undefined) return 0;
  const { leaving } = group;
  const staying = group.members.filter(({ leafIndex }) => !leaving.has(leafIndex));
  const place = staying.findIndex(({ leafIndex }) => leafIndex === group.leafIndex);
  return Math.max(0, place);
}
