/** A Debian with systemd in which a test installs Hawser, as an administrator does on a new host. People need it for nothing. */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { cacheFolder, withLock, withTemporaryFolder } from './cache.ts';
import { ensureDebianPackages, mirror, type Release, release } from './debian.ts';
import { outcome, run } from './program.ts';
import { say } from './say.ts';

/** What every Debian has that somebody installed on a machine, and this one would not. */
const BASE = ['systemd', 'systemd-sysv', 'dbus', 'ca-certificates', 'iproute2'];
/** What docs/guides/install.md and the package ask apt for, and what a host of an administrator has besides. They lie in the host as its mirror, since no test has the internet. */
const MIRRORED = ['curl', 'libabsl20220623', 'libuv1', 'nftables', 'openssh-server'];
/** In the Debian. */
const MIRROR = '/srv/mirror';

/**
 * The folder of a Debian 12 that can be booted with systemd-nspawn: what HAWSER_DEBIAN_HOST names, else the one of the cache, else made
 * by debootstrap, which takes a minute or two.
 * @throws Problem saying what to do, where it cannot be made or booted
 */
export async function ensureDebianHost(): Promise<string> {
  if (process.getuid?.() !== 0) throw new Problem('Only root may boot a Debian in a container. Run this as root.');
  const system = await release();
  if (system.label !== 'debian12') {
    throw new Problem(`A package that is built on ${system.label} does not fit Debian 12. Run this on Debian 12.`);
  }
  await ensureDebianPackages(['debootstrap', 'systemd-container'], 'to boot a Debian in a test');
  const given = process.env.HAWSER_DEBIAN_HOST;
  if (given && !(await isThere(given))) {
    throw new Problem(`HAWSER_DEBIAN_HOST is ${given}, and there is no Debian in it. Mend or unset it.`);
  }
  const folder = given || (await cached(system));
  // A container in which this runs may not be let to make one of its own.
  const { code, tail } = await outcome('systemd-nspawn', [...asContainer(folder), '--quiet', 'true']);
  if (code === 0) return folder;
  throw new Problem(`systemd-nspawn starts no container here. Run this on a machine of its own.\n\n${tail}`);
}

/** What systemd-nspawn has to be told besides: nothing in `folder` is changed, and no systemd of this machine is asked for anything. */
export function asContainer(folder: string): string[] {
  return [
    '--directory',
    folder,
    '--volatile=overlay',
    '--register=no',
    '--keep-unit',
    '--resolv-conf=off',
    '--timezone=off',
  ];
}

async function cached({ label, codename }: Release): Promise<string> {
  const contents = createHash('sha256')
    .update(JSON.stringify([BASE, MIRRORED]))
    .digest('hex')
    .slice(0, 12);
  const place = join(cacheFolder(), 'debian-host', `${label}-${contents}`);
  if (await isThere(place)) return place;
  return withLock('debian-host', async () => {
    if (!(await isThere(place))) await make(place, codename);
    return place;
  });
}

function isThere(folder: string): Promise<boolean> {
  return access(join(folder, MIRROR, 'Packages')).then(
    () => true,
    () => false,
  );
}

async function make(place: string, codename: string): Promise<void> {
  say('making a Debian for the test of the installation (a minute or two, once)');
  await withTemporaryFolder('debian-host', async (folder) => {
    const root = join(folder, 'root');
    const uri = await mirror(codename);
    const options = ['--variant=minbase', `--include=${BASE.join(',')}`];
    await run('debootstrap', [...options, codename, root, uri], 'debootstrap could not make a Debian:');
    // The root of a container is mounted by whoever makes it; systemd would try once more.
    await rm(join(root, 'etc', 'fstab'), { force: true });
    await fillMirror(root);
    await mkdir(join(cacheFolder(), 'debian-host'), { recursive: true });
    await rm(place, { recursive: true, force: true });
    await rename(root, place);
  });
}

/** Fetches packages with all that they need beside what is there, and makes them the only ones that this Debian knows. */
async function fillMirror(root: string): Promise<void> {
  const apt = (...args: string[]) => run('chroot', [root, 'apt-get', '--quiet', ...args], 'apt-get failed in there:');
  const env = ['-o', 'APT::Sandbox::User=root'];
  // What debootstrap fetched is installed.
  await apt('clean');
  await apt('update', ...env);
  await apt('install', '--yes', '--download-only', ...env, ...MIRRORED);
  const archives = join(root, 'var', 'cache', 'apt', 'archives');
  const target = join(root, MIRROR);
  await mkdir(target, { recursive: true });
  const entries: string[] = [];
  for (const name of (await readdir(archives)).filter((each) => each.endsWith('.deb'))) {
    // apt writes %3a for the colon of an epoch, and takes it for one in the address of a file.
    const plain = name.replaceAll('%3a', '_');
    await rename(join(archives, name), join(target, plain));
    entries.push(await entryOf(join(target, plain), plain));
  }
  await writeFile(join(root, 'etc', 'apt', 'sources.list'), `deb [trusted=yes] file:${MIRROR} ./\n`);
  await rm(join(root, 'var', 'lib', 'apt', 'lists'), { recursive: true });
  // Last: by it a whole one is known.
  await writeFile(join(target, 'Packages'), entries.join('\n'));
}

/** One paragraph of the index of a repository (deb-src-control, `Packages`). */
async function entryOf(file: string, name: string): Promise<string> {
  const control = await run('dpkg-deb', ['--field', file], `${name} is no Debian package:`);
  const hash = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  const { size } = await stat(file);
  return `${control.trim()}\nFilename: ./${name}\nSize: ${size}\nSHA256: ${hash}\n`;
}
