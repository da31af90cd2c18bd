/** The two commands as somebody calls them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import { backup } from '../backup.ts';
import type { Command } from '../command.ts';
import { Problem } from '../errors.ts';
import { restore } from '../restore.ts';

let world: World;
let alpha: Organisation;
let folder: string;
let config: string;

beforeEach(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  folder = await mkdtemp(join(tmpdir(), 'hawser-cli-'));
  config = join(folder, 'hawser.yaml');
  await writeFile(config, stringify(alpha.site));
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function run(command: Command, ...argv: string[]): Promise<string[]> {
  const out: string[] = [];
  const { signal } = new AbortController();
  const code = await command.execute(argv, { out: (line) => out.push(line), err: (line) => out.push(line), signal });
  expect(code).toBe(0);
  return out;
}

test('a homeserver is saved while it runs, and put back when it does not', async () => {
  await alpha.person('alice');
  const file = join(folder, 'alpha.hawser');
  expect(await run(backup, file, '--config', config)).toEqual([
    expect.stringMatching(/alpha\.hawser holds alpha\.example: its database and 0 files, 0\.\d MB\.$/),
  ]);
  const again = () => run(restore, file, '--config', config, '--replace');
  await expect(again()).rejects.toThrow(
    new Problem(`A homeserver is running on ${join(alpha.site.data, 'homeserver.sqlite')}. Stop that one first.`),
  );
  await alpha.person('bob');
  await alpha.stop();
  await expect(run(restore, file, '--config', config)).rejects.toThrow(/data is not empty\. With --replace/);
  expect(await again()).toEqual([
    expect.stringMatching(/^alpha\.example is as it was at 20.*: its database and 0 files\.$/),
    'Start the homeserver now.',
  ]);
  await alpha.start();
  expect(await (await fetch(`${alpha.admin}/metrics`)).text()).toMatch(/^hawser_homeserver_accounts 1$/m);
});

test('what is wrong is said in a sentence', async () => {
  await expect(run(restore, join(folder, 'nothing'), '--config', config, '--replace')).rejects.toThrow(Problem);
  await expect(run(backup, join(folder, 'x'), '--config', join(folder, 'nothing.yaml'))).rejects.toThrow(
    /There is no such file/,
  );
  await rm(join(alpha.certificates.folder, 'homeserver.key'));
  await expect(run(backup, join(folder, 'x'), '--config', config)).rejects.toThrow(/there is no file/);
});
