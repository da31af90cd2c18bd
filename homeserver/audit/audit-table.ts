/** The log in the database. Rows are added and read, and never changed or deleted. */
import type { Db } from '../store/store.ts';
import { type AuditLine, BEFORE_ALL, type Counted, type Head, lineBehind } from './chain.ts';

/** Lines in one answer. */
export const LINES_AT_ONCE = 500;

/** In a transaction. @returns the new head */
export async function append(tx: Db, events: readonly Counted[]): Promise<Head> {
  let head = await newest(tx);
  const lines: AuditLine[] = [];
  for (const event of events) {
    const line = lineBehind(head, event);
    lines.push(line);
    head = line;
  }
  if (lines.length > 0) await tx.insertInto('audit').values(lines).execute();
  return { seq: head.seq, hash: head.hash };
}

export async function newest(db: Db): Promise<Head> {
  const row = await db.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return row ?? BEFORE_ALL;
}

/** At most `LINES_AT_ONCE`, those behind a number, in order. */
export function linesBehind(db: Db, after: number): Promise<AuditLine[]> {
  return db.selectFrom('audit').selectAll().where('seq', '>', after).orderBy('seq').limit(LINES_AT_ONCE).execute();
}

/** @param count at most `LINES_AT_ONCE` */
export async function lastLines(db: Db, count: number): Promise<AuditLine[]> {
  const rows = await db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(count).execute();
  return rows.reverse();
}
