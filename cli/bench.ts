/** `hawser bench`: load tests and their reports. */
import { randomInt } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { complaintsAbout, htmlOf, loadScenario, measureTrunk, notesOn, ScenarioError, tableOf } from '#bench/main.ts';
import { REPEAT_FLAGS } from './bench-repeat.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
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
    'Starts organisations on loopback, lets synthetic people meet in one call as a scenario says, and counts what crosses:',
    'as the media servers do, and by a border of its own between them. Beside it stands the floor: what had to cross.',
    '',
    'Scenarios: speaker, spread, gallery, nobody-watches, one-thumbnail, thumbnails-30, screen-share, three-domains, large;',
    'or the path of a file of your own, such as ./mine.yaml. How many people are where stands in the file.',
    'docs/guides/bench.md tells how to write one; ours are in bench/scenario/files/.',
    '',
    'Exit code 1: the two counts differ by 1 % or more, or somebody did not get what they asked for.',
  ],
  flags: {
    scenario: {
      type: 'string',
      value: 'NAME',
      default: 'speaker',
      summary: 'Who is where, publishes, speaks and looks at whom: a name, or the path of a file',
    },
    seconds: {
      type: 'integer',
      value: 'N',
      min: 2,
      max: 600,
      summary: 'How long to measure, instead of what the scenario says',
    },
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
      default: 'layers',
      choices: ['everything', 'sources', 'layers', 'all'],
      summary: 'What the media servers ask each other for; all: each in turn, side by side',
    },
    runs: REPEAT_FLAGS.runs,
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
    plain: {
      type: 'boolean',
      summary: 'Let people in by plain RTP, whatever the scenario says: for loads too large for WebRTC',
    },
    html: { type: 'string', value: 'FILE', summary: 'Write a report with charts, in one file' },
    json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
  },
  async run({ flags, out, err, signal }) {
    const scenario = await loadScenario(flags.scenario, {
      ...(flags.seconds !== undefined && { seconds: flags.seconds }),
      ...(flags.plain && { entrance: 'plain' }),
    }).catch((error: unknown) => {
      throw error instanceof ScenarioError ? new UsageError(error.message) : error;
    });
    await checkWritable(flags.html);
    const bar = progress('measuring');
    const report = await measureTrunk({
      scenario,
      rounds: flags.runs,
      modes: flags.mode === 'all' ? ['everything', 'sources', 'layers'] : [flags.mode],
      impairment: impairmentOf(flags),
      step: flags.step,
      command: ['./hawser', ...process.argv.slice(2)].join(' '),
      signal,
      say,
      onProgress: (done, total) => (done < total ? bar.update(done, total) : bar.end()),
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
