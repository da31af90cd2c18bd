/**
 * Builds the Debian package of this copy: everything that the two servers need, Node and the media worker among it, so that a host
 * without a way to the npm registry can install it. It fits the release on which it was built.
 */
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { Problem } from '#cli/errors.ts';
import { repository } from '#cli/setup/packages.ts';
import { outcome, run } from '#cli/setup/program.ts';
import { ensureWorker } from '#cli/setup/worker.ts';
import { buildWeb } from '#web/build.ts';
import { controlFile, librariesIn, ownersIn } from './control.ts';
import { versionOf } from './version.ts';

/** What goes into /opt/hawser beside the folders that package.json lets import each other. Tests stay behind. */
const BESIDE = [
  'hawser',
  'package.json',
  'package-lock.json',
  'patches',
  'docs',
  'LICENSE',
  'README.md',
  'CONTRIBUTING.md',
];
const LEFT_OUT = /\.test\.tsx?$|\.log$|\/bench\/results\//;
/** Sources of the worker, which is there built. */
const ONLY_FOR_BUILDING = /\/node_modules\/mediasoup\/worker(\/|$)/;
/** The programs that a Debian 12 has in any case where systemd starts it are not repeated. */
const NEEDED = ['systemd'];
const SCRIPTS = ['postinst', 'prerm', 'postrm'];
/** Of zstd. Higher ones take a minute and save a tenth. */
const LEVEL = 6;

/** @returns the path of the package, in `folder` @throws Problem saying what is missing */
export async function buildDebianPackage(folder: string): Promise<string> {
  const worker = await ensureWorker();
  await buildWeb();
  const stage = await mkdtemp(join(tmpdir(), 'hawser-package-'));
  try {
    const program = join(stage, 'opt', 'hawser');
    await copyProgram(program, worker);
    await copySystem(stage);
    await tryOut(program);
    await run('chmod', ['-R', 'u+rwX,go+rX,go-w', stage], 'The rights of the staged files could not be set:');
    return await pack(stage, folder, worker);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function copyProgram(program: string, worker: string): Promise<void> {
  await mkdir(join(program, 'bin'), { recursive: true });
  for (const part of [...BESIDE, ...(await folders())]) {
    await cp(join(repository, part), join(program, part), { recursive: true, filter: (path) => !LEFT_OUT.test(path) });
  }
  const modules = join(repository, 'node_modules');
  await mkdir(join(program, 'node_modules'));
  for (const name of await shippedPackages()) {
    const filter = (path: string) => !ONLY_FOR_BUILDING.test(path);
    await cp(join(modules, name), join(program, 'node_modules', name), { recursive: true, filter });
  }
  await copyFile(join(modules, '.package-lock.json'), join(program, 'node_modules', '.package-lock.json'));
  // The real files, and not links to where a package manager of this machine keeps them.
  await copyFile(await realpath(process.execPath), join(program, 'bin', 'node'));
  await copyFile(await realpath(worker), join(program, 'bin', 'mediasoup-worker'));
}

async function folders(): Promise<string[]> {
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await readFile(join(repository, 'package.json'), 'utf8'),
  );
  return Object.keys(imports).map((name) => name.replace(/^#|\/\*$/g, ''));
}

/** Names of installed packages that do not only help to develop. */
async function shippedPackages(): Promise<string[]> {
  const lock: { packages: Record<string, { dev?: boolean; devOptional?: boolean }> } = JSON.parse(
    await readFile(join(repository, 'node_modules', '.package-lock.json'), 'utf8'),
  );
  return Object.entries(lock.packages).flatMap(([path, { dev, devOptional }]) => {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    return name === undefined || dev || devOptional ? [] : [name];
  });
}

async function copySystem(stage: string): Promise<void> {
  const place = async (source: string, ...target: string[]) => {
    const to = join(stage, ...target);
    await mkdir(dirname(to), { recursive: true });
    await cp(join(repository, source), to, { recursive: true });
  };
  const units = join('deploy', 'systemd');
  for (const name of await readdir(join(repository, units))) {
    if (/^hawser-.*\.(service|service\.d|timer)$/.test(name)) {
      await place(join(units, name), 'usr', 'lib', 'systemd', 'system', name);
    }
  }
  await place(join('deploy', 'debian', 'sysusers.conf'), 'usr', 'lib', 'sysusers.d', 'hawser.conf');
  await place(join('deploy', 'debian', 'tmpfiles.conf'), 'usr', 'lib', 'tmpfiles.d', 'hawser.conf');
  await place(join('docs', 'reference', 'hawser.yaml'), 'etc', 'hawser', 'hawser.yaml.example');
  await place('LICENSE', 'usr', 'share', 'doc', 'hawser', 'copyright');
  await mkdir(join(stage, 'usr', 'bin'), { recursive: true });
  await symlink('../../opt/hawser/hawser', join(stage, 'usr', 'bin', 'hawser'));
}

/**
 * Loads a command from the staged copy, which finds what is missing there, and leaves the stamp by which an installed one, which may
 * not write where it stands, knows that nothing is. Without a PATH there is no npm that could mend it unseen.
 */
async function tryOut(program: string): Promise<void> {
  const main = join(program, 'cli', 'main.ts');
  const env = { PATH: '', NODE_ENV: 'production' };
  await run(
    join(program, 'bin', 'node'),
    [main, 'certs', 'show', '--help'],
    'The staged copy does not start. Run ./hawser once, so that the npm packages are complete, and try again:',
    { env },
  );
}

async function pack(stage: string, folder: string, worker: string): Promise<string> {
  const manifest: { version: string } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  const version = await versionOf(repository, manifest.version);
  const architecture = await run('dpkg', ['--print-architecture'], 'dpkg is needed to build a Debian package:');
  const size = Number.parseInt(await run('du', ['-sk', stage], 'The staged files could not be counted:'), 10);
  const depends = [...NEEDED, ...(await librariesOf([process.execPath, worker]))];
  const debian = join(stage, 'DEBIAN');
  await mkdir(debian);
  await writeFile(join(debian, 'control'), controlFile({ version, architecture, depends, size }));
  for (const script of SCRIPTS) {
    await copyFile(join(import.meta.dirname, script), join(debian, script));
    await chmod(join(debian, script), 0o755);
  }
  await mkdir(folder, { recursive: true });
  const file = join(folder, `hawser_${version}_${architecture}.deb`);
  const args = ['--root-owner-group', '-Zzstd', `-z${LEVEL}`, '--build', stage, file];
  await run('dpkg-deb', args, 'dpkg-deb could not build the package:');
  return file;
}

/** The packages of this release that hold what programs are linked with. @throws Problem where a library is of no package */
async function librariesOf(programs: readonly string[]): Promise<string[]> {
  const ldd = await run('ldd', programs, 'What the programs are linked with could not be found out:');
  const owners = new Set<string>();
  for (const library of librariesIn(ldd)) {
    // Since /lib became a link, dpkg knows some libraries by the one path and some by the other.
    const paths = [library, library.replace(/^\/usr/, ''), library.replace(/^\/lib/, '/usr/lib')];
    const found = await Promise.all([...new Set(paths)].map((path) => outcome('dpkg', ['-S', path])));
    const [owner] = found.flatMap(({ stdout }) => ownersIn(stdout));
    if (owner === undefined) {
      throw new Problem(`${library} belongs to no Debian package, so that no other machine could install it.`);
    }
    owners.add(owner);
  }
  return [...owners].sort();
}
