/**
 * The one function that decides who may receive what. Nothing in a media worker keeps two conferences apart, so every
 * consumer that is ever made asks here first.
 */
import type { DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { Permission } from '#signalling/ticket.ts';
import type { Conference, Side } from './conference.ts';

/** Somebody who would receive: a participant of this SFT, or a whole far side. */
export type Viewer =
  | { readonly kind: 'participant'; readonly participant: ParticipantId }
  | { readonly kind: 'side'; readonly side: Side };

/**
 * True when the viewer is in the conference, the source is in the same one, not the viewer's own, and one that its owner may send,
 * and the domains of both may meet.
 */
export function mayReceive(conference: Conference, viewer: Viewer, source: SourceId): boolean {
  const owner = ownerOf(conference, source);
  if (owner === undefined || !maySend(conference, owner.participant, owner.kind)) return false;
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

const PERMISSION: Readonly<Record<SourceKind, Permission>> = { microphone: 'audio', camera: 'video', screen: 'screen' };

/**
 * Whether a participant may send a kind of source, here or behind a link: by his ticket, until the homeserver says something of him or
 * of everybody.
 */
export function maySend({ local, permissions }: Conference, participant: ParticipantId, kind: SourceKind): boolean {
  const permission = PERMISSION[kind];
  const named = permissions?.named.get(participant);
  if (named) return named.has(permission);
  const byTicket = local.get(participant)?.may.has(permission) ?? true;
  return byTicket && (permissions?.unnamed.has(permission) ?? true);
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
  readonly kind: SourceKind;
}

function ownerOf(conference: Conference, source: SourceId): Owner | undefined {
  for (const local of conference.local.values()) {
    const found = local.sources.get(source);
    if (found) {
      const { participant, kind } = found;
      return { participant, side: undefined, origin: conference.domain, kind };
    }
  }
  for (const side of conference.sides.values()) {
    const found = side.sources.get(source);
    if (found) return { participant: found.participant, side, origin: found.origin, kind: found.kind };
  }
  return undefined;
}
