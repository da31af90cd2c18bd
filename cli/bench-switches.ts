/** `hawser bench switches`: how long a viewer waits for a larger picture over the trunk. */
import process from 'node:process';
import { complaintsAboutSwitches, switchesTable } from '#bench/report/switches.ts';
import { measureSwitches } from '#bench/switches.ts';
import { buildWeb } from '#web/build.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { ensureChromium } from './setup/chromium.ts';
import { progress, say } from './setup/say.ts';
import { ensureWorker } from './setup/worker.ts';

export const benchSwitches = command({
  name: 'bench switches',
  summary: 'Measure how long a viewer waits for a larger picture over the trunk',
  usage: '',
  about: [
    'Starts two organisations on loopback with one browser each. One films, the other asks for the large picture and for',
    'the small one in turn: first while nothing of the large one crosses the trunk, then while somebody else watches it.',
    'Exit code 1: half of the switches took 140 ms or more, one of twenty 400 ms or more, or a picture stood still.',
  ],
  flags: {
    switches: { type: 'integer', value: 'N', default: 50, min: 2, max: 1_000, summary: 'How many of each kind' },
    json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
  },
  async run({ flags, out, err, signal }) {
    await ensureWorker();
    await ensureChromium();
    await buildWeb();
    const bar = progress('switching');
    const report = await measureSwitches({
      count: flags.switches,
      command: ['./hawser', ...process.argv.slice(2)].join(' '),
      signal,
      say,
      onProgress: (done, total) => bar.update(done, total),
    })
      .catch((error: unknown) => {
        throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
      })
      .finally(() => bar.end());
    for (const line of switchesTable(report)) out(line);
    const complaints = report.switches.flatMap(complaintsAboutSwitches);
    for (const complaint of complaints) err(complaint);
    if (flags.json) out(JSON.stringify(report));
    return complaints.length === 0 ? 0 : 1;
  },
});
