/** Saving a homeserver and putting it back: while people write, elsewhere, on the other engine, and not at all where it would do harm. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Site } from '#site/schema.ts';
import { placeOf } from '../store/place.ts';
import { openStore } from '../store/store.ts';
import { type Organisation, organise, PASSWORD, type World } from '../testing/organisation.ts';
import { Person } from '../testing/person.ts';
import { filesOf, putAssets, type Rows, rowsOf, siteElsewhere } from '../testing/saved.ts';
import { type TestPlace, testPlace, until } from '../testing/world.ts';
import { type Backup, type BackupOptions, makeBackup } from './backup.ts';
import { type Restored, type RestoreOptions, restoreBackup } from './restore.ts';

let world: World;
let alpha: Organisation;
let folder: string;
let file: string;
/** Where a backup is put back: another machine, as far as anything here can tell. */
let elsewhere: Site;
let other: TestPlace;

beforeEach(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  folder = await mkdtemp(join(tmpdir(), 'hawser-backup-'));
  file = join(folder, 'alpha.hawser');
  other = await testPlace();
  elsewhere = siteElsewhere(alpha.site, join(folder, 'elsewhere'), other);
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const { signal } = new AbortController();
const save = (options: Partial<BackupOptions> = {}): Promise<Backup> =>
  makeBackup({
    site: alpha.site,
    file,
    withKeys: false,
    now: 1_800_000_000_000,
    onProgress: () => undefined,
    signal,
    ...options,
  });
const putBack = (options: Partial<RestoreOptions> = {}): Promise<Restored> =>
  restoreBackup({
    site: elsewhere,
    file,
    replace: false,
    withKeys: false,
    onProgress: () => undefined,
    signal,
    ...options,
  });

test('a homeserver that was saved is the same elsewhere, row by row and file by file', async () => {
  const alice = await alpha.person('alice', 'Alice');
  await alpha.person('bob', 'Bob');
  const { conversation } = await alice.create('Ropes');
  const { call, participant } = await alice.call(conversation);
  alpha.sft.presence(call.conference, [participant]);
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 1, 'alice is there');
  await putAssets(alpha.site.data, 20);
  const made = await save();
  await alpha.stop();

  expect(made).toMatchObject({ files: 20, keys: [], strange: [] });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['alpha.hawser']);
  const restored = await putBack();
  expect(restored.manifest).toMatchObject({
    domain: 'alpha.example',
    created: '2027-01-15T08:00:00.000Z',
    keys: false,
  });
  expect(await rowsOf(elsewhere)).toEqual(await rowsOf(alpha.site));
  expect(await filesOf(elsewhere.data)).toEqual(await filesOf(alpha.site.data));
  expect((await stat(elsewhere.data)).mode & 0o777).toBe(0o700);
  expect((await stat(join(elsewhere.data, 'assets/ab/asset-3'))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['alpha.hawser', 'elsewhere']);

  await alpha.start({ site: elsewhere });
  const again = await Person.signIn(alpha.url, 'alice', PASSWORD);
  expect((await again.conversations()).map(({ title }) => title)).toEqual(['Ropes']);
  again.close();
});

test('what is saved while people write is one moment: all of what was before, and nothing by halves', {
  timeout: 60_000,
}, async () => {
  const people = await Promise.all(['alice', 'bob', 'carol'].map((name) => alpha.person(name)));
  const before = await Promise.all(
    people.map((person) => person.create('Before', ...people.map(({ id }) => id).filter((id) => id !== person.id))),
  );
  let isOver = false;
  let written = 0;
  const writing = people.map(async (person) => {
    const others = people.map(({ id }) => id).filter((id) => id !== person.id);
    for (; !isOver; written++) {
      const { conversation } = await person.create('During', ...others);
      const asset = join(alpha.site.data, 'assets', conversation.slice(-8));
      await mkdir(join(alpha.site.data, 'assets'), { recursive: true });
      await writeFile(asset, conversation);
    }
  });
  await until(() => written > 10, 'they write');
  await save();
  const during = written;
  await until(() => written > during + 5, 'they go on writing');
  isOver = true;
  await Promise.all(writing);
  await alpha.stop();
  await putBack();

  const [now, then] = [await rowsOf(alpha.site), await rowsOf(elsewhere)];
  const keyed = (rows: Rows, table: string) => new Map((rows[table] ?? []).map((row) => [JSON.stringify(row), row]));
  for (const table of Object.keys(now)) {
    // People only added, so that whatever was saved is there still as it was.
    for (const row of keyed(then, table).keys()) expect(keyed(now, table).has(row), `${table} ${row}`).toBe(true);
  }
  const ids = (then.conversations ?? []).map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining(before.map(({ conversation }) => conversation)));
  expect(ids.length).toBeGreaterThan(10);
  expect(ids.length).toBeLessThan((now.conversations ?? []).length);
  for (const id of ids) expect((then.members ?? []).filter((row) => row.conversation_id === id)).toHaveLength(3);
  const [filesNow, filesThen] = [await filesOf(alpha.site.data), await filesOf(elsewhere.data)];
  for (const [name, content] of Object.entries(filesThen))
    expect([content, '']).toContain(filesNow[name] === content ? content : undefined);
});

describe('between the engines', () => {
  test('a backup can be put back on SQLite, whatever it was taken from', async () => {
    await alpha.person('alice', 'Alice');
    await putAssets(alpha.site.data, 2);
    await save();
    await alpha.stop();
    const lite: Site = siteElsewhere(alpha.site, join(folder, 'lite'), {
      ...other,
      place: { engine: 'sqlite', path: '' },
    });
    await putBack({ site: lite });
    expect(await rowsOf(lite)).toEqual(await rowsOf(alpha.site));
    // And from there to where this run of the tests is.
    const second = join(folder, 'second.hawser');
    await save({ site: lite, file: second });
    await putBack({ file: second });
    expect(await rowsOf(elsewhere)).toEqual(await rowsOf(alpha.site));
    expect(await filesOf(elsewhere.data)).toEqual(await filesOf(alpha.site.data));
  });

  test('a number that the database gave once it does not give again', async () => {
    await alpha.stop();
    const put = async (site: Site) => {
      const store = await openStore(await placeOf(site));
      const entry = { domain: 'beta.example', kind: 'presence', subject: 'x', seq: 1, created_at: 1 } as never;
      const { position } = await store.db
        .insertInto('outbox')
        .values(entry)
        .returning('position')
        .executeTakeFirstOrThrow();
      await store.db.deleteFrom('outbox').execute();
      await store.close();
      return position;
    };
    const first = await put(alpha.site);
    expect(await put(alpha.site)).toBe(first + 1);
    await save();
    await putBack();
    expect(await put(elsewhere)).toBe(first + 2);
  });
});

describe('keys', () => {
  const withOwnKeys = async () => {
    await mkdir(join(alpha.site.data, 'assets'), { recursive: true });
    await writeFile(join(alpha.site.data, 'devices.key'), 'secret of the devices');
    await writeFile(join(alpha.site.data, 'assets', 'picture'), 'a picture');
  };

  test('stay where they are', async () => {
    await withOwnKeys();
    expect((await save()).keys).toEqual(['devices.key']);
    const content = await readFile(file, 'latin1');
    expect(content).not.toMatch(/PRIVATE KEY|secret of the devices|BEGIN CERTIFICATE/);
    await alpha.stop();
    await putBack();
    expect(Object.keys(await filesOf(elsewhere.data))).toEqual(['assets/picture']);
    await expect(putBack({ withKeys: true, replace: true })).rejects.toThrow(/no keys in the backup/);
  });

  test('come with the backup where that is wished, and go where the site names them', async () => {
    await withOwnKeys();
    await save({ withKeys: true });
    await alpha.stop();
    const { certificates } = alpha.site;
    const home = { certificate: join(folder, 'new', 'home.pem'), key: join(folder, 'new', 'home.key') };
    const site = { ...elsewhere, certificates: { ...certificates, homeserver: home } };
    const { keys } = await putBack({ site, withKeys: true });
    expect(keys).toEqual(expect.arrayContaining([home.key, home.certificate]));
    expect(await readFile(home.key, 'utf8')).toBe(await readFile(certificates.homeserver.key, 'utf8'));
    expect((await stat(home.key)).mode & 0o777).toBe(0o600);
    expect(await readFile(join(elsewhere.data, 'devices.key'), 'utf8')).toBe('secret of the devices');
  });

  test('that are others are not overwritten unasked', async () => {
    await save({ withKeys: true });
    await alpha.stop();
    const key = join(folder, 'tickets.key');
    await writeFile(key, 'another key');
    const tickets = { ...alpha.site.certificates.tickets, privateKey: key };
    const site = { ...elsewhere, certificates: { ...alpha.site.certificates, tickets } };
    await expect(putBack({ site, withKeys: true })).rejects.toThrow(/tickets\.key is there and is another one/);
    expect(await readFile(key, 'utf8')).toBe('another key');
    await expect(stat(elsewhere.data)).rejects.toThrow('ENOENT');
    await putBack({ site, withKeys: true, replace: true });
    expect(await readFile(key, 'utf8')).toContain('PRIVATE KEY');
  });
});

test('with --replace it takes the place of what is there, of which nothing is left', async () => {
  await alpha.person('alice', 'Alice');
  await putAssets(alpha.site.data, 3);
  await save();
  await alpha.person('bob', 'Bob');
  await rm(join(alpha.site.data, 'assets/ab/asset-1'));
  await writeFile(join(alpha.site.data, 'assets/ab/later'), 'later');
  await alpha.stop();
  await putBack({ site: alpha.site, replace: true });
  expect((await rowsOf(alpha.site)).accounts?.map(({ name }) => name)).toEqual(['Alice']);
  expect(Object.keys(await filesOf(alpha.site.data)).sort()).toEqual([
    'assets/ab/asset-0',
    'assets/ab/asset-1',
    'assets/ab/asset-2',
  ]);
  expect((await readdir(join(alpha.site.data, '..'))).filter((name) => name.startsWith('data'))).toEqual(['data']);
});

test('where the new folder cannot take its place, the old one is back', async () => {
  await alpha.person('alice', 'Alice');
  const keys = join(folder, 'keys.hawser');
  await save({ file: keys, withKeys: true });
  await alpha.person('bob', 'Bob');
  await alpha.stop();
  const before = await rowsOf(alpha.site);
  const parent = join(alpha.site.data, '..');
  // A file is where a folder would have to be: this shows after the folders have changed places.
  const broken = {
    ...alpha.site,
    certificates: { ...alpha.site.certificates, authority: join(parent, 'authority.pem', 'no-folder') },
  };
  await expect(putBack({ site: broken, file: keys, replace: true, withKeys: true })).rejects.toThrow(
    /no-folder cannot be written/,
  );
  expect(await rowsOf(alpha.site)).toEqual(before);
  expect((await readdir(parent)).filter((name) => name.startsWith('data'))).toEqual(['data']);
});

test('says what it left out: links and what is no file', async () => {
  await symlink('/etc/passwd', join(alpha.site.data, 'link'));
  expect((await save()).strange).toEqual(['link']);
  expect(await readFile(file, 'latin1')).not.toContain('root:');
});

test('does not overwrite another backup, nor save itself', async () => {
  await writeFile(file, 'an older one');
  await expect(save()).rejects.toThrow(/is there already/);
  expect(await readFile(file, 'utf8')).toBe('an older one');
  await expect(save({ file: join(alpha.site.data, 'backup') })).rejects.toThrow(/in the folder that is saved/);
  await expect(save({ file: join(folder, 'no/such/folder') })).rejects.toThrow(/cannot be read or written \(ENOENT\)/);
});
