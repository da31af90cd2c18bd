/** For tests: rows for every table of a version of the schema, made from what the database says of its columns. */
import { Kysely, sql } from 'kysely';
import { type AnyDb, type AnyTables, type Table, tablesOf } from '../backup/rows.ts';
import { migrate } from '../store/migrate.ts';
import { sqliteDialect } from '../store/sqlite.ts';

export interface SampleRows {
  /** Those that others refer to first. */
  readonly tables: readonly Table[];
  /** Two for each table, different in every column, with references that hold. */
  readonly rows: ReadonlyMap<string, Record<string, unknown>[]>;
}

/** For columns that take only some values: `'table.column': [first, second]`. */
const VALUES: Readonly<Record<string, readonly [unknown, unknown]>> = {};

interface Column {
  readonly name: string;
  readonly type: string;
}

interface Reference {
  readonly from: string;
  readonly table: string;
  readonly to: string | null;
}

export async function sampleRows(version: string): Promise<SampleRows> {
  await using db = new Kysely<AnyTables>({ dialect: sqliteDialect(':memory:') });
  await migrate(db, version);
  const rows = new Map<string, Record<string, unknown>[]>();
  const left = new Map((await tablesOf(db)).map((table) => [table.name, table]));
  const tables: Table[] = [];
  while (left.size > 0) {
    const before = left.size;
    for (const table of left.values()) {
      const references = await all<Reference>(db, `pragma_foreign_key_list('${table.name}')`);
      if (references.some((each) => each.table !== table.name && left.has(each.table))) continue;
      rows.set(table.name, await make(db, table, references, rows));
      tables.push(table);
      left.delete(table.name);
    }
    if (left.size === before) throw new Error(`tables that refer to each other: ${[...left.keys()].join(', ')}`);
  }
  return { tables, rows };
}

async function make(
  db: AnyDb,
  table: Table,
  references: readonly Reference[],
  rows: ReadonlyMap<string, Record<string, unknown>[]>,
): Promise<Record<string, unknown>[]> {
  const columns = await all<Column>(db, `pragma_table_info('${table.name}')`);
  return [0, 1].map((i) =>
    Object.fromEntries(
      columns.map(({ name, type }, at) => {
        const given = VALUES[`${table.name}.${name}`]?.[i];
        const reference = references.find(({ from }) => from === name);
        const target = reference && rows.get(reference.table)?.[i];
        const referred =
          reference && target ? Object.entries(target).find(([key]) => key === (reference.to ?? key)) : undefined;
        return [
          name,
          given ?? referred?.[1] ?? (reference ? null : sampleOf(type, `${table.name}.${name}`, 10 * at + i)),
        ];
      }),
    ),
  );
}

function sampleOf(type: string, name: string, number: number): unknown {
  switch (type.toLowerCase()) {
    case 'text':
      return `${name} ${number} é 🚢`;
    case 'integer':
      return number + 1;
    case 'bigint':
      return 1_800_000_000_000 + number;
    case 'blob':
      return Uint8Array.from([0, 255, number]);
    default:
      throw new Error(`${name} has a type that is not alike on both engines: ${type}`);
  }
}

async function all<T>(db: AnyDb, from: string): Promise<T[]> {
  return (await sql<T>`select * from ${sql.raw(from)}`.execute(db)).rows;
}
