/**
 * For tests: a PostgreSQL server of their own on a socket in a temporary folder. It ends, and its folder goes, with whoever
 * started it, also when that is killed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chown, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import pg from 'pg';
import { postgresEnvironment, unpackedRoot } from '#cli/setup/postgres.ts';
import { until } from '#signalling/testing.ts';
import { makeDatabase, type TestDatabase } from './database.ts';

/** The user "nobody" of every Debian: PostgreSQL refuses to run as root. */
const NOBODY = 65_534;
const USER = 'hawser';
const START_MS = 10_000;

const SETTINGS = {
  listen_addresses: '',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_connections: '200',
  shared_buffers: '64MB',
  autovacuum: 'off',
  jit: 'off',
};

/** Durability costs a test time and gives it nothing: what a crash of the machine leaves is thrown away. */
const CARELESS = { fsync: 'off', full_page_writes: 'off' };

/**
 * Started as a session of its own, so that Ctrl-C does not reach the server before the tests. It waits for the end of its
 * input, which comes when the tests close it or die; the word "keep" before it leaves the folder.
 */
const KEEPER = `
programs=$1 folder=$2; shift 2
"$programs/postgres" -D "$folder/data" "$@" >>"$folder/log" 2>&1 &
server=$!
read -r word
kill -QUIT $server 2>/dev/null
wait $server
[ "$word" = keep ] || rm -rf "$folder"
`;

export class Cluster {
  readonly #folder: string;
  readonly #programs: string;
  readonly #settings: Readonly<Record<string, string>>;
  #keeper: ChildProcess | undefined;

  private constructor(folder: string, programs: string, settings: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#programs = programs;
    this.#settings = settings;
  }

  /**
   * @param programs folder of `initdb` and `postgres`
   * @param options whether what it says to be on disk is there, as in the real life; not when left out
   */
  static async make(programs: string, { isDurable = false } = {}): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-postgres-'));
    const settings = isDurable ? SETTINGS : { ...SETTINGS, ...CARELESS };
    const cluster = new Cluster(folder, await reachable(programs, folder), settings);
    try {
      if (isRoot()) await chown(folder, NOBODY, NOBODY);
      const args = ['-D', join(folder, 'data'), '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
      await promisify(execFile)(join(cluster.#programs, 'initdb'), args, cluster.#options());
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  /** Of a database of this server. */
  url(database: string): string {
    return `postgresql://${USER}@/${database}?host=${this.#folder}`;
  }

  async start(): Promise<void> {
    const settings = { ...this.#settings, unix_socket_directories: this.#folder };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#keeper = spawn('/bin/sh', ['-c', KEEPER, 'sh', this.#programs, this.#folder, ...flags], {
      ...this.#options(),
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#keeper.stdin?.on('error', () => undefined);
    await until(() => this.#answers(), 'PostgreSQL answers', START_MS).catch(async (error) => {
      const log = await readFile(join(this.#folder, 'log'), 'utf8').catch(() => '');
      throw new Error(`PostgreSQL does not start:\n${log.split('\n').slice(-20).join('\n')}`, { cause: error });
    });
  }

  /** As when the machine of the database loses power; what is in it stays. */
  stop(): Promise<void> {
    return this.#end('keep\n');
  }

  async remove(): Promise<void> {
    await this.#end('');
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Makes an empty database. */
  async database(): Promise<TestDatabase> {
    return makeDatabase(this.url('postgres'));
  }

  async #end(word: string): Promise<void> {
    const keeper = this.#keeper;
    this.#keeper = undefined;
    if (!keeper || keeper.exitCode !== null) return;
    const ended = new Promise((resolve) => keeper.once('exit', resolve));
    keeper.stdin?.end(word);
    await ended;
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client(this.url('postgres'));
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #options() {
    const env = { ...process.env, ...postgresEnvironment(this.#programs), LC_ALL: 'C', PGTZ: 'UTC' };
    return { env, cwd: this.#folder, ...(isRoot() && { uid: NOBODY, gid: NOBODY }) };
  }
}

/** Nobody cannot look into root's cache. */
async function reachable(programs: string, folder: string): Promise<string> {
  const root = unpackedRoot(programs);
  if (root === undefined || !isRoot()) return programs;
  const copy = join(folder, 'programs');
  await cp(root, copy, { recursive: true, verbatimSymlinks: true });
  return programs.replace(root, copy);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
