/** The random life: see `testing/life.ts`. HAWSER_MLS_SEED=<number> lives one life anew, HAWSER_MLS_STEPS makes it longer. */
import process from 'node:process';
import { expect, it } from 'vitest';
import { Life } from './testing/life.ts';

const { HAWSER_MLS_SEED: seed, HAWSER_MLS_STEPS: steps = '600' } = process.env;
const SEEDS = [Number(seed ?? 1)];

it.each(SEEDS)(
  'keeps all members in one epoch with one exporter, seed %i',
  async (each) => {
    const life = await Life.begin(each);
    for (let step = 0; step < Number(steps); step++) {
      await life.step().catch((cause: unknown) => {
        throw new Error(`seed ${each} failed in step ${step}; HAWSER_MLS_SEED=${each} repeats it: ${cause}`, { cause });
      });
    }
    await life.end();
    // A life in which something never happened would prove nothing about it.
    const kinds = [
      'message',
      'heard',
      'update',
      'add',
      'remove',
      'join',
      'come back',
      'race',
      'reload',
      'away',
      'proposal',
      'revoke',
      'failure',
    ];
    if (Number(steps) >= 600) for (const kind of kinds) expect(life.counts.get(kind) ?? 0, kind).toBeGreaterThan(3);
  },
  300_000,
);
