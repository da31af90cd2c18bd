import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ordinal } from './record-key.ts';
import { FileVault, type FileVaultOptions } from './sqlite.ts';
import { CHEAP, PASSPHRASE } from './testing/written.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-file-'));
  path = join(folder, 'below', 'vault');
});

afterEach(() => rm(folder, { recursive: true }));

/** Closed after the test, unless the test has done so. */
async function open(options: Partial<FileVaultOptions> = {}): Promise<FileVault> {
  const vault = await FileVault.open({ path, passphrase: PASSPHRASE, ifMissing: 'create', cost: CHEAP, ...options });
  onTestFinished(() => vault.close());
  return vault;
}

const code = (expected: string) => ({ code: expected });
const value = Uint8Array.of(1, 2, 3);

/** Changes the file behind the vault's back. */
function tamper(change: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(path);
  change(database);
  database.close();
}

describe('the file', () => {
  it('is readable by its owner only, its journal too, also where it was copied carelessly', async () => {
    const vault = await open();
    await vault.write(new Map([['a', value]]));
    const files = await readdir(join(folder, 'below'));
    expect(files.sort()).toEqual(['vault', 'vault-wal']);
    for (const file of files) expect((await stat(join(folder, 'below', file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'below'))).mode & 0o777).toBe(0o700);
    await vault.close();
    await chmod(path, 0o644);
    await open();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('shows kinds and numbers, and no id, value or passphrase', async () => {
    const vault = await open();
    const secret = 'tell nobody';
    const key = `message/mimi://beta.example/r/abcdefghijklmnop/${ordinal(1234567)}/mimi:x`;
    await vault.write(new Map([[key, Buffer.from(secret)]]));
    const bytes = (await readFile(path)).toString('latin1') + (await readFile(`${path}-wal`)).toString('latin1');
    expect(bytes).toContain('message/~');
    expect(bytes).toContain(ordinal(1234567));
    for (const hidden of [secret, 'beta.example', 'abcdefghijklmnop', 'mimi', PASSPHRASE]) {
      expect(bytes, hidden).not.toContain(hidden);
    }
    expect(Buffer.from((await vault.get(key)) ?? [])).toEqual(Buffer.from(secret));
  });

  it('is told to be missing where it must not be, also when nothing was laid out in it', async () => {
    await expect(open({ ifMissing: 'refuse' })).rejects.toMatchObject(code('VAULT_GONE'));
    const vault = await open();
    await vault.close();
    await writeFile(path, '');
    await expect(open({ ifMissing: 'refuse' })).rejects.toMatchObject(code('VAULT_GONE'));
    await open();
  });

  it('is not touched where it is none of ours', async () => {
    await (await open()).close();
    await writeFile(path, 'a letter, by no means a database, and long enough to be taken for one '.repeat(100));
    await expect(open()).rejects.toMatchObject(code('VAULT_DAMAGED'));
    await rm(path);
    tamper((database) => database.exec('CREATE TABLE other (x)'));
    const before = await readFile(path);
    await expect(open()).rejects.toMatchObject({ code: 'VAULT_DAMAGED', detail: 'the file is not a vault' });
    expect((await readFile(path)).subarray(100)).toEqual(before.subarray(100));
  });

  it('is left alone by an older version', async () => {
    await (await open()).close();
    tamper((database) => database.exec('PRAGMA user_version = 2'));
    await expect(open()).rejects.toMatchObject(code('VAULT_NEWER'));
  });

  it('holds nothing of a record that was deleted, for whoever learns the passphrase later', async () => {
    const vault = await open();
    const keys = Array.from({ length: 50 }, (_, index) => `a/${index}`);
    await vault.write(new Map(keys.map((key) => [key, new Uint8Array(500)])));
    await vault.close();
    let sealed: Buffer[] = [];
    tamper((database) => {
      const rows = database.prepare('SELECT sealed FROM records').all();
      sealed = rows.map((row) => Buffer.from(row.sealed as Uint8Array));
    });
    const before = await readFile(path);
    expect(sealed.filter((each) => before.includes(each))).toHaveLength(50);
    const again = await open();
    await again.write(new Map(keys.map((key) => [key, undefined])));
    await again.close();
    const after = await readFile(path);
    expect(sealed.filter((each) => after.includes(each.subarray(0, 100)))).toEqual([]);
  });

  it('says so where a record was altered, or moved to another key', async () => {
    const vault = await open();
    await vault.write(new Map(['a', 'b', 'c'].map((key) => [key, value])));
    await vault.close();
    tamper((database) => {
      database.exec("UPDATE records SET sealed = (SELECT sealed FROM records WHERE name = 'a') WHERE name = 'b'");
      database.exec("UPDATE records SET sealed = zeroblob(40) WHERE name = 'c'");
    });
    const again = await open();
    expect(await again.get('a')).toEqual(value);
    await expect(again.get('b')).rejects.toMatchObject(code('VAULT_DAMAGED'));
    await expect(again.get('c')).rejects.toMatchObject(code('VAULT_DAMAGED'));
    await expect(again.list('')).rejects.toMatchObject(code('VAULT_DAMAGED'));
  });

  it('says so where pages of it are noise', async () => {
    const vault = await open();
    await vault.write(new Map(Array.from({ length: 200 }, (_, index) => [`a/${index}`, new Uint8Array(500)])));
    await vault.close();
    const bytes = await readFile(path);
    bytes.fill(0x5a, 8_192);
    await writeFile(path, bytes);
    const damaged = expect.objectContaining(code('VAULT_DAMAGED'));
    await expect(open().then((again) => again.list(''))).rejects.toEqual(damaged);
  });
});

describe('deleting', () => {
  it('takes away what cannot be opened, and nothing that somebody works with', async () => {
    const vault = await open();
    await vault.write(new Map([['a', value]]));
    await expect(FileVault.delete(path)).rejects.toMatchObject(code('VAULT_IN_USE'));
    await vault.write(new Map([['b', value]]));
    await vault.close();
    const bytes = await readFile(path);
    for (const damaged of [bytes.subarray(0, bytes.length / 2), bytes.fill(0x5a, 0, 100), new Uint8Array(10), bytes]) {
      await writeFile(path, damaged);
      await FileVault.delete(path);
      expect(await readdir(join(folder, 'below'))).toEqual([]);
    }
    await FileVault.delete(path);
    expect(await (await open()).get('a')).toBeUndefined();
  });
});

describe('the lock', () => {
  it('lets nobody else in, in this process or another, and goes with a process that is killed', async () => {
    const vault = await open();
    await expect(open()).rejects.toMatchObject(code('VAULT_IN_USE'));
    expect(await hold().said).toBe('VAULT_IN_USE');
    await vault.write(new Map([['a', value]]));
    // The attempts have taken nothing from it.
    expect(await hold().said).toBe('VAULT_IN_USE');
    await vault.close();
    const other = hold();
    expect(await other.said).toBe('held');
    await expect(open()).rejects.toMatchObject(code('VAULT_IN_USE'));
    other.process.kill('SIGKILL');
    await once(other.process, 'close');
    expect(await (await open()).get('a')).toEqual(value);
  });
});

function hold() {
  const process_ = spawn(process.execPath, [join(import.meta.dirname, 'testing', 'holder.ts'), path]);
  onTestFinished(() => {
    process_.kill('SIGKILL');
  });
  return { process: process_, said: once(process_.stdout, 'data').then(([data]) => String(data).trim()) };
}

describe('the passphrase', () => {
  it('is told to be wrong, which does no harm', async () => {
    const vault = await open();
    await vault.write(new Map([['a', value]]));
    await vault.close();
    await expect(open({ passphrase: 'another' })).rejects.toMatchObject(code('VAULT_WRONG_PASSPHRASE'));
    expect(await (await open()).get('a')).toEqual(value);
  });

  it('costs 64 MiB to try', async () => {
    await (await open({ cost: undefined })).close();
    tamper((database) => {
      const header = database.prepare('SELECT bytes FROM header').get()?.bytes as Uint8Array;
      expect(Buffer.from(header.subarray(1, 7))).toEqual(Buffer.from([0, 1, 0, 0, 3, 4]));
    });
  });

  it('is changed while others write, and opens everything', async () => {
    const vault = await open();
    const many = new Map(Array.from({ length: 2_500 }, (_, index) => [`many/${index}`, Uint8Array.of(index & 0xff)]));
    await vault.write(many);
    const before = vault.write(new Map([['before', value]]));
    const changed = vault.changePassphrase('another');
    const during = vault.write(new Map([['during', value]]));
    await Promise.all([before, changed, during]);
    expect((await vault.list('many/')).size).toBe(2_500);
    await vault.write(new Map([['after', value]]));
    await vault.close();
    await expect(open()).rejects.toMatchObject(code('VAULT_WRONG_PASSPHRASE'));
    const again = await open({ passphrase: 'another' });
    const all = await again.list('');
    expect([all.get('before'), all.get('during'), all.get('after')]).toEqual([value, value, value]);
    expect(new Map([...(await again.list('many/'))].sort())).toEqual(new Map([...many].sort()));
  });

  it('of an older copy opens nothing that was written since', async () => {
    const vault = await open();
    await vault.write(new Map([['group', value]]));
    await vault.close();
    const copy = join(folder, 'copy');
    await copyFile(path, copy);
    const again = await open();
    await again.changePassphrase('another');
    // As a copy of the running vault has it.
    const now = Buffer.concat([await readFile(path), await readFile(`${path}-wal`)]);
    await again.close();
    const header = (file: string) => {
      const database = new DatabaseSync(file);
      const bytes = database.prepare('SELECT bytes FROM header').get()?.bytes as Uint8Array;
      database.close();
      return bytes;
    };
    const old = header(copy);
    // What the old passphrase opened is overwritten too.
    expect(now.includes(Buffer.from(old.subarray(7)))).toBe(false);
    tamper((database) => database.prepare('UPDATE header SET bytes = ?').run(old));
    await expect((await open()).get('group')).rejects.toMatchObject(code('VAULT_DAMAGED'));
  });

  it('stays as it is where changing it fails', async () => {
    const vault = await open();
    await vault.write(new Map(['a', 'b', 'c'].map((key) => [key, value])));
    await vault.close();
    tamper((database) => database.exec("UPDATE records SET sealed = zeroblob(40) WHERE name = 'c'"));
    const again = await open();
    await expect(again.changePassphrase('another')).rejects.toMatchObject(code('VAULT_DAMAGED'));
    expect(await again.get('a')).toEqual(value);
    await again.write(new Map([['d', value]]));
    await again.close();
    const last = await open();
    expect([await last.get('b'), await last.get('d')]).toEqual([value, value]);
  });
});

describe('the end of a vault', () => {
  it('leaves no file, and another one can be made at once', async () => {
    const vault = await open();
    await vault.write(new Map([['a', value]]));
    await vault.destroy();
    expect(await readdir(join(folder, 'below'))).toEqual([]);
    expect(await (await open()).list('')).toEqual(new Map());
  });

  it('waits for what was called before it', async () => {
    const vault = await open();
    const written = vault.write(new Map([['a', value]]));
    await Promise.all([vault.close(), vault.close()]);
    await written;
    await expect(vault.get('a')).rejects.toMatchObject(code('VAULT_CLOSED'));
    expect(await (await open()).get('a')).toEqual(value);
  });
});

describe('the disk', () => {
  const MOUNT = 'mount -t tmpfs -o size=4m none "$1" && exec "$2" "$3" "$1/vault"';
  const inside = (...command: string[]) => spawnSync('unshare', ['--map-root-user', '--mount', ...command]);
  const canMount = inside('mount', '-t', 'tmpfs', 'none', '/mnt').status === 0;

  it.skipIf(!canMount)(
    'may be full: nothing of a write is there, the passphrase stays, and with more room it goes on',
    () => {
      const filler = join(import.meta.dirname, 'testing', 'filler.ts');
      const { stdout, stderr } = inside('sh', '-c', MOUNT, 'sh', folder, process.execPath, filler);
      expect(String(stderr).replaceAll(/.*ExperimentalWarning.*\n|.*trace-warnings.*\n/g, '')).toBe('');
      const { code: told, done, changed, atFull, after } = JSON.parse(String(stdout));
      expect([told, changed]).toEqual(['VAULT_FULL', 'VAULT_FULL']);
      expect(done).toBeGreaterThan(5);
      expect(atFull).toEqual([done, done]);
      expect(after).toEqual([done + 1, done + 1]);
    },
  );

  it('may refuse', async () => {
    await writeFile(join(folder, 'below'), 'a file in the place of the folder');
    await expect(open()).rejects.toMatchObject({ code: 'VAULT_FAILED', detail: 'EEXIST' });
  });
});
