/** `hawser bench`: load tests and their reports. */
import { randomInt } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { complaintsAbout, htmlOf, measureTrunk, notesOn, SPREAD, tableOf } from '#bench/main.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { progress, say } from './setup/say.ts';

/** Undefined where the border is to carry everything at once. */
function impairmentOf(flags: {
  readonly loss: number;
  readonly 'rate-limit': number | undefined;
  readonly seed: number | undefined;
}) {
  const { loss: lossPercent, 'rate-limit': rateLimitMbit, seed = randomInt(2 ** 32) } = flags;
  if (lossPercent === 0 && rateLimitMbit === undefined) return undefined;
  return { lossPercent, ...(rateLimitMbit !== undefined && { rateLimitMbit }), seed };
}

/** Before anything is measured, so that a wrong path does not cost the result. */
async function checkWritable(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const file = await open(path, 'a').catch(cannotWrite(path));
  const { size } = await file.stat();
  await file.close();
  if (size === 0) await rm(path);
}

function cannotWrite(path: string) {
  return (error: Error): never => {
    throw new Problem(`The report cannot be written to ${path}: ${error.message}`, { cause: error });
  };
}

export const benchTrunk = command({
  name: 'bench trunk',
  summary: 'Measure what crosses the trunk between two media servers',
  usage: '',
  about: [
    'Starts two organisations on loopback, lets synthetic people publish at one and watch at the other, and counts what',
    'crosses: as the media servers do, and by a border of its own between them.',
    'Exit code 1: the two counts differ by 1 % or more, or somebody did not get what they asked for.',
  ],
  flags: {
    publishers: {
      type: 'integer',
      value: 'N',
      default: 12,
      min: 1,
      max: 100,
      summary: 'People with camera and microphone',
    },
    viewers: { type: 'integer', value: 'N', default: 8, min: 1, max: 300, summary: 'People who watch and listen' },
    seconds: { type: 'integer', value: 'N', default: 20, min: 2, max: 600, summary: 'How long to measure' },
    step: {
      type: 'number',
      value: 'SECONDS',
      default: 1,
      min: 0.5,
      max: 60,
      summary: 'From point to point of the timeline',
    },
    mode: {
      type: 'string',
      value: 'MODE',
      default: 'everything',
      choices: ['everything', 'sources', 'layers', 'all'],
      summary: 'What the media servers ask each other for; all: each in turn',
    },
    loss: {
      type: 'number',
      value: 'PERCENT',
      default: 0,
      min: 0,
      max: 90,
      summary: 'Packets that the border loses at random, in each direction',
    },
    'rate-limit': {
      type: 'number',
      value: 'MBIT',
      min: 0.5,
      max: 1_000,
      summary: 'Mbit/s that the border lets through in each direction, after a queue of 100 ms',
    },
    seed: {
      type: 'integer',
      value: 'N',
      min: 0,
      max: 2 ** 32 - 1,
      summary: 'Of the loss; drawn and told when left out',
    },
    plain: { type: 'boolean', summary: 'Let people in by plain RTP, for loads that are too large for WebRTC' },
    html: { type: 'string', value: 'FILE', summary: 'Write a report with charts, in one file' },
    json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
  },
  async run({ flags, out, err, signal }) {
    const { publishers, viewers, seconds } = flags;
    await checkWritable(flags.html);
    const bar = progress('measuring');
    const report = await measureTrunk({
      scenario: { ...SPREAD, publishers, viewers, seconds },
      modes: flags.mode === 'all' ? ['everything', 'sources', 'layers'] : [flags.mode],
      entrance: flags.plain ? 'plain' : 'webrtc',
      impairment: impairmentOf(flags),
      step: flags.step,
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
    for (const note of report.runs.flatMap(notesOn)) err(`note: ${note}`);
    const complaints = report.runs.flatMap(complaintsAbout);
    for (const complaint of complaints) err(complaint);
    if (flags.html !== undefined) {
      await writeFile(flags.html, htmlOf(report)).catch(cannotWrite(flags.html));
      say(`the report with charts is ${flags.html}`);
    }
    if (flags.json) out(JSON.stringify(report));
    return complaints.length === 0 ? 0 : 1;
  },
});
