/** `hawser soak faults`: what one organisation accepted arrives at the others, whatever happens in between. */
import { randomInt } from 'node:crypto';
import { complaintsAboutFaults, faultsTable, lastLineOf } from '#bench/soak/faults/report.ts';
import { measureFaults } from '#bench/soak/faults/run.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { progress, say } from './setup/say.ts';
import { freshDatabases, SOAK_FLAGS } from './soak-storage.ts';

const MAX_SEED = 2 ** 32 - 1;

export const soakFaults = command({
  name: 'soak faults',
  summary: 'Break organisations and the net between them, and look for what got lost',
  usage: '',
  about: [
    'Starts the homeservers of three or four organisations on loopback, and devices on the SDK: people of all of them write,',
    'edit, react, delete, call, let each other in and take each other out. Meanwhile homeservers are killed, links between',
    'them cut, in one direction too, or slow; requests are repeated, lost and out of order; clocks step by an hour; disks fill.',
    'When all is well again, what every device holds must be what was accepted: all of it, once, in one order, and nothing',
    'for whoever was out.',
    '',
    'Each schedule has a seed, those after a first one the next. What is known of one that failed is kept in a folder;',
    '--seed plays it again.',
    'Exit code 1: something is lost, there twice, out of order, not the same everywhere, leaked, or stuck.',
  ],
  flags: {
    schedules: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 1_000_000,
      summary: 'How many schedules; 500 when left out, 1 where a seed is given',
    },
    'at-once': {
      type: 'integer',
      value: 'N',
      default: 1,
      min: 1,
      max: 16,
      summary: 'How many of them at the same time',
    },
    length: {
      type: 'integer',
      value: 'MS',
      default: 2_500,
      min: 500,
      max: 60_000,
      summary: 'How long people act and things go wrong in each',
    },
    domains: { type: 'integer', value: 'N', default: 3, min: 1, max: 4, summary: 'How many organisations' },
    local: { type: 'boolean', summary: 'People write to their own organisation only; conversations and calls cross' },
    ...SOAK_FLAGS,
  },
  async run({ flags, out, err, signal }) {
    const { storage, json, domains, local, length: lengthMs, 'at-once': atOnce, seed } = flags;
    const first = seed ?? randomInt(MAX_SEED);
    const schedules = flags.schedules ?? (seed === undefined ? 500 : 1);
    const seeds = Array.from({ length: schedules }, (_, index) => (first + index) % (MAX_SEED + 1));
    const bar = progress('breaking');
    await using undo = new AsyncDisposableStack();
    undo.defer(() => bar.end());
    const report = await measureFaults({
      ...{ seeds, atOnce, storage, signal, say },
      schedule: { domains, lengthMs, across: local !== true },
      database: await freshDatabases(storage, undo),
      onProgress: (done, total) => (done < total ? bar.update(done, total) : bar.end()),
    }).catch((error: unknown) => {
      throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
    });
    for (const line of faultsTable(report)) out(line);
    const complaints = complaintsAboutFaults(report);
    for (const complaint of complaints) err(complaint);
    out(lastLineOf(report, json === true));
    return complaints.length === 0 ? 0 : 1;
  },
});
