/** What came of the inputs so far. */
import type { Outcome } from './target.ts';

/** Something that must not be. */
export interface Finding {
  readonly target: string;
  /** Which batch has the input: the same seed and batch make it again. */
  readonly batch: number;
  readonly input: string;
  readonly wrong: string;
}

export interface Counts {
  inputs: number;
  /** The slowest input, ms. */
  worstMs: number;
  /** How often each answer came. */
  readonly answers: Record<string, number>;
}

/** Findings that are kept; the rest is counted. */
const MAX_KEPT = 50;
/** Of an input or an answer that is shown, characters. */
const MAX_SHOWN = 2_000;

export class Tally {
  readonly #targets: Record<string, Counts> = {};
  readonly #findings: Finding[] = [];
  #wrong = 0;

  get inputs(): number {
    return Object.values(this.#targets).reduce((sum, { inputs }) => sum + inputs, 0);
  }

  get wrong(): number {
    return this.#wrong;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  get targets(): Readonly<Record<string, Counts>> {
    return this.#targets;
  }

  note(target: string, { answer }: Outcome, ms: number): void {
    const counts = this.#of(target);
    counts.inputs += 1;
    counts.worstMs = Math.max(counts.worstMs, Math.round(ms));
    counts.answers[answer] = (counts.answers[answer] ?? 0) + 1;
  }

  complain(target: string, batch: number, input: unknown, wrong: string): void {
    this.#wrong += 1;
    if (this.#findings.length >= MAX_KEPT) return;
    const shown = typeof input === 'string' ? input : JSON.stringify(input);
    this.#findings.push({ target, batch, input: shown.slice(0, MAX_SHOWN), wrong: wrong.slice(0, MAX_SHOWN) });
  }

  /** Adds what another one counted. */
  add(targets: Readonly<Record<string, Counts>>, findings: readonly Finding[]): void {
    for (const [name, { inputs, worstMs, answers }] of Object.entries(targets)) {
      const counts = this.#of(name);
      counts.inputs += inputs;
      counts.worstMs = Math.max(counts.worstMs, worstMs);
      for (const [answer, count] of Object.entries(answers)) {
        counts.answers[answer] = (counts.answers[answer] ?? 0) + count;
      }
    }
    for (const { target, batch, input, wrong } of findings) this.complain(target, batch, input, wrong);
  }

  #of(target: string): Counts {
    this.#targets[target] ??= { inputs: 0, worstMs: 0, answers: {} };
    return this.#targets[target];
  }
}
