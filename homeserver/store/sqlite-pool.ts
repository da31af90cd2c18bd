/** Connections to one file of SQLite, opened as they are needed, each for one query or one transaction at a time. */
import { type DatabaseConnection, type SqliteDatabase, SqliteDriver } from 'kysely';

export class SqlitePool extends SqliteDriver {
  readonly #most: number;
  readonly #open: () => SqliteDatabase;
  readonly #drivers: SqliteDriver[] = [];
  readonly #idle: DatabaseConnection[] = [];
  readonly #waiting: ((connection: DatabaseConnection) => void)[] = [];

  /** @param most connections at the same time; whoever comes when all are taken waits, in order */
  constructor(most: number, open: () => SqliteDatabase) {
    super({ database: async () => open() });
    this.#most = most;
    this.#open = open;
  }

  /** Opens the first one, so that a file that cannot be used is found at the start. */
  override async init(): Promise<void> {
    if (this.#drivers.length === 0) this.#idle.push(await this.#connect());
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#drivers.length < this.#most) return this.#connect();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  override async releaseConnection(connection?: DatabaseConnection): Promise<void> {
    if (!connection) return;
    const next = this.#waiting.shift();
    if (next) next(connection);
    else this.#idle.push(connection);
  }

  override async destroy(): Promise<void> {
    for (const driver of this.#drivers.splice(0)) await driver.destroy();
  }

  async #connect(): Promise<DatabaseConnection> {
    // One driver of Kysely's holds one connection. What begins and ends a transaction asks the connection alone.
    const driver = new SqliteDriver({ database: this.#open() });
    this.#drivers.push(driver);
    await driver.init();
    return driver.acquireConnection();
  }
}
