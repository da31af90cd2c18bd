import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleSite } from '#site/sample.ts';
import { acceptedSecrets, parseSecrets } from '#turn-config/secrets.ts';
import type { Command } from '../command.ts';
import { turnCheck, turnRender, turnRotate, turnSecrets } from '../turn.ts';

const HOUR_MS = 3_600_000;
/** As Debian's package of coturn makes it. */
const TABLE = 'create table turn_secret (realm varchar(127), value varchar(256), primary key (realm, value));';
const TURN = 'turn:\n  hosts: [{ name: turn.alpha.example, listenIp: 203.0.113.8 }]\n  secrets: secrets/turn\n';
const TWO = TURN.replace('}]', '}, { name: turn2.alpha.example, listenIp: 203.0.113.9 }]');

let folder: string;
let config: string;
let secrets: string;
let out: string[];
/** Everything that was printed in a test, but for the SQL. */
let shown: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  [config, secrets] = [join(folder, 'hawser.yaml'), join(folder, 'secrets', 'turn')];
  shown = [];
  await mkdir(join(folder, 'secrets'));
  await site(TURN);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const site = (turn: string) => writeFile(config, sampleSite().replace(/^#turn:[\s\S]*/m, turn));

async function run(command: Command, ...argv: string[]): Promise<number> {
  out = [];
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => shown.push(line),
    signal: new AbortController().signal,
  };
  const code = await command.execute([...argv, '--config', config], terminal);
  shown.push(...out);
  return code;
}

/** The sentence with which it ends. */
async function refusal(command: Command, ...argv: string[]): Promise<string> {
  const error: unknown = await run(command, ...argv).catch((thrown: unknown) => thrown);
  if (!(error instanceof Error)) throw new Error(`${argv.join(' ')} was not refused`);
  shown.push(error.message);
  return error.message;
}

const held = async () => parseSecrets(await readFile(secrets, 'utf8'));

describe('turn render', () => {
  it('prints the configuration, or writes it where every user may read it', async () => {
    expect(await run(turnRender)).toBe(0);
    const [printed] = out;
    expect(printed).toContain('\nlistening-ip=203.0.113.8\n');
    const file = join(folder, 'turnserver.conf');
    expect(await run(turnRender, '--out', file)).toBe(0);
    expect(out).toEqual([
      `${file} is the configuration of turn.alpha.example. Restart coturn with it: systemctl restart coturn`,
    ]);
    expect(await readFile(file, 'utf8')).toBe(`${printed}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  });

  it('asks which host where there are several', async () => {
    await site(TWO);
    const names = 'turn.alpha.example, turn2.alpha.example';
    expect(await refusal(turnRender)).toBe(`Which host? Give --host, one of ${names}.`);
    expect(await refusal(turnRender, '--host', 'turn3.alpha.example')).toBe(
      `turn3.alpha.example is none of turn.hosts: ${names}.`,
    );
    await run(turnRender, '--host', 'turn2.alpha.example');
    expect(out.join()).toContain('relay-ip=203.0.113.9\n');
  });

  it('says where it cannot write, and that there is nothing to render', async () => {
    const nowhere = join(folder, 'nowhere', 'turnserver.conf');
    expect(await refusal(turnRender, '--out', nowhere)).toBe(`${nowhere} cannot be written (ENOENT).`);
    await site('');
    expect(await refusal(turnRender)).toBe(`${config} has no section turn. See docs/guides/turn.md.`);
  });
});

describe('turn check', () => {
  let file: string;
  beforeEach(async () => {
    file = join(folder, 'turnserver.conf');
    await run(turnRender, '--out', file);
  });

  it('is content with what was rendered', async () => {
    expect(await run(turnCheck, file)).toBe(0);
    expect(out).toEqual([`${file} is what the site asks for.`]);
    expect(await run(turnCheck, file, '--json')).toBe(0);
    expect(JSON.parse(out.join())).toEqual({ ok: true, findings: [] });
  });

  it('names the line that is wrong, what to write there, and the one that is missing, with exit code 1', async () => {
    const text = (await readFile(file, 'utf8')).replace('user-quota=12', 'user-quota=0').replace('no-cli\n', '');
    await writeFile(file, text);
    const line = text.split('\n').indexOf('user-quota=0') + 1;
    expect(await run(turnCheck, file)).toBe(1);
    expect(out).toEqual([
      `${file}: no-cli is missing. Write no-cli: No console on the network.`,
      `${file}:${line}: user-quota=0 stands there. Write user-quota=12: Allocations of one device at once.`,
      `Correct ${file}, or make it anew with hawser turn render, and restart coturn.`,
    ]);
    expect(await run(turnCheck, file, '--json')).toBe(1);
    expect(JSON.parse(out.join())).toMatchObject({
      ok: false,
      findings: [{ severity: 'wrong' }, { line, severity: 'wrong' }],
    });
  });

  it('only names what it does not know, and shows no secret', async () => {
    await writeFile(file, `${await readFile(file, 'utf8')}proc-user=turnserver\n`);
    expect(await run(turnCheck, file)).toBe(0);
    expect(out).toEqual([
      expect.stringMatching(/: proc-user=turnserver is not asked for\. Take the line out, if you do not know/),
      `${file} has what the site asks for, and 1 line more.`,
    ]);
    await writeFile(file, `${await readFile(file, 'utf8')}static-auth-secret=opensesame\n`);
    expect(await run(turnCheck, file)).toBe(1);
    expect(out.join()).not.toContain('opensesame');
  });

  it('says that there is no such file', async () => {
    expect(await refusal(turnCheck, join(folder, 'none'))).toBe(`There is no file ${join(folder, 'none')}.`);
    expect(await refusal(turnCheck, folder)).toBe(`${folder} cannot be read (EISDIR).`);
  });
});

describe('turn secrets', () => {
  let database: string;
  beforeEach(async () => {
    // A name that means something in the URL of a database.
    database = join(folder, 'turn?db #1');
    await run(turnRotate);
  });

  const make = (sql = TABLE) => {
    using tables = new DatabaseSync(database);
    tables.exec(sql);
  };
  const rows = () => {
    using tables = new DatabaseSync(database);
    return tables.prepare('select realm, value from turn_secret order by rowid').all();
  };
  const mine = async () => acceptedSecrets(await held()).map((value) => ({ realm: 'alpha.example', value }));

  it('writes them into the database of coturn, in place of the old ones, and leaves other realms alone', async () => {
    const other = { realm: 'other.example', value: 'theirs' };
    make(`${TABLE} insert into turn_secret values ('alpha.example', 'former'), ('other.example', 'theirs');`);
    expect(await run(turnSecrets, '--database', database)).toBe(0);
    expect(out).toEqual([`${database} has the secret of alpha.example. coturn takes it over at once.`]);
    expect(rows()).toEqual([other, ...(await mine())]);
    await run(turnRotate);
    await run(turnSecrets, '--database', database);
    expect(out).toEqual([`${database} has 2 secrets of alpha.example. coturn takes it over at once.`]);
    expect(rows()).toEqual([other, ...(await mine())]);
  });

  it('prints SQL for a pipe that does the same', async () => {
    make();
    expect(await run(turnSecrets)).toBe(0);
    shown = []; // the one output that holds them
    using tables = new DatabaseSync(database);
    tables.exec(out.join('\n'));
    expect(rows()).toEqual(await mine());
  });

  it('shows nothing on a terminal', async () => {
    const before = Object.getOwnPropertyDescriptor(process.stdout, 'isTTY');
    Object.defineProperty(process.stdout, 'isTTY', { value: true, configurable: true });
    try {
      expect(await refusal(turnSecrets)).toBe(
        'turn secrets does not show secrets on a terminal: give --database FILE, or pipe it to sqlite3.',
      );
    } finally {
      if (before) Object.defineProperty(process.stdout, 'isTTY', before);
      else Reflect.deleteProperty(process.stdout, 'isTTY');
    }
  });

  it('makes no database where there is none', async () => {
    expect(await refusal(turnSecrets, '--database', database)).toMatch(
      /is no database of coturn that can be written \(unable to open database file\)\.$/,
    );
    expect(await readdir(folder)).not.toContain('turn?db #1');
    expect(await readdir(folder)).not.toContain('turn');
  });

  it('changes no file that is another one', async () => {
    await writeFile(
      database,
      'a letter to somebody, which is longer than the head of a database is, by far\n'.repeat(9),
    );
    const before = await readFile(database, 'utf8');
    expect(await refusal(turnSecrets, '--database', database)).toContain('(file is not a database).');
    expect(await readFile(database, 'utf8')).toBe(before);
    await rm(database);
    make('create table notes (text);');
    expect(await refusal(turnSecrets, '--database', database)).toContain('(no such table: turn_secret).');
  });

  afterEach(noSecretShown);
});

describe('turn rotate', () => {
  it('goes from one secret to the next in three steps, with both accepted between', async () => {
    expect(await run(turnRotate)).toBe(0);
    expect(out).toEqual([`${secrets} is changed. Tell each TURN host now: hawser turn secrets --help`]);
    expect((await stat(secrets)).mode & 0o777).toBe(0o600);
    const { current: first } = await held();
    expect(await held()).toEqual({ current: first });

    await run(turnRotate);
    expect(out.at(-1)).toBe('After that: hawser turn rotate --use');
    const { next = '' } = await held();
    expect(await held()).toEqual({ current: first, next });
    expect(next).not.toBe(first);

    await run(turnRotate, '--use', '--force');
    expect(out).toEqual([
      'The homeserver signs with the new secret from now on. In two hours: hawser turn rotate --forget',
    ]);
    expect(await held()).toEqual({ current: next, old: first });

    await run(turnRotate, '--forget', '--force');
    expect(out).toEqual([`${secrets} is changed. Tell each TURN host now: hawser turn secrets --help`]);
    expect(await held()).toEqual({ current: next });
    expect(await readdir(join(folder, 'secrets'))).toEqual(['turn']);
  });

  it('keeps an old secret for as long as a credential of it may be in use', async () => {
    for (const flags of [[], [], ['--use', '--force']]) await run(turnRotate, ...flags);
    expect(await refusal(turnRotate, '--forget')).toBe(
      'Credentials of the old secret are good for 120 more minutes. Wait, or use --force: then clients that join by TURN are refused until they ask again.',
    );
    const later = new Date(Date.now() - 2 * HOUR_MS - 1_000);
    await utimes(secrets, later, later);
    await run(turnRotate, '--forget');
    expect((await held()).old).toBeUndefined();
  });

  it('does not sign with what a TURN host could not be asked about', async () => {
    // A name that is longer than DNS allows: nobody is asked for it.
    const name = `${'a'.repeat(64)}.alpha.example`;
    await site(TURN.replace('turn.alpha.example', name));
    for (const flags of [[], []]) await run(turnRotate, ...flags);
    const before = await held();
    const sentence = await refusal(turnRotate, '--use');
    expect(sentence).toMatch(/ could not be asked: .+\. Nothing was changed\. Mend that, or do not look: --force$/);
    expect(await held()).toEqual(before);
  });

  it('says which step is next where this one is not', async () => {
    const none = `There is no file ${secrets}. Make a secret: hawser turn rotate`;
    expect(await refusal(turnRotate, '--use')).toBe(none);
    expect(await refusal(turnRotate, '--forget')).toBe(none);
    expect(await refusal(turnSecrets)).toBe(none);
    expect(await refusal(turnRotate, '--use', '--forget')).toBe(
      'turn rotate --use and --forget are two steps: coturn needs to be told between.',
    );
    await run(turnRotate);
    expect(await refusal(turnRotate, '--use')).toBe('There is no new secret. Make one: hawser turn rotate');
    expect(await refusal(turnRotate, '--forget')).toBe('There is no old secret.');
    await run(turnRotate);
    expect(await refusal(turnRotate)).toBe('There is a new secret already. Go on with hawser turn rotate --use');
    await run(turnRotate, '--use', '--force');
    expect(await refusal(turnRotate)).toBe('There is still an old secret. Drop it first: hawser turn rotate --forget');
  });

  it('keeps the mode and the owner that somebody gave the file, for the homeserver to read it', async () => {
    await run(turnRotate);
    await chmod(secrets, 0o640);
    // Only root may give a file away.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(secrets, 4_242, 4_243);
    await run(turnRotate);
    const { mode, uid, gid } = await stat(secrets);
    expect(mode & 0o777).toBe(0o640);
    if (isRoot) expect([uid, gid]).toEqual([4_242, 4_243]);
  });

  it('says what is wrong with the file, and where it cannot be', async () => {
    await writeFile(secrets, 'short\n', { mode: 0o600 });
    expect(await refusal(turnRotate)).toBe(
      `${secrets}: Each line must be a secret of 22 to 200 characters without spaces, alone or behind next or old. hawser turn rotate makes a right one where there is none.`,
    );
    expect(await readFile(secrets, 'utf8')).toBe('short\n');
    await rm(join(folder, 'secrets'), { recursive: true });
    expect(await refusal(turnRotate)).toBe(`${secrets} cannot be written: its folder is not there.`);
  });

  afterEach(noSecretShown);
});

/** Whatever a test printed, but SQL, holds none of the secrets that there are at its end. */
async function noSecretShown(): Promise<void> {
  const text = await readFile(secrets, 'utf8').catch(() => '');
  for (const secret of text.split(/\s+/).filter((word) => word.length > 20)) {
    expect(shown.join('\n')).not.toContain(secret);
  }
}
