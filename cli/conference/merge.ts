/** One view of the conferences that media server and homeserver know, each its part. Pure. */
import type { CallReport } from '#signalling/administration.ts';
import type { ConferenceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import type { SftConference } from '../servers/sft-answers.ts';

export interface Person {
  readonly participant: ParticipantId;
  readonly domain: DomainName;
  /** Of the own people, where the homeserver was asked. */
  readonly handle?: string;
  /** Undefined of whoever is not seen by the media server. */
  readonly sends: readonly Sent[] | undefined;
  readonly hand: boolean;
}

export interface Sent {
  readonly kind: string;
  readonly layers: readonly number[];
  readonly muted: boolean;
}

export interface Listed {
  readonly conference: ConferenceId;
  /** ms since 1970 */
  readonly since: number;
  readonly anchor: DomainName;
  /** Whose homeserver leads it; unknown where the own one does not run. */
  readonly hub: DomainName | undefined;
  /** Whether the media server has it. */
  readonly here: boolean;
  readonly people: readonly Person[];
  readonly waiting: number;
  readonly locked: boolean;
}

/** The oldest first. */
export function merged(media: readonly SftConference[], calls: readonly CallReport[]): Listed[] {
  const ids = new Set([...media, ...calls].map(({ conference }) => conference));
  const all = [...ids].map((id): Listed => {
    const here = media.find(({ conference }) => conference === id);
    const call = calls.find(({ conference }) => conference === id);
    return {
      conference: id,
      since: call?.startedAt ?? here?.since ?? 0,
      anchor: call?.anchor ?? here?.anchor ?? ('' as DomainName),
      hub: call?.hub,
      here: here !== undefined,
      people: peopleOf(here, call),
      waiting: call?.waiting ?? 0,
      locked: call?.locked ?? false,
    };
  });
  return all.sort((a, b) => a.since - b.since);
}

function peopleOf(here: SftConference | undefined, call: CallReport | undefined): Person[] {
  const handles = new Map(call?.participants.map(({ participant, handle }) => [participant, handle]));
  const publishing = new Map(here?.publishing.map(({ source, layers }) => [source, layers]));
  const named = (participant: ParticipantId) => {
    const handle = handles.get(participant);
    return handle === undefined ? {} : { handle };
  };
  const seen = (here?.roster ?? []).map(
    ({ participant, domain, hand, sources }): Person => ({
      ...{ participant, domain, hand, ...named(participant) },
      sends: sources.map(({ source, kind, layers, muted }) => ({
        kind,
        muted,
        layers: publishing.get(source) ?? layers,
      })),
    }),
  );
  const known = new Set(seen.map(({ participant }) => participant));
  const others = (call?.participants ?? [])
    .filter(({ participant }) => !known.has(participant))
    .map(
      ({ participant, domain }): Person => ({
        ...{ participant, domain, ...named(participant), hand: false, sends: undefined },
      }),
    );
  return [...seen, ...others];
}
