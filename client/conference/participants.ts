/** Who is in the call and what of them arrives: the roster of the SFT, named by the homeserver's list. Pure. */
import type { CallMember } from '#signalling/client-home.ts';
import type { Roster } from '#signalling/client-sft.ts';
import type { DomainName, ParticipantId, SourceId, UserId } from '#signalling/ids.ts';
import type { Codec, SourceKind } from '#signalling/media-profile.ts';

/** Some layers of a source, as the SFT delivers them here. */
export interface RemoteRendition<In> {
  readonly consumer: string;
  /** Ascending. */
  readonly layers: readonly number[];
  readonly media: In;
  /** The layer that flows; absent while none does or while it is not known. */
  readonly layer?: number;
}

export interface RemoteSource<In> {
  readonly source: SourceId;
  readonly kind: SourceKind;
  readonly codec: Codec;
  /** False where this device cannot show or play the codec: nothing of the source arrives, and the person is to be told. */
  readonly decodable: boolean;
  readonly muted: boolean;
  /** Layers that can be had, ascending. */
  readonly layers: readonly number[];
  /** What the SFT delivers of it, the lowest layers first. The highest rendition that flows is to be shown. */
  readonly renditions: readonly RemoteRendition<In>[];
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
  /** Raised, to say that they want to speak. */
  readonly hand: boolean;
  readonly sources: readonly RemoteSource<In>[];
}

/** One rendition that the SFT delivers here, and whose. */
export interface Incoming<In> extends RemoteRendition<In> {
  readonly source: SourceId;
}

export interface Known<In> {
  readonly roster: Roster;
  readonly members: readonly CallMember[];
  readonly incoming: ReadonlyMap<string, Incoming<In>>;
  readonly me: ParticipantId;
  readonly domain: DomainName;
  /** What this device decodes. */
  readonly decodes: (codec: Codec) => boolean;
}

/** Everybody but oneself, in the order in which the SFT lists them. */
export function participantsOf<In>(known: Known<In>): readonly Participant<In>[] {
  const names = new Map(known.members.map((member) => [member.participant, member]));
  const arriving = Map.groupBy(known.incoming.values(), ({ source }) => source);
  return known.roster.participants
    .filter(({ participant }) => participant !== known.me)
    .map(({ participant, domain, via, hand, sources }) => {
      const member = names.get(participant);
      // Whom the SFT calls beta's and the homeserver alpha's is shown without the name: one of the two is wrong.
      const person = member?.domain === domain ? { user: member.user, name: member.name } : undefined;
      return {
        participant,
        domain,
        foreign: domain !== known.domain,
        ...(person && { person }),
        via,
        hand,
        sources: sources.map((each) => ({
          ...each,
          decodable: known.decodes(each.codec),
          renditions: inOrder(arriving.get(each.source) ?? []),
        })),
      };
    });
}

function inOrder<In>(incoming: readonly Incoming<In>[]): RemoteRendition<In>[] {
  const ascending = incoming.toSorted((a, b) => (a.layers[0] ?? 0) - (b.layers[0] ?? 0));
  return ascending.map(({ source: _source, ...rendition }) => rendition);
}
