/** A scenario in time: the parts of its window in which nothing changes. Pure. */
import type { Scenario, Turn } from './scenario.ts';
import { type Want, wantsOf } from './wants.ts';

export interface Phase {
  /** Seconds since the window opened. */
  readonly from: number;
  readonly to: number;
  /** Who speaks. */
  readonly speaking: readonly string[];
  /** What everybody who watches wants. */
  readonly wants: ReadonlyMap<string, readonly Want[]>;
}

/** The first holds from the joining on, the last until the end of everything. */
export function phasesOf({ people, turns, seconds }: Pick<Scenario, 'people' | 'turns' | 'seconds'>): Phase[] {
  const moments = changesOf(turns, seconds);
  const watching = people.filter(({ watch }) => watch);
  return moments.map((from, index) => {
    const speaker = speakerAt(turns, from);
    return {
      from,
      to: moments[index + 1] ?? seconds,
      speaking: [...new Set(turns.filter((turn) => turn.from <= from && from < turn.to).map(({ who }) => who))],
      wants: new Map(watching.map((person, viewer) => [person.name, wantsOf(person, viewer, people, speaker)])),
    };
  });
}

/** 0 and every moment inside the window at which somebody begins or ends to speak, ascending. */
export function changesOf(turns: readonly Turn[], seconds: number): number[] {
  const moments = turns.flatMap(({ from, to }) => [from, to]).filter((moment) => moment > 0 && moment < seconds);
  return [...new Set([0, ...moments])].sort((a, b) => a - b);
}

/** Whose turn began last, the first of the list where several began at once; he stays it until another one begins. */
export function speakerAt(turns: readonly Turn[], moment: number): string | undefined {
  let last: Turn | undefined;
  for (const turn of turns) if (turn.from <= moment && turn.from > (last?.from ?? -1)) last = turn;
  return last?.who;
}

/** What is wanted anew has so long to come, s. */
export const GRACE_SECONDS = 3;
/** The counters of many people are read this long before something changes, s. */
const AHEAD_SECONDS = 0.25;

/** The part of each phase in which everything must be there. */
export function judgedOf(phases: readonly Phase[]): { readonly from: number; readonly to: number }[] {
  return phases.map(({ from, to }, index) => ({
    from: index === 0 ? from : from + GRACE_SECONDS,
    to: index === phases.length - 1 ? to : to - AHEAD_SECONDS,
  }));
}
