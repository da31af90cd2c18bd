/** For tests: starts one PostgreSQL for all tests of a run that use it, and ends it. See vitest.config.ts. */
import type { TestProject } from 'vitest/node';
import { ensurePostgres } from '#cli/setup/postgres.ts';
import { openStore } from '../store/store.ts';
import { Cluster } from './cluster.ts';
import { command, TEMPLATE } from './database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where databases are made and dropped; absent where tests run on SQLite. */
    postgres?: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await Cluster.make(await ensurePostgres());
  await command(cluster.url('postgres'), `create database ${TEMPLATE}`);
  await (await openStore({ engine: 'postgres', url: cluster.url(TEMPLATE) })).close();
  project.provide('postgres', cluster.url('postgres'));
  return () => cluster.remove();
}
