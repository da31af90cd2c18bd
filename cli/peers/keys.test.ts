import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { placeOf } from '#homeserver/store/place.ts';
import { openStore } from '#homeserver/store/store.ts';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import type { DomainKeys } from '#signalling/federation-people.ts';
import { until } from '#signalling/testing-until.ts';
import { auditTail } from '../audit.ts';
import type { Command } from '../command.ts';
import { peersAcceptKeys } from '../peers-keys.ts';
import { peersStatus } from '../peers-status.ts';

let world: World;
let alpha: Organisation;
let config: string;
let out: string[];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha] = world.organisations as [Organisation];
  config = join(world.folder, 'hawser.yaml');
  await writeFile(config, stringify(alpha.site));
});
afterAll(() => world[Symbol.asyncDispose]());

async function run(command: Command, ...argv: string[]): Promise<string> {
  out = [];
  const terminal = {
    out: (line: string) => out.push(line),
    err: () => undefined,
    signal: new AbortController().signal,
  };
  await command.execute([...argv, '--config', config], terminal);
  return out.join('\n');
}

/** The keys that alpha knows of beta, while it does not run. */
async function roots(change?: (keys: DomainKeys) => DomainKeys): Promise<readonly string[] | undefined> {
  await using store = await openAlpha();
  const row = await store.db.selectFrom('peer_keys').select('keys').executeTakeFirst();
  if (!row) return undefined;
  const keys = JSON.parse(row.keys) as DomainKeys;
  if (change)
    await store.db
      .updateTable('peer_keys')
      .set({ keys: JSON.stringify(change(keys)) })
      .execute();
  return keys.devices.roots;
}
async function openAlpha() {
  const store = await openStore(await placeOf(alpha.site));
  return { db: store.db, [Symbol.asyncDispose]: () => store.close() };
}

it('keys with which a domain came back wait, are seen, and are confirmed', async () => {
  await expect(run(peersAcceptKeys, 'beta')).rejects.toThrow('is not a DNS name');
  await until(async () => /beta\.example +allowed/.test(await run(peersStatus)), 'beta is there');
  await expect(run(peersAcceptKeys, 'beta.example')).rejects.toThrow('No keys of beta.example wait.');
  await alpha.stop();
  await expect(run(peersAcceptKeys, 'beta.example')).rejects.toThrow('The homeserver is not running.');
  // As if beta had been another one before.
  const before = randomBytes(300).toString('base64url');
  const now = await roots((keys) => ({ ...keys, devices: { ...keys.devices, roots: [before] } }));
  expect(now).toHaveLength(1);
  await alpha.start();
  await until(async () => /beta\.example +keys wait/.test(await run(peersStatus)), 'they wait');
  const [, fingerprint = ''] = /Keys that wait: ([0-9A-F:]{95})/.exec(await run(peersStatus, 'beta.example')) ?? [];
  expect(out.join('\n')).toContain('hawser peers accept-keys beta.example');
  expect(await run(peersAcceptKeys, 'beta.example')).toContain(`Confirmed: ${fingerprint}`);
  expect(await run(peersStatus)).toMatch(/beta\.example +allowed/);
  expect(await run(auditTail)).toMatch(/key-waits[^\n]*beta\.example[\s\S]*key-accepted[^\n]*beta\.example/);
  await alpha.stop();
  expect(await roots()).toEqual(now);
  await alpha.start();
});
