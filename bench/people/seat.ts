/** What one synthetic person has to do in a run, as it is told to the process that plays him. Plain data. */
import type { SourceKind } from '#signalling/media-profile.ts';
import { PICTURES } from '../media/clips.ts';
import type { Phase } from '../scenario/phases.ts';
import { isViewer, type Person, type Scenario, type Turn } from '../scenario/scenario.ts';
import type { Want } from '../scenario/wants.ts';
import type { Credentials } from './person.ts';

/** What is wanted of one publisher. */
export interface PictureWant extends Want {
  /** Pixels of a key frame of that layer. */
  readonly width: number;
  readonly height: number;
}

/** What a viewer is to see and hear from one moment on. */
export interface Looking {
  /** Seconds since the window opened; the first holds before that too. */
  readonly from: number;
  readonly pictures: readonly PictureWant[];
  readonly voices: readonly string[];
}

export interface Seat {
  readonly name: string;
  readonly credentials: Credentials;
  readonly publishes: readonly SourceKind[];
  readonly turns: readonly Pick<Turn, 'from' | 'to'>[];
  /** Absent: is not asked what arrives. */
  readonly looks?: readonly Looking[];
}

export function seatOf(person: Person, credentials: Credentials, scenario: Scenario, phases: readonly Phase[]): Seat {
  const { name, publishes } = person;
  return {
    name,
    credentials,
    publishes,
    turns: scenario.turns
      .filter(({ who }) => who === name)
      // What goes on until the end goes on while the last counters are read, too.
      .map(({ from, to }) => ({ from, to: to >= scenario.seconds ? Number.MAX_VALUE : to })),
    ...(isViewer(person) && { looks: phases.map((phase) => lookingOf(name, phase)) }),
  };
}

/** What one viewer is to see and hear in one phase: what he wants, and everybody else who speaks. */
export function lookingOf(name: string, { from, wants, speaking }: Phase): Looking {
  return {
    from,
    pictures: (wants.get(name) ?? []).map((want) => ({ ...want, ...sizeOf(want) })),
    voices: speaking.filter((who) => who !== name),
  };
}

function sizeOf({ kind, layer }: Want): { readonly width: number; readonly height: number } {
  const picture = kind === 'screen' ? PICTURES.at(-1) : PICTURES[layer];
  if (!picture) throw new Error(`there is no layer ${layer}`);
  return { width: picture.width, height: picture.height };
}
