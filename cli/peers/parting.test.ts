import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { Command } from '../command.ts';
import { peersBlock, peersList, peersRemove } from '../peers.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let config: string;
let out: string[];
let err: string[];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  config = join(world.folder, 'hawser.yaml');
  await writeFile(config, stringify(alpha.site));
});
afterAll(() => world[Symbol.asyncDispose]());
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

it('says what happens, and waits until the running homeserver has parted with the domain', {
  timeout: 30_000,
}, async () => {
  const [alice, bob] = [await alpha.person('alice'), await beta.person('bob')];
  for (let i = 0; i < 3; i++) await alice.create('Ropes', bob.id);
  await run(peersBlock, 'beta.example');
  expect(out[0]).toContain('Its people leave the conversations of this organisation');
  expect(out.slice(2)).toEqual([
    'beta.example is blocked. Running servers follow within a second.',
    'The homeserver has parted with beta.example: 3 conversations were shared.',
  ]);
  expect((await alice.conversations()).every(({ members }) => members.length === 1)).toBe(true);
  // Nothing is shared any more, so there is nothing to wait for.
  await run(peersRemove, 'beta.example', '--json');
  expect(JSON.parse(out.at(-1) ?? '')).toEqual({ domain: 'beta.example', state: 'removed' });
  await run(peersList);
  expect(out.at(-1)).toMatch(/lists nobody/);
  await expect(run(peersRemove, 'beta.example')).rejects.toThrow('beta.example is not on the list');

  await alpha.allow(beta);
  await until(() => alice.find('@bob@beta.example').catch(() => undefined), 'allowed again');
  await alice.create('Ropes', bob.id);
  await run(peersRemove, 'beta.example', '--json');
  expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({ parting: { conversations: 1, done: 1 } });
});

it('does not wait where it shall not, or where no homeserver runs', async () => {
  await alpha.allow(beta);
  await run(peersBlock, 'beta.example', '--no-wait');
  expect(out.at(-1)).toBe('beta.example is blocked. Running servers follow within a second.');
  await alpha.stop();
  await alpha.allow(beta);
  await run(peersBlock, 'beta.example');
  expect(out.at(-1)).toBe('No homeserver runs here: it parts with the domain when it starts.');
});
