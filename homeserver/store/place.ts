/** Where the database of a homeserver is: a file of SQLite in its folder, or a PostgreSQL database that the site names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Site } from '#site/schema.ts';
import { StoreError } from './faults.ts';

export type Place =
  | {
      readonly engine: 'sqlite';
      /** A file, made where it does not exist, or `:memory:`. */
      readonly path: string;
    }
  | {
      readonly engine: 'postgres';
      /** One in which `wrongDatabase` finds nothing wrong. */
      readonly url: string;
      readonly password?: string;
    };

export const DATABASE_FILE = 'homeserver.sqlite';

/** @throws StoreError where the file of the password holds none */
export async function placeOf({ data, homeserver }: Pick<Site, 'data' | 'homeserver'>): Promise<Place> {
  const { database, databasePasswordFile } = homeserver;
  if (database === undefined) return { engine: 'sqlite', path: join(data, DATABASE_FILE) };
  if (databasePasswordFile === undefined) return { engine: 'postgres', url: database };
  // Editors end a file with a line break, which is part of no password.
  const password = (await readFile(databasePasswordFile, 'utf8')).replace(/\r?\n$/, '');
  if (password === '')
    throw new StoreError(`${databasePasswordFile} is empty. Write the password of the database in it.`);
  return { engine: 'postgres', url: database, password };
}
