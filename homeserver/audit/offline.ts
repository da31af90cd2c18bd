/** The log of a homeserver that is not running. */
import type { Site } from '#site/schema.ts';
import { placeOf } from '../store/place.ts';
import { openStore } from '../store/store.ts';
import { lastLines, linesBehind } from './audit-table.ts';
import type { AuditLine } from './chain.ts';

export interface ReadableLog extends AsyncDisposable {
  /** Some at a time, those behind a number, until there are none. */
  behind(after: number): Promise<readonly AuditLine[]>;
  last(count: number): Promise<readonly AuditLine[]>;
}

/** @throws StoreError where there is no database, or a server has it */
export async function openLog(site: Site): Promise<ReadableLog> {
  const store = await openStore(await placeOf(site));
  return {
    behind: (after) => linesBehind(store.db, after),
    last: (count) => lastLines(store.db, count),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
