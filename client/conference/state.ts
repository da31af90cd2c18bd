/** What a conference is at a moment; each value is whole and is replaced as a whole. */
import type { ConferenceId, DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { Failure } from '../failure.ts';
import type { Participant } from './participants.ts';

/** One of the sources that this device can publish. */
export type LocalSource<Out> =
  | { readonly phase: 'off' }
  | { readonly phase: 'starting' }
  | { readonly phase: 'on'; readonly media: Out; readonly muted: boolean; readonly source?: SourceId }
  | { readonly phase: 'failed'; readonly failure: Failure };

export type LocalSources<Out> = { readonly [K in SourceKind]: LocalSource<Out> };

export const NOTHING_LOCAL: LocalSources<never> = {
  camera: { phase: 'off' },
  microphone: { phase: 'off' },
  screen: { phase: 'off' },
};

/** Something that concerns the whole call, for instance an organisation that cannot be reached. */
export interface Notice extends Failure {
  readonly domain?: DomainName;
}

export interface Joined<In> {
  readonly phase: 'joined';
  readonly conference: ConferenceId;
  readonly me: ParticipantId;
  readonly domain: DomainName;
  readonly anchor: DomainName;
  readonly participants: readonly Participant<In>[];
  readonly speaker?: ParticipantId;
  /** The own hand is raised. */
  readonly hand: boolean;
  readonly notices: readonly Notice[];
  /** The connection broke and is made again; what is said of the others is how it was then. */
  readonly rejoining?: true;
}

export type ConferencePhase<In> =
  | { readonly phase: 'idle' }
  | { readonly phase: 'joining' }
  | Joined<In>
  /** `reason` is absent where the person left by hand. */
  | { readonly phase: 'left'; readonly reason?: Failure };

export type ConferenceState<Out, In> = ConferencePhase<In> & { readonly local: LocalSources<Out> };
