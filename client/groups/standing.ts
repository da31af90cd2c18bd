/** How this device stands in a group. */
import type { Group } from '#mls/group.ts';

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

/** Whether the others leave it to this device to commit what waits: it has an own commit under way, or is the first of those who stay. */
export function isFirstToCommit(group: Group): boolean {
  const { leaving } = group;
  const first = group.members.find(({ leafIndex }) => !leaving.has(leafIndex));
  return group.pending !== undefined || first?.leafIndex === group.leafIndex;
}
