/**
 * Queries that run hundreds of times a second. Kysely writes such a query once, and then only its values change: to write one takes as long as
 * SQLite needs to answer it, some 0.15 ms.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Compilable, CompiledQuery, QueryResult } from 'kysely';
import type { Db } from './store.ts';

/** By engine, whose words differ, and by name. */
const known = new WeakMap<object, Map<string, CompiledQuery>>();

/**
 * @param name of the query, with all that its text depends on, for instance how many rows it writes
 * @param values in the order in which they stand in the text
 * @param write writes it with these values
 * @throws Error where `write` has other values: it is not used after the first time
 */
export function planned<R>(
  db: Db,
  name: string,
  values: readonly unknown[],
  write: () => Compilable<R>,
): Promise<QueryResult<R>> {
  const { adapter } = db.getExecutor();
  const ofEngine = known.get(adapter) ?? new Map<string, CompiledQuery>();
  known.set(adapter, ofEngine);
  let plan = ofEngine.get(name);
  if (plan === undefined) {
    plan = write().compile();
    if (!isDeepStrictEqual(plan.parameters, values)) throw new Error(`the query ${name} has other values`);
    ofEngine.set(name, plan);
  }
  return db.executeQuery({ ...plan, parameters: values } as CompiledQuery<R>);
}
