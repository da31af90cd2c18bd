/** The scenarios in Node: with a vault in memory, and with the vault of a program, in a file. */
import { statSync, truncateSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { MemoryVault } from '../../vault/memory.ts';
import { FileVault } from '../../vault/sqlite.ts';
import { DyingVault } from '../../vault/testing/dying-vault.ts';
import { CHEAP, PASSPHRASE } from '../../vault/testing/written.ts';
import type { Damage, Environment } from './environment.ts';
import { scenariosFor } from './scenarios.ts';

let world: World;
let alpha: Organisation;
let folder: string;

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  folder = await mkdtemp(join(tmpdir(), 'hawser-scenarios-'));
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const server = {
  password: PASSWORD,
  makeAccount: async (handle: string) => {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  },
  stopServer: () => alpha.stop(),
  startServer: () => alpha.start(),
};

/** What the vaults in memory hold between two programs. */
const disks = new Map<string, MemoryVault>();

const inMemory: Environment = {
  ...server,
  get origin() {
    return alpha.url;
  },
  openVault: async (name) => {
    const disk = disks.get(name) ?? new MemoryVault();
    disks.set(name, disk);
    return new DyingVault(disk); // closing it leaves the disk
  },
  deleteVault: async (name) => void disks.delete(name),
  damageVault: undefined,
};

const inFile: Environment = {
  ...server,
  get origin() {
    return alpha.url;
  },
  openVault: (name) =>
    FileVault.open({ path: join(folder, name), passphrase: PASSPHRASE, ifMissing: 'create', cost: CHEAP }),
  deleteVault: (name) => FileVault.delete(join(folder, name)),
  damageVault: async (name, how) => damage(join(folder, name), how),
};

function damage(path: string, how: Damage): void {
  if (how === 'it cannot be opened') return truncateSync(path, statSync(path).size / 2 - 100);
  const database = new DatabaseSync(path);
  if (how === 'a record is missing') database.exec("DELETE FROM records WHERE name = 'device'");
  else {
    const [row] = database.prepare("SELECT name, sealed FROM records WHERE name LIKE 'group/%' ORDER BY name").all();
    const { name, sealed } = row as { name: string; sealed: Uint8Array };
    sealed[20] = (sealed[20] ?? 0) ^ 1;
    database.prepare('UPDATE records SET sealed = ? WHERE name = ?').run(sealed, name);
  }
  database.close();
}

describe.each([
  ['in memory', 'm', inMemory],
  ['in a file', 'f', inFile],
] as const)('with storage %s', (_where, prefix, environment) => {
  for (const [name, play] of scenariosFor(environment, prefix))
    test(name, { timeout: 60_000 }, () => play(environment));
});
