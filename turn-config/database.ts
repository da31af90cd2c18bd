/** Writes the secrets into the database in which coturn looks for them, where they are in effect at once. */
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/**
 * The same for another machine: SQL for the program `sqlite3`, to be handed over a pipe, since arguments of programs are seen by
 * everybody there.
 */
export function secretsSql(realm: string, secrets: readonly string[]): string {
  const rows = secrets.map((secret) => `(${quoted(realm)},${quoted(secret)})`);
  return [
    'begin immediate;',
    `delete from turn_secret where realm = ${quoted(realm)};`,
    `insert into turn_secret (realm, value) values ${rows.join(',')};`,
    'commit;',
    '',
  ].join('\n');
}

/** @param file that must be there: an empty database beside the one that coturn reads would be a success that is none */
export function writeSecrets(file: string, realm: string, secrets: readonly string[]): void {
  const database = new DatabaseSync(`${pathToFileURL(file).href}?mode=rw`, { timeout: 5_000 });
  try {
    // One in which there is nothing at all is new, and nobody else's. coturn itself makes its table so (schema.sql).
    if (database.prepare('select count(*) as tables from sqlite_master').get()?.tables === 0) {
      database.exec(
        "create table turn_secret (realm varchar(127) default '', value varchar(256), primary key (realm,value))",
      );
    }
    database.exec(secretsSql(realm, secrets));
  } finally {
    database.close();
  }
}

/** Secrets are printable ASCII without spaces; a quote is doubled all the same. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
