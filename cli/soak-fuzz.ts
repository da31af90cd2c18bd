/** `hawser soak fuzz`: whatever a client sends, it is answered with success or a code. */
import { randomInt } from 'node:crypto';
import { complaintsAboutFuzz, fuzzTable } from '#bench/soak/fuzz/report.ts';
import { measureFuzz } from '#bench/soak/fuzz/run.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { progress, say } from './setup/say.ts';
import { freshDatabase, SOAK_FLAGS } from './soak-storage.ts';

export const soakFuzz = command({
  name: 'soak fuzz',
  summary: 'Send a homeserver spoilt inputs, and look for wrong answers',
  usage: '',
  about: [
    'Starts a homeserver on loopback and sends it what a client sends, spoilt: requests to every route, groups, commits and',
    'messages, files, heads of requests, WebSocket frames. The parsers of groups, messages and certificates are given as',
    'much without a server around them. Every answer must be success or a code of the list, in time, and tell nothing of the',
    'inside; the homeserver must not end, nor grow by more than 600 MiB.',
    '',
    'Ctrl-C ends it early, with what was found until then.',
    '',
    'Exit code 1: one of that is not so. Each finding names its batch; with --seed and --batch it is sent again.',
  ],
  flags: {
    inputs: {
      type: 'integer',
      value: 'N',
      default: 100_000,
      min: 1,
      max: 1_000_000_000,
      summary: 'How many inputs; a night is good for some millions',
    },
    batch: { type: 'integer', value: 'N', min: 0, summary: 'Only these hundred inputs of the seed' },
    ...SOAK_FLAGS,
  },
  async run({ flags, out, err, signal }) {
    const { inputs, batch, storage, json, seed = randomInt(2 ** 32) } = flags;
    const bar = progress('sending');
    await using undo = new AsyncDisposableStack();
    undo.defer(() => bar.end());
    const report = await measureFuzz({
      ...{ seed, inputs, batch, signal, say },
      database: await freshDatabase(storage, undo),
      onProgress: (done, total) => (done < total ? bar.update(done, total) : bar.end()),
    }).catch((error: unknown) => {
      throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
    });
    for (const line of fuzzTable(report)) out(line);
    const complaints = complaintsAboutFuzz(report);
    for (const complaint of complaints) err(complaint);
    if (json) out(JSON.stringify(report));
    return complaints.length === 0 ? 0 : 1;
  },
});
