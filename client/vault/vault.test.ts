/** What every vault does, held against a Map; the browser's is in `indexed-db.e2e.test.ts`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryVault } from './memory.ts';
import { FileVault } from './sqlite.ts';
import { play } from './testing/play.ts';
import { expected, script } from './testing/script.ts';
import type { Vault } from './vault.ts';

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-vault-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** A way to open one vault again and again, which begins empty. */
function file(): () => Promise<Vault> {
  const path = join(folder, `${count++}`);
  return () => FileVault.open({ path, passphrase: 'p', ifMissing: 'create', cost: { memory: 8, passes: 1, lanes: 1 } });
}

/** Has nothing to open again, so that it stays open. */
function memory(): () => Promise<Vault> {
  const vault = new MemoryVault();
  vault.close = async () => undefined;
  return async () => vault;
}

describe.each([
  ['in memory', memory, 300],
  ['in a file', file, 60],
] as const)('a vault %s', (_name, make, numRuns) => {
  it('shows after any sequence of calls what a Map would show', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        expect(await play(steps, make())).toEqual(expected(steps));
      }),
      { numRuns },
    );
  });

  it('takes only keys that sort alike everywhere and prefixes that end with a slash', async () => {
    const vault = await make()();
    for (const key of ['', 'Message', '/x', 'a b', 'a/ü', 'a/\n', '0/x', `a/${'x'.repeat(1001)}`]) {
      await expect(vault.get(key), key).rejects.toThrow(TypeError);
      await expect((async () => vault.write(new Map([[key, undefined]])))(), key).rejects.toThrow(TypeError);
    }
    for (const prefix of ['a', 'a/x', '/']) await expect(vault.list(prefix), prefix).rejects.toThrow(TypeError);
    await vault.destroy();
  });

  it('does nothing more after it was destroyed', async () => {
    const vault = await make()();
    await vault.write(new Map([['a', Uint8Array.of(1)]]));
    await vault.destroy();
    await expect(vault.get('a')).rejects.toMatchObject({ code: 'VAULT_CLOSED' });
    await expect(vault.write(new Map())).rejects.toMatchObject({ code: 'VAULT_CLOSED' });
    await expect(vault.destroy()).rejects.toMatchObject({ code: 'VAULT_CLOSED' });
  });

  it('hands out copies: what a caller does with them changes nothing', async () => {
    const vault = await make()();
    await vault.write(new Map([['a', Uint8Array.of(1)]]));
    (await vault.get('a'))?.fill(9);
    (await vault.list('')).get('a')?.fill(9);
    expect(await vault.get('a')).toEqual(Uint8Array.of(1));
    await vault.destroy();
  });
});
