/** What the doctor tried, what it saw, and what to do about it. */

export type Who = 'you' | 'them' | 'both';

export interface Step {
  /** A word that stays the same: `link-back`. */
  readonly step: string;
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was tried, without a full stop. */
  readonly tried: string;
  /** What was seen; of a step that was skipped, why. Without a full stop. */
  readonly saw: string;
  /** The most likely cause; only where it is not well. */
  readonly cause?: string;
  /** The one thing to do. */
  readonly todo?: string;
  /** Whose administrator does it; both where nobody can see from here which of the two. */
  readonly who?: Who;
  /** Of `hawser ports`, here or there, that is most likely closed. */
  readonly rule?: string;
}

export type Trouble = Required<Pick<Step, 'saw' | 'cause' | 'todo' | 'who'>> & Pick<Step, 'rule'>;

export function ok(step: string, tried: string, saw: string): Step {
  return plain({ step, outcome: 'ok', tried, saw });
}

export function failed(step: string, tried: string, trouble: Trouble): Step {
  return plain({ step, outcome: 'failed', tried, ...trouble });
}

export function warning(step: string, tried: string, trouble: Trouble): Step {
  return plain({ step, outcome: 'warning', tried, ...trouble });
}

/** @param todo what tries it, where it cannot be tried here */
export function skipped(step: string, tried: string, saw: string, todo?: string): Step {
  return plain({ step, outcome: 'skipped', tried, saw, ...(todo !== undefined && { todo, who: 'you' as const }) });
}

/** Control characters, and those that hide or turn round what stands beside them. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Words of another organisation stand in some steps, and an administrator's terminal obeys what it is shown. */
function plain(step: Step): Step {
  const { tried, saw, cause, todo, ...others } = step;
  const seen = (text: string) => text.replaceAll(UNSEEN, '\ufffd');
  return {
    ...{ ...others, tried: seen(tried), saw: seen(saw) },
    ...(cause !== undefined && { cause: seen(cause) }),
    ...(todo !== undefined && { todo: seen(todo) }),
  };
}

/** Takes a step that is done. @returns whether what comes after it makes sense */
export type Note = (step: Step) => boolean;

/** @param them the domain of the other side, where there is one */
export function linesOf({ outcome, tried, saw, cause, todo, who, rule }: Step, them?: string): readonly string[] {
  const lines = [`${MARKS[outcome]}  ${tried}: ${saw}.`];
  if (cause !== undefined) lines.push(`         Most likely: ${cause}.${rule === undefined ? '' : ` Rule: ${rule}.`}`);
  if (todo !== undefined) lines.push(`         To do, by ${whom(who, them)}: ${todo}`);
  return lines;
}

function whom(who: Step['who'], them: string | undefined): string {
  if (who === 'both') return `you and the administrator of ${them}`;
  return who === 'them' ? `the administrator of ${them}` : 'you';
}

const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ', skipped: 'skipped' } as const;

/** The last line: ready, or not and why, or that not all of it could be looked at from here. */
export function verdict(steps: readonly Step[], what: string): string {
  const bad = steps.filter(({ outcome }) => outcome === 'failed');
  if (bad.length > 0) return `Not ready: ${firstOf(bad)}.`;
  const left = steps.filter(({ outcome }) => outcome === 'skipped');
  if (left.length > 0) return `What was tried is well. Not tried: ${firstOf(left)}.`;
  return `Ready: ${what}.`;
}

function firstOf(steps: readonly Step[]): string {
  const [first] = steps;
  const more = steps.length > 1 ? `, and ${steps.length - 1} more` : '';
  return `${first?.tried}: ${first?.saw}${more}`;
}

/** Whether all of it was tried and nothing is in the way. */
export function isReady(steps: readonly Step[]): boolean {
  return steps.every(({ outcome }) => outcome === 'ok' || outcome === 'warning');
}
