/** `hawser bench hop`: what the way over a second media server adds to the delay of a packet. */
import type { Errand } from '#bench/guarded.ts';
import { complaintsAboutHop, hopTable, measureHop } from '#bench/hop.ts';
import { REPEAT_FLAGS, repeat } from './bench-repeat.ts';
import { command } from './command.ts';
import { ensureWorker } from './setup/worker.ts';

export const benchHop = command({
  name: 'bench hop',
  summary: 'Measure the delay that the way over a second media server adds',
  usage: '',
  about: [
    'Starts two organisations on loopback. One person publishes at alpha, one listens at alpha and one at beta, and each',
    'packet is timed at both. Exit code 1: the trunk adds more than 0.3 ms to half of the packets.',
  ],
  flags: {
    seconds: { type: 'integer', value: 'N', default: 20, min: 2, max: 600, summary: 'How long to measure' },
    ...REPEAT_FLAGS,
  },
  async run({ flags, ...terminal }) {
    await ensureWorker();
    const benchmark = {
      doing: 'measuring',
      measure: (errand: Errand) => measureHop(flags.seconds, errand),
      table: hopTable,
      complaints: complaintsAboutHop,
    };
    return repeat(benchmark, flags, terminal);
  },
});
