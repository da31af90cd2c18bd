/** `hawser bench federation`: what crosses the border between homeservers. */
import { complaintsAboutFederation, federationTable, measureFederation, ROWS, type Row } from '#bench/federation.ts';
import type { Errand } from '#bench/guarded.ts';
import { STORAGES } from '#bench/messages/server.ts';
import { REPEAT_FLAGS, repeat } from './bench-repeat.ts';
import { command } from './command.ts';
import { UsageError } from './errors.ts';

const isRow = (word: string): word is Row => (ROWS as readonly string[]).includes(word);

export const benchFederation = command({
  name: 'bench federation',
  summary: 'Measure messages between organisations, also where one is down',
  usage: '',
  about: [
    'Starts homeservers of two organisations, or of eleven, on loopback, and a process full of devices, each with its own key,',
    'certificate and connection. A message counts when it is at the device of the other organisation. Linux only. All rows',
    'take about twenty minutes, of which the outage is more than seven. Exit code 1: a figure is missed.',
    '',
    `Rows: ${ROWS.join(', ')}.`,
  ],
  flags: {
    rows: { type: 'string', value: 'ROW,…', default: ROWS.join(','), summary: 'What to measure; several with commas' },
    storage: {
      type: 'string',
      value: 'WHICH',
      default: 'sqlite',
      choices: STORAGES,
      summary: 'Where the homeservers keep everything: sqlite, or a PostgreSQL that is started for this',
    },
    seconds: { type: 'integer', value: 'N', default: 10, min: 1, max: 600, summary: 'How long each load lasts' },
    'outage-seconds': {
      type: 'integer',
      value: 'N',
      default: 300,
      min: 2,
      max: 3_600,
      summary: 'How long one of ten organisations is down',
    },
    queued: {
      type: 'integer',
      value: 'N',
      default: 100_000,
      min: 100,
      max: 1_000_000,
      summary: 'Messages that wait for an organisation that is down',
    },
    conversations: {
      type: 'integer',
      value: 'N',
      default: 1_000,
      min: 1,
      max: 10_000,
      summary: 'What two organisations share when they part',
    },
    members: { type: 'integer', value: 'N', default: 50, min: 4, max: 100, summary: 'People in each of them' },
    ...REPEAT_FLAGS,
  },
  async run({ flags, ...terminal }) {
    const { storage, seconds, queued, conversations, 'outage-seconds': outageSeconds } = flags;
    const rows = flags.rows.split(',');
    const unknown = rows.find((word) => !isRow(word));
    if (unknown !== undefined) throw new UsageError(`--rows: ${unknown} is none of ${ROWS.join(', ')}.`);
    const options = {
      ...{ storage, seconds, outageSeconds, queued, conversations, rows: rows.filter(isRow) },
      members: flags.members - (flags.members % 2),
    };
    const benchmark = {
      doing: 'measuring',
      measure: (errand: Errand) => measureFederation(options, errand),
      table: federationTable,
      complaints: complaintsAboutFederation,
      flat: true,
    };
    return repeat(benchmark, flags, terminal);
  },
});
