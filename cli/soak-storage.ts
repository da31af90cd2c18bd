/** On which database a homeserver is soaked. */
import { Cluster } from '#homeserver/testing/cluster.ts';
import { ensurePostgres } from './setup/postgres.ts';

/** The flags that each `soak` has. */
export const SOAK_FLAGS = {
  storage: {
    type: 'string',
    value: 'ENGINE',
    default: 'sqlite',
    choices: ['sqlite', 'postgres'],
    summary: 'The database of the homeserver',
  },
  seed: {
    type: 'integer',
    value: 'N',
    min: 0,
    max: 2 ** 32 - 1,
    summary: 'What happens when; drawn and told when left out',
  },
  json: { type: 'boolean', summary: 'End with one JSON object on the last line' },
} as const;

/** URL of an empty database of a PostgreSQL of its own, which goes in its turn; undefined for SQLite. */
export async function freshDatabase(
  storage: 'sqlite' | 'postgres',
  undo: AsyncDisposableStack,
): Promise<string | undefined> {
  return (await freshDatabases(storage, undo))?.();
}

/** Makes one more such database with each call; undefined for SQLite. */
export async function freshDatabases(
  storage: 'sqlite' | 'postgres',
  undo: AsyncDisposableStack,
): Promise<(() => Promise<string>) | undefined> {
  if (storage === 'sqlite') return undefined;
  const cluster = await Cluster.make(await ensurePostgres());
  undo.defer(() => cluster.remove());
  return async () => (await cluster.database()).url;
}
