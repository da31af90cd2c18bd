/** Prosody, an XMPP server, for comparisons: Debian's packages, unpacked into the cache and not installed. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../errors.ts';
import { withLock } from './cache.ts';
import { packagesToInstall, release } from './debian.ts';
import { say } from './say.ts';
import { libraryFolder, unpackedFolder, unpackInto } from './unpacked.ts';

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
  const root = await unpackedFolder('prosody');
  await withLock('prosody', async () => {
    if (await stat(root).catch(() => undefined)) return;
    await fetch(root);
  });
  const libraries = libraryFolder(join(root, 'usr'));
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
  await unpackInto(root, names);
}
