/** For tests: databases of a PostgreSQL that runs, made and dropped. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A database of the newest schema, to copy: that takes a quarter of the time of all migrations. */
export const TEMPLATE = 'hawser_template';

/**
 * @param admin of a database of the same server
 * @param template the one to copy; an empty one when left out
 */
export async function makeDatabase(admin: string, template = 'template1'): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await command(admin, `create database ${name} template ${template}`);
  return {
    url: admin.replace('/postgres?', `/${name}?`),
    drop: () => command(admin, `drop database if exists ${name} with (force)`),
  };
}

/** Databases that were emptied, for the next test of the same file: making one takes ten times as long. */
const kept: TestDatabase[] = [];

/** A database of the newest schema. Dropping it empties it; it goes with the server in the end. */
export async function borrowDatabase(admin: string): Promise<TestDatabase> {
  const used = kept.pop();
  if (used) return used;
  const { url } = await makeDatabase(admin, TEMPLATE);
  const database: TestDatabase = {
    url,
    async drop() {
      await empty(url);
      kept.push(database);
    },
  };
  return database;
}

function empty(url: string): Promise<void> {
  return command(
    url,
    `do $$ begin execute (
       select 'truncate ' || string_agg(format('%I', tablename), ', ') || ' restart identity' from pg_tables
       where schemaname = current_schema() and tablename not like 'kysely%'
     ); end $$`,
  );
}

export async function command(url: string, text: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
