/** `hawser soak kills`: nothing that was accepted is lost, doubled or out of order, whatever dies when. */
import { randomInt } from 'node:crypto';
import { complaintsAboutKills, killsTable } from '#bench/soak/kills/report.ts';
import { measureKills } from '#bench/soak/kills/run.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { progress, say } from './setup/say.ts';
import { freshDatabase, SOAK_FLAGS } from './soak-storage.ts';

export const soakKills = command({
  name: 'soak kills',
  summary: 'Kill a homeserver while people write, and look for what got lost',
  usage: '',
  about: [
    'Starts a homeserver on loopback, and applications on the SDK: three people with two devices each, in three conversations.',
    'While they write, the homeserver is killed with SIGKILL at random moments and started again. In the end every message',
    'that was acknowledged must be on every device of the conversation, once, in the order of the homeserver.',
    'PostgreSQL, where it is the storage, stays up.',
    '',
    'Exit code 1: a message is lost, there twice, out of order, unreadable, stuck, or delivered and not accepted.',
  ],
  flags: {
    times: { type: 'integer', value: 'N', default: 100, min: 1, max: 10_000, summary: 'How often something is killed' },
    victim: {
      type: 'string',
      value: 'WHO',
      default: 'server',
      choices: ['server', 'client'],
      summary: 'What is killed: the homeserver, or applications, which come back from their vaults',
    },
    ...SOAK_FLAGS,
  },
  async run({ flags, out, err, signal }) {
    const { times, victim, storage, json, seed = randomInt(2 ** 32) } = flags;
    const bar = progress('killing');
    await using undo = new AsyncDisposableStack();
    undo.defer(() => bar.end());
    const report = await measureKills({
      ...{ seed, times, victim, signal, say },
      database: await freshDatabase(storage, undo),
      onProgress: (done, total) => (done < total ? bar.update(done, total) : bar.end()),
    }).catch((error: unknown) => {
      throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
    });
    for (const line of killsTable(report)) out(line);
    const complaints = complaintsAboutKills(report);
    for (const complaint of complaints) err(complaint);
    if (json) out(JSON.stringify(report));
    return complaints.length === 0 ? 0 : 1;
  },
});
