/**
 * The one function that decides who may receive what. Nothing in a media worker keeps two conferences apart, so every
 * consumer that is ever made asks here first.
 */
import type { DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import type { Conference, Side } from './conference.ts';

/** Somebody who would receive: a participant of this SFT, or a whole far side. */
export type Viewer =
  | { readonly kind: 'participant'; readonly participant: ParticipantId }
  | { readonly kind: 'side'; readonly side: Side };

/**
 * True when the viewer is in the conference, the source is in the same one and not the viewer's own, and the domains of
 * both may meet.
 */
export function mayReceive(conference: Conference, viewer: Viewer, source: SourceId): boolean {
  const owner = ownerOf(conference, source);
  if (owner === undefined) return false;
  switch (viewer.kind) {
    case 'participant':
      return (
        conference.local.has(viewer.participant) &&
        owner.participant !== viewer.participant &&
        mayMeet(conference, owner.origin, conference.domain)
      );
    case 'side':
      return (
        conference.sides.get(viewer.side.peer) === viewer.side &&
        owner.side !== viewer.side &&
        mayMeet(conference, owner.origin, viewer.side.peer)
      );
  }
}

/**
 * Whether people of the two domains may hear each other: each must be allowed in with the other. The anchor decides it,
 * whose own domain is always in; a federated SFT is shown nobody by the anchor whom its people may not meet.
 */
export function mayMeet(conference: Conference, one: DomainName, other: DomainName): boolean {
  if (conference.anchor !== conference.domain || one === other) return true;
  return accepts(conference, one, other) && accepts(conference, other, one);
}

function accepts({ anchor, allowed }: Conference, domain: DomainName, other: DomainName): boolean {
  if (domain === anchor) return true;
  const others = allowed.get(domain);
  return others !== undefined && (other === anchor || others.has(other));
}

interface Owner {
  readonly participant: ParticipantId;
  readonly side: Side | undefined;
  readonly origin: DomainName;
}

function ownerOf(conference: Conference, source: SourceId): Owner | undefined {
  for (const local of conference.local.values()) {
    if (local.sources.has(source))
      return { participant: local.participant, side: undefined, origin: conference.domain };
  }
  for (const side of conference.sides.values()) {
    const found = side.sources.get(source);
    if (found) return { participant: found.participant, side, origin: found.origin };
  }
  return undefined;
}
