/** `hawser bench switches`: how long a viewer waits for a larger picture over the trunk. */
import type { Errand } from '#bench/guarded.ts';
import { complaintsAboutSwitches, notesOnSwitches, switchesTable } from '#bench/report/switches.ts';
import { measureSwitches } from '#bench/switches.ts';
import { buildWeb } from '#web/build.ts';
import { REPEAT_FLAGS, repeat } from './bench-repeat.ts';
import { command } from './command.ts';
import { ensureChromium } from './setup/chromium.ts';
import { ensureWorker } from './setup/worker.ts';

export const benchSwitches = command({
  name: 'bench switches',
  summary: 'Measure how long a viewer waits for a larger picture over the trunk',
  usage: '',
  about: [
    'Starts two organisations on loopback with one browser each. One films, the other asks for a larger picture again and',
    'again, from small to large, from middle to large and from small to middle in turn: first while nothing of the wished',
    'one crosses the trunk, then while somebody else watches it.',
    'Exit code 1: half of the switches took 140 ms or more, one of twenty 400 ms or more, a picture stood still, or a frame',
    'was dropped. A switch in which a browser did not get the processor for 100 ms is measured again, and counted.',
  ],
  flags: {
    switches: { type: 'integer', value: 'N', default: 50, min: 2, max: 1_000, summary: 'How many of each kind' },
    ...REPEAT_FLAGS,
  },
  async run({ flags, ...terminal }) {
    await ensureWorker();
    await ensureChromium();
    await buildWeb();
    const benchmark = {
      doing: 'switching',
      measure: (errand: Errand) => measureSwitches(flags.switches, errand),
      table: switchesTable,
      notes: notesOnSwitches,
      complaints: complaintsAboutSwitches,
    };
    return repeat(benchmark, flags, terminal);
  },
});
