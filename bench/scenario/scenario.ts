/** What is measured: who is where, who publishes what, who speaks when, and who looks at what. Plain data, of a file. */
import type { SourceKind } from '#signalling/media-profile.ts';
import { directionOf, waysOf } from '../border/forwarder.ts';
import type { ScenarioFile } from './schema.ts';

/** Organisations by name. The first is the anchor: its people start the call, and the others link to it alone. */
export const DOMAINS = ['alpha', 'beta', 'gamma', 'delta'] as const;
export type Domain = (typeof DOMAINS)[number];
export const ANCHOR: Domain = DOMAINS[0];

/** How a person's screen is laid out; `wants.ts` says what each asks for. */
export const LAYOUTS = ['speaker', 'spread', 'gallery', 'small', 'screen'] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface Watch {
  readonly layout: Layout;
  /** Small pictures; all that there are where it is left out. */
  readonly small?: number;
}

/** How people reach their own media server. */
export type Entrance = 'webrtc' | 'plain';

export interface Person {
  /** `beta-3`: the third person at beta. */
  readonly name: string;
  readonly at: Domain;
  readonly publishes: readonly SourceKind[];
  /** Absent: looks at nothing. Everybody hears everybody. */
  readonly watch?: Watch;
}

/** Somebody speaks, in seconds since the window opened; a turn that begins at 0 has gone on for ever before. */
export interface Turn {
  readonly who: string;
  readonly from: number;
  readonly to: number;
}

export interface Scenario {
  readonly name: string;
  /** As it was written. */
  readonly file: ScenarioFile;
  /** How long is measured. */
  readonly seconds: number;
  /** Between the moment when everybody has everything and the begin of the measurement. */
  readonly settleSeconds: number;
  readonly entrance: Entrance;
  readonly people: readonly Person[];
  readonly turns: readonly Turn[];
}

/** Whoever looks at something, or publishes nothing; the others are there to be looked at and are not judged. */
export function isViewer({ publishes, watch }: Person): boolean {
  return watch !== undefined || publishes.length === 0;
}

/** The organisations that take part, the anchor first. */
export function domainsOf(people: readonly Person[]): Domain[] {
  return DOMAINS.filter((domain) => people.some(({ at }) => at === domain));
}

/** One way over a border. */
export interface Direction {
  readonly from: Domain;
  readonly to: Domain;
  /** `alpha>beta` */
  readonly name: string;
}

/** Both ways of each link. All links end at the anchor. */
export function directionsOf(people: readonly Person[]): Direction[] {
  return waysOf(domainsOf(people)).map(([from, to]) => ({ from, to, name: directionOf(from, to) }));
}
