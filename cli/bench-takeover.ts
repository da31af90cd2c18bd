/** `hawser bench takeover`: how soon a speaker is the large picture at another organisation. */
import type { Errand } from '#bench/guarded.ts';
import { complaintsAboutTakeover, measureTakeover, takeoverTable } from '#bench/takeover.ts';
import { buildWeb } from '#web/build.ts';
import { REPEAT_FLAGS, repeat } from './bench-repeat.ts';
import { command } from './command.ts';
import { ensureChromium } from './setup/chromium.ts';
import { ensureWorker } from './setup/worker.ts';

export const benchTakeover = command({
  name: 'bench takeover',
  summary: 'Measure how soon a speaker is the large picture at another organisation',
  usage: '',
  about: [
    'Starts two organisations on loopback. Two people at alpha speak in turn, with real speech; a browser at beta shows',
    'whoever speaks as the large picture. Measured from the first syllable that is sent to the first large frame.',
    'Exit code 1: half of the rounds took 600 ms or more, or a picture stood still.',
  ],
  flags: {
    rounds: {
      type: 'integer',
      value: 'N',
      default: 20,
      min: 2,
      max: 1_000,
      summary: 'How often somebody begins to speak',
    },
    ...REPEAT_FLAGS,
  },
  async run({ flags, ...terminal }) {
    await ensureWorker();
    await ensureChromium();
    await buildWeb();
    const benchmark = {
      doing: 'speaking',
      measure: (errand: Errand) => measureTakeover(flags.rounds, errand),
      table: takeoverTable,
      complaints: complaintsAboutTakeover,
    };
    return repeat(benchmark, flags, terminal);
  },
});
