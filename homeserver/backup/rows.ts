/**
 * All rows of all tables from one database into another of the same schema, whichever engines they are on. Numbers, texts and
 * bytes are the same on both, so nothing is lost on the way.
 */
import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** Tables that nothing but their names is known of. */
export type AnyTables = Record<string, Record<string, unknown>>;
export type AnyDb = Kysely<AnyTables>;

/** Rows fetched from a cursor at once, and parameters of one insertion: SQLite takes 32,766. */
const ROWS = 500;
const PARAMETERS = 30_000;

/** A table, and the column that the database counts itself where there is one. */
export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly counted: string | undefined;
}

/** @param db on SQLite */
export async function tablesOf(db: AnyDb): Promise<Table[]> {
  const tables = await db.introspection.getTables();
  return tables
    .filter(({ isView }) => !isView)
    .map(({ name, columns }) => ({
      name,
      columns: columns.map((column) => column.name),
      counted: columns.find(({ isAutoIncrementing }) => isAutoIncrementing)?.name,
    }));
}

/**
 * @param from in a transaction, where others may write at the same time
 * @param to in a transaction that checks foreign keys at its end; its tables are empty
 * @param onRows told after each portion how many rows it had
 */
export async function copyRows(
  from: AnyDb,
  to: AnyDb,
  tables: readonly Table[],
  onRows: (count: number) => void = () => undefined,
): Promise<void> {
  for (const table of tables) {
    const portion = Math.min(ROWS, Math.floor(PARAMETERS / table.columns.length));
    for await (const rows of portions(from, table, portion)) {
      await to.insertInto(table.name).values(rows).execute();
      onRows(rows.length);
    }
    if (table.counted !== undefined)
      await writeCount(to, table.name, table.counted, await readCount(from, table.name, table.counted));
  }
}

export async function countRows(db: AnyDb, tables: readonly Table[]): Promise<number> {
  let sum = 0;
  for (const { name } of tables) {
    const { n } = await db
      .selectFrom(name)
      .select((e) => e.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    sum += n;
  }
  return sum;
}

async function* portions(db: AnyDb, { name, columns }: Table, size: number): AsyncGenerator<Record<string, unknown>[]> {
  if (isPostgres(db)) {
    await sql`declare portions no scroll cursor for select ${sql.join(columns.map((column) => sql.ref(column)))} from ${sql.table(name)}`.execute(
      db,
    );
    for (;;) {
      const { rows } = await sql<Record<string, unknown>>`fetch ${sql.lit(size)} from portions`.execute(db);
      if (rows.length === 0) break;
      yield rows;
    }
    await sql`close portions`.execute(db);
    return;
  }
  let rows: Record<string, unknown>[] = [];
  for await (const row of db
    .selectFrom(name)
    .select([...columns])
    .stream()) {
    rows.push(row);
    if (rows.length < size) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

/** The last number that a table gave itself, 0 before the first: a number of a row that is gone must not come again. */
async function readCount(db: AnyDb, table: string, column: string): Promise<number> {
  if (!isPostgres(db)) {
    const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = ${table}`.execute(db);
    return rows[0]?.seq ?? 0;
  }
  const { rows } = await sql<{ last_value: number; is_called: boolean }>`
    select last_value, is_called from ${sql.raw(await sequenceOf(db, table, column))}`.execute(db);
  const [row] = rows;
  return row?.is_called === true ? row.last_value : 0;
}

async function writeCount(db: AnyDb, table: string, column: string, count: number): Promise<void> {
  if (!isPostgres(db)) {
    await sql`delete from sqlite_sequence where name = ${table}`.execute(db);
    if (count > 0) await sql`insert into sqlite_sequence (name, seq) values (${table}, ${count})`.execute(db);
    return;
  }
  const sequence = await sequenceOf(db, table, column);
  await sql`select setval(${sequence}, ${sql.lit(Math.max(count, 1))}, ${sql.lit(count > 0)})`.execute(db);
}

/** Its name as PostgreSQL writes it, quoted where that is needed. */
async function sequenceOf(db: AnyDb, table: string, column: string): Promise<string> {
  const { rows } = await sql<{
    name: string | null;
  }>`select pg_get_serial_sequence(${table}, ${column}) as name`.execute(db);
  const name = rows[0]?.name;
  if (!name) throw new Error(`${table}.${column} counts nothing`);
  return name;
}

export function isPostgres(db: AnyDb): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}
