/** The inputs of one batch, and trying them. */
import fc from 'fast-check';
import type { Tally } from './tally.ts';
import { BATCH, seedOfBatch, type Target } from './target.ts';

/** What one input may take, ms, on a machine that does other things too; some wait for a turn by design. */
const SOON_MS = 15_000;

/** @param atOnce how many of them go on at the same time */
export async function runBatch(
  target: Target,
  { seed, batch, count = BATCH, atOnce = 1 }: { seed: number; batch: number; count?: number; atOnce?: number },
  tally: Tally,
): Promise<void> {
  const inputs = fc.sample(target.inputs, { seed: seedOfBatch(seed, batch), numRuns: BATCH }).slice(0, count);
  const left = inputs.values();
  const work = async () => {
    for (const input of left) {
      const began = performance.now();
      const outcome = await target.attempt(input);
      const ms = performance.now() - began;
      tally.note(target.name, outcome, ms);
      if (outcome.wrong !== undefined) tally.complain(target.name, batch, input, outcome.wrong);
      else if (ms > SOON_MS) tally.complain(target.name, batch, input, `took ${Math.round(ms)} ms`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
