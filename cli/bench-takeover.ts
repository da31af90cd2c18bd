/** `hawser bench takeover`: how soon a speaker is the large picture at another organisation. */
import process from 'node:process';
import { aligned } from '#bench/report/aligned.ts';
import { complaintsAboutTakeover, measureTakeover } from '#bench/takeover.ts';
import { buildWeb } from '#web/build.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { ensureChromium } from './setup/chromium.ts';
import { progress, say } from './setup/say.ts';
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
    json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
  },
  async run({ flags, out, err, signal }) {
    await ensureWorker();
    await ensureChromium();
    await buildWeb();
    const bar = progress('speaking');
    const report = await measureTakeover({
      rounds: flags.rounds,
      command: ['./hawser', ...process.argv.slice(2)].join(' '),
      signal,
      say,
      onProgress: (done, total) => bar.update(done, total),
    })
      .catch((error: unknown) => {
        throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
      })
      .finally(() => bar.end());
    const { machine, commit, command: typed, spread, ms, freezes } = report;
    out(
      `${machine.processor}, ${machine.cores} cores, ${machine.system}, mediasoup ${machine.mediasoup}; commit ${commit}; ${typed}`,
    );
    out('');
    const rows = [
      ['From the first syllable to the large picture, ms', 'least', 'median', '95 %', 'most', 'freezes'],
      [
        `${ms.length} rounds`,
        ...[spread.least, spread.median, spread.p95, spread.most].map((each) => each.toFixed(0)),
        String(freezes),
      ],
    ];
    for (const line of aligned(rows)) out(line);
    const complaints = complaintsAboutTakeover(report);
    for (const complaint of complaints) err(complaint);
    if (flags.json) out(JSON.stringify(report));
    return complaints.length === 0 ? 0 : 1;
  },
});
