/** Two clocks that differ: whose is wrong, as far as one side can know. Pure. */
import { failed, ok, type Step, type Trouble, type Who, warning } from './step.ts';

/** Whether a time service keeps the clock of this machine right; unknown where the system does not say, as in most containers. */
export type Kept = 'yes' | 'no' | 'unknown';

/** Tickets are good for three minutes: clocks that differ by more refuse them. ms */
const WARNS = 5_000;
const FAILS = 120_000;

export interface Clocks {
  readonly step: 'clock' | 'link-clock';
  /** `the two homeservers` */
  readonly whose: string;
  readonly domain: string;
  /** Theirs minus ours, ms. */
  readonly difference: number;
  /** Of ours. */
  readonly kept: Kept;
}

export function clockStep({ step, whose, domain, difference, kept }: Clocks): Step {
  const tried = `the clocks of ${whose}`;
  if (Math.abs(difference) < WARNS) return ok(step, tried, 'they agree');
  const seconds = Math.round(difference / 1_000);
  const trouble: Trouble = {
    saw: `that of ${domain} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} yours`,
    ...WORDS[kept],
    rule: 'time-out',
  };
  return Math.abs(difference) < FAILS ? warning(step, tried, trouble) : failed(step, tried, trouble);
}

const WORDS: Readonly<Record<Kept, { readonly cause: string; readonly todo: string; readonly who: Who }>> = {
  yes: {
    cause: 'no time service keeps theirs right; one keeps yours',
    todo: 'On that machine: timedatectl set-ntp true',
    who: 'them',
  },
  no: {
    cause: 'no time service keeps yours right',
    todo: 'On this machine: timedatectl set-ntp true',
    who: 'you',
  },
  unknown: {
    cause: 'no time service keeps one of the two right; which, nobody can see from here',
    todo: 'Look on both machines with timedatectl, and where the clock is not synchronized: timedatectl set-ntp true',
    who: 'both',
  },
};
