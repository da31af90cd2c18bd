/** `hawser bench voices`: who is heard at another organisation, and how soon. */
import type { Errand } from '#bench/guarded.ts';
import { complaintsAboutVoices, measureVoices, notesOnVoices, type VoicesReport, voicesTable } from '#bench/voices.ts';
import { REPEAT_FLAGS, repeat } from './bench-repeat.ts';
import { command } from './command.ts';
import { ensureWorker } from './setup/worker.ts';

export const benchVoices = command({
  name: 'bench voices',
  summary: 'Measure who is heard at another organisation, and how soon',
  usage: '',
  about: [
    'Starts two organisations on loopback and lets people with a microphone speak at one, real speech with pauses. Somebody',
    'listens at the other: to people whose voices were kept ready, and to people whose were not.',
    'Exit code 1: one of the former lost a packet of the first 200 ms, or one of the latter was not heard within 400 ms.',
  ],
  flags: {
    speakers: { type: 'integer', value: 'N', default: 24, min: 2, max: 100, summary: 'People with a microphone' },
    rounds: { type: 'integer', value: 'N', default: 30, min: 1, max: 1_000, summary: 'How often each kind speaks' },
    seconds: { type: 'integer', value: 'N', default: 10, min: 2, max: 600, summary: 'How long to measure the cost' },
    mode: {
      type: 'string',
      value: 'MODE',
      default: 'layers',
      choices: ['everything', 'sources', 'layers'],
      summary: 'What the media servers ask each other for',
    },
    ...REPEAT_FLAGS,
  },
  async run({ flags, ...terminal }) {
    await ensureWorker();
    const { speakers, rounds, seconds, mode } = flags;
    const benchmark = {
      doing: 'measuring',
      measure: (errand: Errand) => measureVoices({ speakers, rounds, seconds, mode }, errand),
      table: voicesTable,
      notes: notesOnVoices,
      complaints: (_: unknown, runs: readonly VoicesReport[]) => runs.flatMap(complaintsAboutVoices),
    };
    return repeat(benchmark, flags, terminal);
  },
});
