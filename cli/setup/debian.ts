/** Debian and Ubuntu packages: what is missing, installing it where we may, and fetching what the release itself does not have. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Problem } from '../errors.ts';
import { withLock, withTemporaryFolder } from './cache.ts';
import { findProgram, outcome, run } from './program.ts';
import { say } from './say.ts';

export interface Release {
  /** `debian`, `ubuntu`, or another distribution's id. */
  id: string;
  /** `bookworm`; '' where there is none, as in Debian unstable. */
  codename: string;
  /** `debian12`: short enough for a file name. */
  label: string;
  isDebianLike: boolean;
}

export async function release(): Promise<Release> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return parseRelease(text);
}

export function parseRelease(text: string): Release {
  const field = (name: string) => new RegExp(`^${name}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? '';
  const id = field('ID') || 'unknown';
  return {
    id,
    codename: field('VERSION_CODENAME'),
    label: `${id}${field('VERSION_ID') || field('VERSION_CODENAME')}`.replace(/[^a-z0-9.]/gi, ''),
    isDebianLike: [id, ...field('ID_LIKE').split(' ')].some((name) => name === 'debian' || name === 'ubuntu'),
  };
}

/**
 * Installs the packages that are missing: as root, or where sudo asks for no password.
 * @throws Problem with the one command to run, otherwise
 */
export async function ensureDebianPackages(names: readonly string[], purpose: string): Promise<void> {
  if (!(await release()).isDebianLike) return;
  const missing = await missingPackages(names);
  if (missing.length === 0) return;

  const prefix = await rootPrefix();
  const byHand = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (prefix === undefined) {
    throw new Problem(`Debian packages are missing ${purpose}. Run this, then try again:\n\n  ${byHand}\n`);
  }
  say(`installing Debian packages ${purpose}: ${missing.join(' ')}`);
  const [program, ...rest] = [...prefix, 'apt-get'];
  const aptGet = (args: readonly string[]) =>
    outcome(program ?? 'apt-get', [...rest, ...args], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...missing];
  // The lists of a fresh machine are empty or old; an update that fails for one source need not matter for the others.
  const { code, tail } = await withLock('apt', async () => {
    await aptGet(['update']);
    return aptGet(install);
  });
  if (code !== 0) throw new Problem(`apt-get could not install them:\n\n${tail}\n\nMend that, then run: ${byHand}`);
}

export async function missingPackages(names: readonly string[]): Promise<string[]> {
  // Two letters and a space, such as "ii ", in front of each name; dpkg's own placeholders.
  const format = ['db:Status-Abbrev', 'Package'].map((field) => `\${${field}}`).join('');
  const { stdout } = await outcome('dpkg-query', ['-W', `-f=${format}\\n`, ...names]);
  const lines = new Set(stdout.split('\n'));
  return names.filter((name) => !lines.has(`ii ${name}`));
}

/** What to put before a command so that root runs it; undefined where that would take a password. */
async function rootPrefix(): Promise<string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const sudo = await findProgram('sudo');
  if (sudo === undefined || (await outcome(sudo, ['-n', 'true'])).code !== 0) return undefined;
  return [sudo, '-n', 'DEBIAN_FRONTEND=noninteractive'];
}

/** One line of the system's own package sources. */
export interface Source {
  uri: string;
  suite: string;
  label: string;
}

/** Debian's, Debian's security and Ubuntu's archives as this system has them configured, so that a site's mirror is used. */
async function systemSources(): Promise<Source[]> {
  const format = '$(REPO_URI)\t$(RELEASE)\t$(LABEL)\t$(SITE)';
  const { stdout } = await outcome('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  return lines.flatMap(([uri, suite, label]) =>
    uri && suite && (label === 'Debian' || label === 'Debian-Security' || label === 'Ubuntu')
      ? [{ uri, suite, label }]
      : [],
  );
}

/** The same, after the lists were fetched where there were none yet. @throws Problem where the system has no such source */
async function archive({ codename, label }: Release): Promise<Source[]> {
  const has = (sources: readonly Source[]) => sources.some(({ suite }) => suite === codename);
  const found = await systemSources();
  if (has(found)) return found;
  await outcome('apt-get', ['update']);
  const fetched = await systemSources();
  if (has(fetched)) return fetched;
  throw new Problem(
    `apt-get knows no package source of ${label}. Add one, run apt-get update as root, then this again.`,
  );
}

/** Where the packages of the release come from here. @throws Problem where the system has no such source */
export async function mirror(codename: string): Promise<string> {
  const main = (await archive(await release())).find(({ suite }) => suite === codename);
  if (main === undefined) throw new Problem(`apt-get knows no package source of ${codename}. Add one, and try again.`);
  return main.uri;
}

/** Fetches the binary package `name` from the release's backports and unpacks it into `target`, without installing it. */
export async function fetchBackport(name: string, target: string): Promise<void> {
  const system = await release();
  const [main] = (await archive(system)).filter(({ suite }) => suite === system.codename);
  if (system.id !== 'debian' || main === undefined) throw new Problem(`${name} has no backport for ${system.label}.`);
  const suite = `${system.codename}-backports`;
  await withPrivateApt([sourceLine('deb', { ...main, suite }, system.id)], async (aptGet, folder) => {
    await aptGet(['download', `${name}/${suite}`]);
    const file = (await readdir(folder)).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new Problem(`apt-get did not download ${name} from ${suite}.`);
    await run('dpkg', ['-x', join(folder, file), target], `${name} could not be unpacked:`);
  });
}

/** Fetches packages of the release, with its security updates, and unpacks them into `target`, without installing them. */
export async function fetchDebianPackages(names: readonly string[], target: string): Promise<void> {
  const system = await release();
  const lines = (await archive(system)).map((source) => sourceLine('deb', source, system.id));
  await withPrivateApt([...new Set(lines)], async (aptGet, folder) => {
    await aptGet(['download', ...names]);
    for (const file of (await readdir(folder)).filter((entry) => entry.endsWith('.deb'))) {
      await run('dpkg', ['-x', join(folder, file), target], `${file} could not be unpacked:`);
    }
  });
}

/** The packages that installing `name` would install here, itself among them, by what apt-get knows now. */
export async function packagesToInstall(name: string): Promise<string[]> {
  const { stdout } = await outcome('apt-get', ['install', '--simulate', '--no-install-recommends', name], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
}

/** Fetches the release's source package `name`, with Debian's patches and security updates, into `target`, and returns `target`. */
export async function fetchDebianSource(name: string, target: string): Promise<string> {
  const system = await release();
  const lines = (await archive(system)).map((source) => sourceLine('deb-src', source, system.id));
  await withPrivateApt([...new Set(lines)], async (aptGet, folder) => {
    await aptGet(['source', '--download-only', name]);
    const description = (await readdir(folder)).find((entry) => entry.endsWith('.dsc'));
    if (description === undefined) throw new Problem(`apt-get did not download the source of ${name}.`);
    // apt has checked the file against the archive's signed index; the maintainer's own key need not be known here.
    await run(
      'dpkg-source',
      ['--no-check', '-x', join(folder, description), target],
      `The source of ${name} could not be unpacked:`,
    );
  });
  return target;
}

function sourceLine(kind: 'deb' | 'deb-src', { uri, suite }: Source, id: string): string {
  const keyring = `/usr/share/keyrings/${id === 'ubuntu' ? 'ubuntu' : 'debian'}-archive-keyring.gpg`;
  return `${kind} [signed-by=${keyring}] ${uri} ${suite} main${id === 'ubuntu' ? ' universe' : ''}`;
}

type AptGet = (args: readonly string[]) => Promise<void>;

/** apt-get on a list of sources of our own, in a folder of our own: the system's configuration and lists stay as they are. */
async function withPrivateApt(lines: readonly string[], use: (aptGet: AptGet, folder: string) => Promise<void>) {
  await withTemporaryFolder('apt', async (folder) => {
    const sources = join(folder, 'sources.list');
    await writeFile(sources, `${lines.join('\n')}\n`);
    await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
    await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
    const options = [
      `Dir::Etc::sourcelist=${sources}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${join(folder, 'lists')}`,
      `Dir::Cache=${join(folder, 'cache')}`,
      // As root apt downloads as the user _apt, who may not write here.
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    const aptGet: AptGet = async (args) => {
      await run('apt-get', [...options, '-q', ...args], `apt-get ${args.join(' ')} failed:`, { cwd: folder });
    };
    await aptGet(['update']);
    await use(aptGet, folder);
  });
}
