/** Prosody, an XMPP server, for comparisons: Debian's packages, unpacked into the cache and not installed. */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { Problem } from '../errors.ts';
import { cacheFolder, withLock, withTemporaryFolder } from './cache.ts';
import { fetchDebianPackages, packagesToInstall, release } from './debian.ts';
import { say } from './say.ts';

const LUA = '5.4';

export interface Prosody {
  /** Lua, which runs it. */
  readonly program: string;
  /** Prosody's own files. */
  readonly source: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
}

/** @throws Problem where the release has no such package */
export async function ensureProsody(): Promise<Prosody> {
  const root = join(cacheFolder(), 'prosody', (await release()).label);
  await withLock('prosody', async () => {
    if (await stat(root).catch(() => undefined)) return;
    await fetch(root);
  });
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[arch() as 'x64' | 'arm64'] ?? arch();
  const libraries = join(root, 'usr', 'lib', `${machine}-linux-gnu`);
  const shared = join(root, 'usr', 'share', 'lua', LUA);
  return {
    program: join(root, 'usr', 'bin', `lua${LUA}`),
    source: join(root, 'usr', 'lib', 'prosody'),
    script: join(root, 'usr', 'bin', 'prosody'),
    env: {
      LD_LIBRARY_PATH: libraries,
      LUA_PATH: `${shared}/?.lua;${shared}/?/init.lua;;`,
      LUA_CPATH: `${libraries}/lua/${LUA}/?.so;;`,
    },
  };
}

async function fetch(root: string): Promise<void> {
  if (!(await release()).isDebianLike)
    throw new Problem('Prosody is fetched from Debian’s packages, and this is no Debian.');
  say('fetching Prosody, for the comparison only');
  const names = await packagesToInstall('prosody');
  if (!names.includes('prosody')) {
    throw new Problem(
      'apt knows no package of Prosody, or it is installed already. Run apt-get update as root, or name a running server.',
    );
  }
  await withTemporaryFolder('prosody', async (folder) => {
    await fetchDebianPackages(names, join(folder, 'unpacked'));
    await mkdir(dirname(root), { recursive: true });
    await rm(root, { recursive: true, force: true });
    await rename(join(folder, 'unpacked'), root);
  });
}
