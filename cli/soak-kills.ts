/** `hawser soak kills`: nothing that was accepted is lost, doubled or out of order, whatever dies when. */
import { randomInt } from 'node:crypto';
import { complaintsAboutKills, killsTable } from '#bench/soak/kills/report.ts';
import { type KillsOptions, measureKills } from '#bench/soak/kills/run.ts';
import { Cluster } from '#homeserver/testing/cluster.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';
import { ensurePostgres } from './setup/postgres.ts';
import { progress, say } from './setup/say.ts';

export const soakKills = command({
  name: 'soak kills',
  summary: 'Kill a homeserver again and again while people write, and look for what got lost',
  usage: '',
  about: [
    'Starts a homeserver on loopback, and applications on the SDK: three people with two devices each, in three conversations.',
    'While they write, the homeserver is killed with SIGKILL at random moments and started again. In the end every message',
    'that was acknowledged must be on every device of the conversation, once, in the order of the homeserver.',
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
    storage: {
      type: 'string',
      value: 'ENGINE',
      default: 'sqlite',
      choices: ['sqlite', 'postgres'],
      summary: 'The database of the homeserver; PostgreSQL itself stays up',
    },
    seed: {
      type: 'integer',
      value: 'N',
      min: 0,
      max: 2 ** 32 - 1,
      summary: 'Who writes what and when something is killed; drawn and told when left out',
    },
    json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
  },
  async run({ flags, out, err, signal }) {
    const { times, victim, storage, json, seed = randomInt(2 ** 32) } = flags;
    const bar = progress('killing');
    await using undo = new AsyncDisposableStack();
    undo.defer(() => bar.end());
    const report = await measureKills({
      ...{ seed, times, victim, signal, say },
      database: storage === 'postgres' ? await freshDatabase(undo) : undefined,
      onProgress: (done, total) => (done < total ? bar.update(done, total) : bar.end()),
    } satisfies KillsOptions).catch((error: unknown) => {
      throw error instanceof Error ? new Problem(error.message, { cause: error }) : error;
    });
    for (const line of killsTable(report)) out(line);
    const complaints = complaintsAboutKills(report);
    for (const complaint of complaints) err(complaint);
    if (json) out(JSON.stringify(report));
    return complaints.length === 0 ? 0 : 1;
  },
});

/** Of a server of its own, which goes in its turn. */
async function freshDatabase(undo: AsyncDisposableStack): Promise<string> {
  const cluster = await Cluster.make(await ensurePostgres());
  undo.defer(() => cluster.remove());
  return (await cluster.database()).url;
}
