/** One thing that takes bytes from strangers, and how it is tried. */
import type { Arbitrary } from 'fast-check';

/** What came of one input: a code, or what else was answered; and what is wrong with that, where something is. */
export interface Outcome {
  readonly answer: string;
  readonly wrong?: string;
}

export interface Target<I = unknown> {
  readonly name: string;
  readonly inputs: Arbitrary<I>;
  readonly attempt: (input: I) => Promise<Outcome>;
}

/** Of several targets, how many of a hundred batches each gets. */
export interface Share {
  readonly target: string;
  readonly of100: number;
}

/** Inputs of one target in a row; a batch is what can be replayed. */
export const BATCH = 100;

/** Of the inputs of a batch: the same seed and number give the same inputs. */
export function seedOfBatch(seed: number, batch: number): number {
  return (seed + Math.imul(batch + 1, 0x9e3779b1)) | 0;
}

/** Which target a batch is for: in turn, each as often as its share says, spread evenly. */
export function turnsOf(shares: readonly Share[]): string[] {
  const due = shares.map(({ target, of100 }) => ({ target, of100, given: 0 }));
  return Array.from({ length: 100 }, (_, turn) => {
    const next = due.reduce((a, b) => (owed(b, turn) > owed(a, turn) ? b : a));
    next.given += 1;
    return next.target;
  });
}

function owed({ of100, given }: { of100: number; given: number }, turn: number): number {
  return (of100 * (turn + 1)) / 100 - given;
}
