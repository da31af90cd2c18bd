/**
 * The one function that decides who may receive what. Nothing in a media worker keeps two conferences apart, so every
 * consumer that is ever made asks here first.
 */
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import type { Conference, Side } from './conference.ts';

/** Somebody who would receive: a participant of this SFT, or a whole far side. */
export type Viewer =
  | { readonly kind: 'participant'; readonly participant: ParticipantId }
  | { readonly kind: 'side'; readonly side: Side };

/** True when the viewer is in the conference, the source is in the same one, and not the viewer's own. */
export function mayReceive(conference: Conference, viewer: Viewer, source: SourceId): boolean {
  const owner = ownerOf(conference, source);
  if (owner === undefined) return false;
  switch (viewer.kind) {
    case 'participant':
      return conference.local.has(viewer.participant) && owner.participant !== viewer.participant;
    case 'side':
      return conference.sides.get(viewer.side.peer) === viewer.side && owner.side !== viewer.side;
  }
}

function ownerOf(
  conference: Conference,
  source: SourceId,
): { participant: ParticipantId; side: Side | undefined } | undefined {
  for (const local of conference.local.values()) {
    if (local.sources.has(source)) return { participant: local.participant, side: undefined };
  }
  for (const side of conference.sides.values()) {
    const found = side.sources.get(source);
    if (found) return { participant: found.participant, side };
  }
  return undefined;
}
