/** `hawser bench e2ee`: what it costs that a call is encrypted from device to device. */
import { complaintsAboutE2ee, E2EE_ROWS, type E2eeRow, e2eeTable, measureE2ee } from '#bench/e2ee.ts';
import type { Errand } from '#bench/guarded.ts';
import { buildWeb } from '#web/build.ts';
import { REPEAT_FLAGS, repeat } from './bench-repeat.ts';
import { command } from './command.ts';
import { UsageError } from './errors.ts';
import { ensureChromium } from './setup/chromium.ts';
import { ensureWorker } from './setup/worker.ts';

const isRow = (word: string): word is E2eeRow => (E2EE_ROWS as readonly string[]).includes(word);

/** Rows in which a browser is in a call. */
const WITH_SERVERS: readonly string[] = ['join', 'change', 'frames', 'picture'];
/** Rows in which there are calls. */
const WITH_MEDIA: readonly string[] = [...WITH_SERVERS, 'crowd', 'removal'];

export const benchE2ee = command({
  name: 'bench e2ee',
  summary: 'Measure how soon the keys of a call follow who is in it, and what they cost',
  usage: '',
  about: [
    'Starts homeservers of two organisations on loopback, and a process of devices, each with its own key, certificate and',
    'connection. Exit code 1: a figure is missed.',
    '',
    `Rows: ${E2EE_ROWS.join(', ')}.`,
  ],
  flags: {
    rows: {
      type: 'string',
      value: 'ROW,…',
      default: E2EE_ROWS.join(','),
      summary: 'What to measure; several with commas',
    },
    present: {
      type: 'integer',
      value: 'N',
      default: 10,
      min: 1,
      max: 12,
      summary: 'People in the call that a browser joins',
    },
    videos: {
      type: 'integer',
      value: 'N',
      default: 25,
      min: 1,
      max: 40,
      summary: 'Pictures that a browser shows at once',
    },
    crowd: {
      type: 'integer',
      value: 'N',
      default: 50,
      min: 2,
      max: 500,
      summary: 'Devices that come into a call at once',
    },
    people: {
      type: 'integer',
      value: 'N',
      default: 100,
      min: 12,
      max: 500,
      summary: 'People in the conference from which some are taken out',
    },
    changes: {
      type: 'integer',
      value: 'N',
      default: 50,
      min: 1,
      max: 1_000,
      summary: 'How often the keys change while a picture is looked at',
    },
    clip: {
      type: 'integer',
      value: 'N',
      default: 600,
      min: 30,
      max: 18_000,
      summary: 'Pictures of the clip that is played with and without encryption',
    },
    pairs: { type: 'integer', value: 'N', default: 5, min: 1, max: 100, summary: 'How often it is played with each' },
    group: { type: 'integer', value: 'N', default: 500, min: 10, max: 1_000, summary: 'Devices of a large group' },
    ...REPEAT_FLAGS,
  },
  async run({ flags, ...terminal }) {
    const words = flags.rows.split(',');
    const unknown = words.find((word) => !isRow(word));
    if (unknown !== undefined) throw new UsageError(`--rows: ${unknown} is none of ${E2EE_ROWS.join(', ')}.`);
    const { present, crowd, people, changes, group, videos, clip, pairs } = flags;
    const options = { rows: words.filter(isRow), present, crowd, people, changes, group, videos, clip, pairs };
    if (words.some((word) => word === 'group' || WITH_SERVERS.includes(word))) await ensureChromium();
    if (words.some((word) => WITH_MEDIA.includes(word))) await ensureWorker();
    if (words.some((word) => WITH_SERVERS.includes(word))) await buildWeb();
    const benchmark = {
      doing: 'measuring',
      measure: (errand: Errand) => measureE2ee(options, errand),
      table: e2eeTable,
      complaints: complaintsAboutE2ee,
      flat: true,
    };
    return repeat(benchmark, flags, terminal);
  },
});
