import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DATABASE_FILE } from '#homeserver/store/place.ts';
import { lockForThisProcess } from '#homeserver/store/process-lock.ts';
import { Catcher } from '#homeserver/testing/catcher.ts';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import { Person } from '#homeserver/testing/person.ts';
import {
  accountsAdd,
  accountsAdmin,
  accountsInvite,
  accountsList,
  accountsRemove,
  accountsSetPassword,
} from '../accounts.ts';
import { type Command, Problem } from '../command.ts';

let world: World;
let alpha: Organisation;
let catcher: Catcher;
let config: string;
let out: string[];
let err: string[];

beforeAll(async () => {
  catcher = await Catcher.listen();
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  await alpha.stop();
  Object.assign(alpha.site.homeserver, {
    mail: { url: catcher.url, from: 'hawser@alpha.example' },
    registration: { mode: 'invitation', emailDomains: [], workBits: 10, invitationDays: 7 },
  });
  config = join(world.folder, 'hawser.yaml');
  await writeFile(config, stringify(alpha.site));
  for (const key of [alpha.certificates.homeserver.key, alpha.certificates.tickets.privateKey]) await chmod(key, 0o600);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await catcher.close();
});
beforeEach(() => {
  [out, err] = [[], []];
});

function run(command: Command, ...argv: string[]): Promise<number> {
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    signal: new AbortController().signal,
  };
  return command.execute([...argv, '--config', config], terminal);
}

const passwordIn = (line = '') => / password (?:is|of \w+ is) (\S+?)\.?( |$)/.exec(line)?.[1] ?? '';

it('works on the database of a homeserver that does not run, and on a running one', async () => {
  const file = join(world.folder, 'password');
  await writeFile(file, 'correct horse battery\n');
  await run(accountsAdd, 'alice', '--name', 'Alice Smith', '--email', 'alice@mail.example', '--password-file', file);
  expect(out).toEqual(['The account alice is made.']);
  expect(err).toEqual([`The homeserver is not running; working on its database in ${alpha.site.data}.`]);
  await run(accountsInvite, 'gast@mail.example');
  expect(out[1]).toMatch(/^Good for one account until \d{4}-\d\d-\d\d: ([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
  expect((await catcher.mailTo('gast@mail.example')).text).toContain(out[1]?.split(': ')[1]);
  await expect(run(accountsAdd, 'alice', '--name', 'Other')).rejects.toThrow('This handle is taken.');

  await alpha.start();
  err = [];
  (await Person.signIn(alpha.url, 'alice@mail.example', 'correct horse battery')).close();
  await run(accountsAdd, 'bob', '--name', 'Bob', '--json');
  const bob = JSON.parse(out.at(-1) ?? '') as { handle: string; password: string };
  const person = await Person.signIn(alpha.url, 'bob', bob.password);
  await run(accountsList);
  const list = out.slice(-3).map((line) => line.split(/ {2,}/).slice(0, 5));
  expect(list).toEqual([
    ['HANDLE', 'NAME', 'E-MAIL', 'KIND', 'ROLE'],
    ['alice', 'Alice Smith', 'alice@mail.example', 'person', '-'],
    ['bob', 'Bob', '-', 'person', '-'],
  ]);
  await run(accountsSetPassword, 'bob');
  const fresh = passwordIn(out.at(-1));
  expect(fresh).toMatch(/^[\w-]{16}$/);
  (await Person.signIn(alpha.url, 'bob', fresh)).close();
  person.close();
  await run(accountsRemove, 'bob', '--yes');
  expect(out.at(-1)).toBe('The account bob is gone.');
  await expect(run(accountsRemove, 'bob', '--yes')).rejects.toThrow('There is no account bob;');
  await expect(run(accountsAdd, 'bob', '--name', 'Bob')).rejects.toThrow('This handle is taken.');
  await run(accountsInvite);
  expect(out.at(-1)).toMatch(/^Good for one account/);
  expect(err).toEqual([]);
});

it('says in a sentence that another process has the database', async () => {
  await alpha.stop();
  {
    using _other = lockForThisProcess(join(alpha.site.data, DATABASE_FILE));
    const sentence = /^A homeserver is running on .*homeserver\.sqlite\. Stop that one first\.$/;
    const calls = [
      () => run(accountsList),
      () => run(accountsAdd, 'eve', '--name', 'Eve'),
      () => run(accountsRemove, 'eve', '--yes'),
    ];
    for (const call of calls) {
      const refusal = await call().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(Problem);
      expect(refusal).toMatchObject({ message: expect.stringMatching(sentence) });
    }
  }
  await alpha.start();
});

it('gives and takes the role of an administrator, whether the homeserver runs or not', async () => {
  await run(accountsAdd, 'dora', '--name', 'Dora', '--admin', '--json');
  const dora = JSON.parse(out.at(-1) ?? '') as { password: string };
  const roles = async () => {
    await run(accountsList, '--json');
    const { accounts } = JSON.parse(out.at(-1) ?? '') as { accounts: { handle: string; administrator: boolean }[] };
    return accounts.filter(({ administrator }) => administrator).map(({ handle }) => handle);
  };
  expect(await roles()).toEqual(['dora']);
  await alpha.stop();
  await run(accountsAdmin, 'alice');
  expect(out.at(-1)).toBe('alice is an administrator now.');
  expect(await roles()).toEqual(['alice', 'dora']);
  await alpha.start();
  const person = await Person.signIn(alpha.url, 'dora', dora.password);
  expect(person.session.user.administrator).toBe(true);
  // Others are not told.
  expect(await person.find('@alice@alpha.example')).not.toHaveProperty('administrator');
  person.close();
  await run(accountsAdmin, 'dora', '--revoke');
  await run(accountsAdmin, 'alice', '--revoke');
  expect(out.at(-1)).toBe('alice is no administrator any more.');
  expect(await roles()).toEqual([]);
  const after = await Person.signIn(alpha.url, 'dora', dora.password);
  expect(after.session.user).not.toHaveProperty('administrator');
  after.close();
  await expect(run(accountsAdmin, 'nobody')).rejects.toThrow('There is no account nobody;');
});

it('asks before it deletes, and says what is wrong with a word', async () => {
  await expect(run(accountsRemove, 'alice')).rejects.toThrow('alice would be gone for good');
  await expect(run(accountsAdd, 'Alice', '--name', 'Alice')).rejects.toThrow("'Alice' is no handle");
  await expect(run(accountsAdd, 'carl', '--name', 'Carl', '--email', 'carl')).rejects.toThrow(
    "'carl' is no e-mail address",
  );
  await expect(run(accountsAdd, 'carl', '--name', 'x'.repeat(81))).rejects.toThrow('1 to 80 characters');
  const file = join(world.folder, 'short');
  await writeFile(file, 'short\n');
  const short = run(accountsAdd, 'carl', '--name', 'Carl', '--password-file', file);
  await expect(short).rejects.toThrow('10 to 256 characters');
  const nowhere = run(accountsAdd, 'carl', '--name', 'Carl', '--password-file', join(world.folder, 'nowhere'));
  await expect(nowhere).rejects.toThrow('cannot be read (ENOENT)');
});
