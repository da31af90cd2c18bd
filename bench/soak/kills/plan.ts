/** What happens in a run, drawn from its seed: who is where, when something dies. Pure. */
import { seededRandom } from '../../border/random.ts';

/** Handles, each with so many devices. */
export const PEOPLE = ['alice', 'bob', 'carol'] as const;
export const DEVICES = 2;

/** Title and people of each conversation; the first of them makes it. */
export const CONVERSATIONS = [
  { title: 'Rigging', people: ['alice', 'bob', 'carol'] },
  { title: 'Ropes', people: ['bob', 'alice'] },
  { title: 'Knots', people: ['carol', 'bob'] },
] as const;

export type Person = (typeof PEOPLE)[number];

/** `alice-1` */
export function labelsOf(person: string): string[] {
  return Array.from({ length: DEVICES }, (_, index) => `${person}-${index + 1}`);
}

/** A death. */
export interface Kill {
  /** While it starts, so many ms after it was started; undefined: while it works. */
  readonly startingMs: number | undefined;
  /** How many messages are accepted since it works, before it dies. */
  readonly accepted: number;
  /** And so many ms after the last of them, so that it dies within the next ones. */
  readonly pauseMs: number;
  /** Which of those that may die: a number from 0 up to and without 1. */
  readonly which: number;
  /** After it, one application ends and begins anew from its vault: a number as `which`. */
  readonly restart: number | undefined;
}

/** A start is cut short this often. */
const STARTING_SHARE = 1 / 8;
/** About what a start takes, ms. */
const START_MS = 900;
const MAX_ACCEPTED = 20;
const MAX_PAUSE_MS = 60;
/** An application begins anew after so many deaths; well before its session would have to be renewed. */
const RESTART_EVERY = 4;

export function killsOf(seed: number, times: number): Kill[] {
  const random = seededRandom(seed);
  return Array.from({ length: times }, (_, index) => ({
    startingMs: random() < STARTING_SHARE ? Math.floor(random() * START_MS) : undefined,
    accepted: Math.floor(random() * MAX_ACCEPTED),
    pauseMs: Math.floor(random() * MAX_PAUSE_MS),
    which: random(),
    restart: index % RESTART_EVERY === RESTART_EVERY - 1 ? random() : undefined,
  }));
}

/** What a device does next. */
export interface Deed {
  /** Which of its conversations: a number from 0 up to and without 1. */
  readonly conversation: number;
  readonly what: 'say' | 'renew keys';
  /** And then it rests, ms. */
  readonly restMs: number;
}

/** Of all deeds. */
const COMMIT_SHARE = 1 / 12;
const MAX_REST_MS = 1_000;

/** Without an end. @param index of the device */
export function* deedsOf(seed: number, index: number): Generator<Deed, never> {
  const random = seededRandom(seed + 1 + index);
  for (;;) {
    yield {
      conversation: random(),
      what: random() < COMMIT_SHARE ? 'renew keys' : 'say',
      // Mostly short, so that several messages of a device wait at the same time.
      restMs: Math.floor(random() ** 2 * MAX_REST_MS),
    };
  }
}

/** One of several, by a number from 0 up to and without 1. */
export function oneOf<T>(all: readonly T[], which: number): T {
  const one = all[Math.floor(which * all.length)];
  if (one === undefined) throw new RangeError('nothing to choose from');
  return one;
}
