/** What the doctor tried, what it saw, and what to do about it. */

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
  /** Whose administrator does it. */
  readonly who?: 'you' | 'them';
  /** Of `hawser ports`, here or there, that is most likely closed. */
  readonly rule?: string;
}

export type Trouble = Required<Pick<Step, 'saw' | 'cause' | 'todo' | 'who'>> & Pick<Step, 'rule'>;

export function ok(step: string, tried: string, saw: string): Step {
  return { step, outcome: 'ok', tried, saw };
}

export function failed(step: string, tried: string, trouble: Trouble): Step {
  return { step, outcome: 'failed', tried, ...trouble };
}

export function warning(step: string, tried: string, trouble: Trouble): Step {
  return { step, outcome: 'warning', tried, ...trouble };
}

export function skipped(step: string, tried: string, saw: string): Step {
  return { step, outcome: 'skipped', tried, saw };
}

/** @param them the domain of the other side, where there is one */
export function linesOf({ outcome, tried, saw, cause, todo, who, rule }: Step, them?: string): readonly string[] {
  const lines = [`${MARKS[outcome]}  ${tried}: ${saw}.`];
  if (cause !== undefined) lines.push(`         Most likely: ${cause}.${rule === undefined ? '' : ` Rule: ${rule}.`}`);
  if (todo !== undefined)
    lines.push(`         To do, by ${who === 'them' ? `the administrator of ${them}` : 'you'}: ${todo}`);
  return lines;
}

const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ', skipped: 'skipped' } as const;

/** The last line: ready, or not and why. */
export function verdict(steps: readonly Step[], what: string): string {
  const bad = steps.filter(({ outcome }) => outcome === 'failed');
  const [first] = bad;
  if (!first) return `Ready: ${what}.`;
  const more = bad.length > 1 ? `, and ${bad.length - 1} more` : '';
  return `Not ready: ${first.tried}: ${first.saw}${more}.`;
}
