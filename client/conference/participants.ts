/** Who is in the call and what of them arrives: the roster of the SFT, named by the homeserver's list. Pure. */
import type { CallMember } from '#signalling/client-home.ts';
import type { Roster } from '#signalling/client-sft.ts';
import type { DomainName, ParticipantId, SourceId, UserId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';

export interface RemoteSource<In> {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly muted: boolean;
  /** Layers that can be had, ascending. */
  readonly layers: readonly number[];
  /** Absent until the SFT delivers this source here. */
  readonly consumer?: string;
  readonly media?: In;
  /** The layer that flows; absent while none does or while it is not known. */
  readonly layer?: number;
}

export interface Participant<In> {
  readonly participant: ParticipantId;
  readonly domain: DomainName;
  /** Of another organisation than one's own. */
  readonly foreign: boolean;
  /** Absent until the homeserver has said who this is. */
  readonly person?: { readonly user: UserId; readonly name: string };
  /** Domains that the media passes on its way here, nearest first; empty: all on the own SFT. */
  readonly via: readonly DomainName[];
  readonly sources: readonly RemoteSource<In>[];
}

/** One source that the SFT delivers here. */
export interface Incoming<In> {
  readonly consumer: string;
  readonly source: SourceId;
  readonly media: In;
  readonly layer?: number;
}

export interface Known<In> {
  readonly roster: Roster;
  readonly members: readonly CallMember[];
  readonly incoming: ReadonlyMap<string, Incoming<In>>;
  readonly me: ParticipantId;
  readonly domain: DomainName;
}

/** Everybody but oneself, in the order in which the SFT lists them. */
export function participantsOf<In>(known: Known<In>): readonly Participant<In>[] {
  const names = new Map(known.members.map((member) => [member.participant, member]));
  const arriving = new Map([...known.incoming.values()].map((each) => [each.source, each]));
  return known.roster.participants
    .filter(({ participant }) => participant !== known.me)
    .map(({ participant, domain, via, sources }) => {
      const member = names.get(participant);
      // Whom the SFT calls beta's and the homeserver alpha's is shown without the name: one of the two is wrong.
      const person = member?.domain === domain ? { user: member.user, name: member.name } : undefined;
      return {
        participant,
        domain,
        foreign: domain !== known.domain,
        ...(person && { person }),
        via,
        sources: sources.map((each) => ({ ...each, ...arrivingPart(arriving.get(each.source)) })),
      };
    });
}

function arrivingPart<In>(incoming: Incoming<In> | undefined) {
  if (!incoming) return {};
  const { consumer, media, layer } = incoming;
  return { consumer, media, ...(layer !== undefined && { layer }) };
}
