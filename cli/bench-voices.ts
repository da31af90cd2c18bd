/** `hawser bench voices`: who is heard at another organisation, and how soon. */
import process from 'node:process';
import { complaintsAboutVoices, measureVoices, notesOnVoices, voicesTable } from '#bench/voices.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { progress, say } from './setup/say.ts';

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
    json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
  },
  async run({ flags, out, err, signal }) {
    const { speakers, rounds, seconds, mode } = flags;
    const bar = progress('measuring');
    const report = await measureVoices({
      speakers,
      rounds,
      seconds,
      mode,
      command: ['./hawser', ...process.argv.slice(2)].join(' '),
      signal,
      say,
      onProgress: (done, total) => bar.update(done, total),
    })
      .catch((error: unknown) => {
        throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
      })
      .finally(() => bar.end());
    for (const line of voicesTable(report)) out(line);
    for (const note of notesOnVoices(report)) err(`note: ${note}`);
    const complaints = complaintsAboutVoices(report);
    for (const complaint of complaints) err(complaint);
    if (flags.json) out(JSON.stringify(report));
    return complaints.length === 0 ? 0 : 1;
  },
});
