/** `hawser bench hop`: what the way over a second media server adds to the delay of a packet. */
import process from 'node:process';
import { type HopReport, measureHop } from '#bench/hop.ts';
import { aligned } from '#bench/report/aligned.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { progress, say } from './setup/say.ts';
import { ensureWorker } from './setup/worker.ts';

/** The figure to reach, ms. */
const MOST_ADDED_MS = 0.3;

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
    json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
  },
  async run({ flags, out, err, signal }) {
    await ensureWorker();
    const bar = progress('measuring');
    const report = await measureHop({
      seconds: flags.seconds,
      command: ['./hawser', ...process.argv.slice(2)].join(' '),
      signal,
      say,
      onProgress: (done, total) => bar.update(done, total),
    })
      .catch((error: unknown) => {
        throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
      })
      .finally(() => bar.end());
    for (const line of tableOf(report)) out(line);
    const isTooLong = report.added.p50 > MOST_ADDED_MS;
    if (isTooLong)
      err(`The trunk adds ${report.added.p50} ms to half of the packets; at most ${MOST_ADDED_MS} ms was expected.`);
    if (flags.json) out(JSON.stringify(report));
    return isTooLong ? 1 : 0;
  },
});

function tableOf({ own, over, added, machine, commit, command: typed }: HopReport): string[] {
  const row = (title: string, { p50, p95, p99 }: HopReport['own']) => [
    title,
    ...[p50, p95, p99].map((each) => each.toFixed(2)),
  ];
  return [
    `${machine.processor}, ${machine.cores} cores, ${machine.system}, mediasoup ${machine.mediasoup}; commit ${commit}; ${typed}`,
    '',
    ...aligned([
      [`Delay of ${added.packets} packets, ms`, 'median', '95 %', '99 %'],
      row('on one media server', own),
      row('over the trunk to a second one', over),
      row('added to each packet', added),
    ]),
  ];
}
