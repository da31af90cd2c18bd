import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repository } from './setup/packages.ts';
import { findProgram } from './setup/program.ts';

const launcher = join(repository, 'hawser');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-launcher-'));
  await mkdir(join(folder, 'bin'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function program(path: string, script: string) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** Runs the launcher with the programs of the test first on PATH, and its own cache. @param system where it finds others */
function launch(
  file: string,
  args: string[] = [],
  system = '/usr/bin:/bin',
): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: `${join(folder, 'bin')}:${system}`, HOME: folder, HAWSER_CACHE: join(folder, 'cache') };
  return new Promise((resolve) => {
    execFile(file, args, { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** A launcher that takes this Node, wherever it runs, and no other. */
async function launcherFor(node: string): Promise<string> {
  const text = await readFile(launcher, 'utf8');
  const sum = createHash('sha256').update(node).digest('hex');
  const changed = text.replaceAll(/^( +sum=)[0-9a-f]{64}$/gm, (_line, name) => `${name}${sum}`);
  expect(changed.split(sum)).toHaveLength(3);
  const path = join(folder, 'hawser');
  await writeFile(path, changed, { mode: 0o755 });
  return path;
}

/** As the npm of the test makes it. */
const nodeOf = (version: string) =>
  `#!/bin/sh\nif [ "$1" = --version ]; then echo v${version}; else echo "started $*"; fi\n`;

async function pinnedVersion(): Promise<string> {
  return /^pinned=(.*)$/m.exec(await readFile(launcher, 'utf8'))?.[1] ?? '';
}

/** An npm that "installs" a Node which says its version and then what it was called with. */
const NPM = `prefix=$3
for package; do :; done
mkdir -p "$prefix/node_modules/\${package%@*}/bin"
node="$prefix/node_modules/\${package%@*}/bin/node"
printf '#!/bin/sh\\nif [ "$1" = --version ]; then echo v%s; else echo "started $*"; fi\\n' "\${package#*@}" > "$node"
chmod +x "$node"`;

test('a Node that is new enough is used as it is, and nothing is fetched or said', async () => {
  await symlink(process.execPath, join(folder, 'bin', 'node'));
  const { code, stdout, stderr } = await launch(launcher, ['--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Usage: hawser COMMAND');
  // But for what was compiled.
  expect(await readdir(join(folder, 'cache'))).toEqual(['compiled']);
});

test('an older Node is replaced by one from npm, once', async () => {
  await program(join(folder, 'bin', 'node'), 'echo v20.19.0');
  await program(join(folder, 'bin', 'npm'), NPM);
  const fetching = await launcherFor(nodeOf(await pinnedVersion()));
  const first = await launch(fetching, ['demo', 'two words']);
  expect(first.stderr).toMatch(/^hawser: fetching Node 24\.\d+\.\d+ into .*\n$/);
  expect(first.stdout).toMatch(
    /^started --max-semi-space-size=16 --disable-warning=ExperimentalWarning .*\/cli\/main\.ts demo two words\n$/,
  );
  const second = await launch(fetching, ['demo']);
  expect(second.stderr).toBe('');
});

test('two launchers at once on an empty cache both get there', async () => {
  await program(join(folder, 'bin', 'node'), 'echo v20.19.0');
  await program(join(folder, 'bin', 'npm'), NPM);
  const fetching = await launcherFor(nodeOf(await pinnedVersion()));
  const both = await Promise.all([launch(fetching), launch(fetching)]);
  for (const { code, stdout } of both)
    expect({ code, started: stdout.startsWith('started') }).toEqual({ code: 0, started: true });
});

test.skipIf(!process.execPath.endsWith(`/node-${await pinnedVersion()}/bin/node`))(
  'the Node that was fetched is the one whose sum is in the launcher',
  async () => {
    const sum = createHash('sha256')
      .update(await readFile(process.execPath))
      .digest('hex');
    expect(await readFile(launcher, 'utf8')).toContain(`sum=${sum}\n`);
  },
);

test('another Node than the one that was tried is not started, nor kept', async () => {
  await program(join(folder, 'bin', 'node'), 'echo v20.19.0');
  await program(join(folder, 'bin', 'npm'), NPM);
  const { code, stdout, stderr } = await launch(await launcherFor(`${nodeOf(await pinnedVersion())}# changed\n`));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/What npm fetched is not the Node 24\S+ that this was made with\..* https:\/\/nodejs\.org/);
  expect(await readdir(join(folder, 'cache', `node-${await pinnedVersion()}`))).toEqual(['bin']);
  expect(await readdir(join(folder, 'cache', `node-${await pinnedVersion()}`, 'bin'))).toEqual([]);
});

test('where npm fails too, the launcher says what to install, and leaves nothing half done', async () => {
  await program(join(folder, 'bin', 'node'), 'exit 1');
  await program(join(folder, 'bin', 'npm'), 'echo "no network" >&2; exit 1');
  const { code, stderr } = await launch(launcher);
  expect(code).toBe(1);
  expect(stderr).toContain('no network');
  expect(stderr).toContain('https://nodejs.org');
  const again = await launch(launcher);
  expect(again.code).toBe(1);
});

describe('where there is no npm either', () => {
  /** What every Debian has. */
  const ESSENTIAL = [
    'cat',
    'chmod',
    'dirname',
    'env',
    'mkdir',
    'mktemp',
    'mv',
    'readlink',
    'rm',
    'sh',
    'sha256sum',
    'uname',
  ];
  const bare = () => join(folder, 'bare');
  /** An apt-get that notes its calls, and installs the npm of the test. */
  const APT = () => `echo "$@" >> ${join(folder, 'asked')}
case "$*" in *npm) mv ${join(folder, 'npm')} ${join(bare(), 'npm')} ;; esac`;

  beforeEach(async () => {
    await mkdir(bare());
    for (const name of ESSENTIAL) await symlink((await findProgram(name)) ?? name, join(bare(), name));
    await program(join(folder, 'npm'), NPM);
  });

  const isUser = (id: number) => program(join(bare(), 'id'), `echo ${id}`);

  test.each([
    ['as root', 0],
    ['by sudo where that asks for no password', 1_000],
  ])('it is installed %s, and Node fetched by it', async (_how, user) => {
    await isUser(user);
    await program(join(bare(), user === 0 ? 'apt-get' : 'sbin/apt-get'), APT());
    if (user !== 0) {
      await program(join(bare(), 'apt-get'), 'echo "are you root?" >&2; exit 100');
      await program(join(bare(), 'sudo'), `[ "$1" = -n ] || exit 1; shift; PATH=${bare()}/sbin:$PATH "$@"`);
      await symlink((await findProgram('true')) ?? 'true', join(bare(), 'true'));
    }
    const fetching = await launcherFor(nodeOf(await pinnedVersion()));
    const { code, stdout, stderr } = await launch(fetching, ['demo'], bare());
    expect(stderr).toMatch(/^hawser: installing npm with apt-get .*\nhawser: fetching Node 24\.\d+\.\d+ into .*\n$/);
    expect({ code, started: stdout.startsWith('started') }).toEqual({ code: 0, started: true });
    const asked = (await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n');
    expect(asked.map((line) => /update|install.* npm$/.test(line))).toEqual([true, true]);
  });

  test('whoever may not install it is told the one command, and nothing is asked of apt', async () => {
    await isUser(1_000);
    await program(join(bare(), 'apt-get'), APT());
    await program(join(bare(), 'sudo'), 'echo "a password is required" >&2; exit 1');
    const { code, stderr } = await launch(launcher, ['demo'], bare());
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'hawser: This needs npm, which fetches Node 24. As root, run: apt-get install --yes npm. Then run this command again.\n',
    });
    expect(await readdir(folder)).not.toContain('asked');
  });

  test('where apt-get cannot, its message is seen, and what to do', async () => {
    await isUser(0);
    await program(join(bare(), 'apt-get'), 'echo "E: no network" >&2; exit 100');
    const { code, stderr } = await launch(launcher, ['demo'], bare());
    expect(code).toBe(1);
    expect(stderr).toMatch(/E: no network\nhawser: apt-get could not install npm.* apt-get install --yes npm\n$/);
  });

  test('on another system than Debian it says where Node is', async () => {
    const { code, stderr } = await launch(launcher, ['demo'], bare());
    expect(code).toBe(1);
    expect(stderr).toContain('https://nodejs.org');
  });
});

test('it is found through a symbolic link', async () => {
  await symlink(process.execPath, join(folder, 'bin', 'node'));
  await symlink(launcher, join(folder, 'hawser'));
  expect((await launch(join(folder, 'hawser'))).stdout).toContain('hawser COMMAND');
});

test('Node and the media worker of the folder itself go before those of the machine', async () => {
  await program(join(folder, 'bin', 'node'), 'echo v99.0.0');
  const installed = join(folder, 'opt', 'hawser');
  await program(
    join(installed, 'bin', 'node'),
    'if [ "$1" = --version ]; then echo v24.0.0; else echo "own, with $MEDIASOUP_WORKER_BIN"; fi',
  );
  await copyFile(launcher, join(installed, 'hawser'));
  expect(await launch(join(installed, 'hawser'))).toMatchObject({
    stdout: `own, with ${join(installed, 'bin', 'mediasoup-worker')}\n`,
    stderr: '',
  });
});

test('a reader that goes away is no fault', async () => {
  await symlink(process.execPath, join(folder, 'bin', 'node'));
  await program(join(folder, 'piped'), `"${launcher}" --help | true`);
  expect((await launch(join(folder, 'piped'))).stderr).toBe('');
});

test('its Node is at least what package.json asks for', async () => {
  const text = await readFile(launcher, 'utf8');
  const { engines }: { engines: { node: string } } = JSON.parse(
    await readFile(join(repository, 'package.json'), 'utf8'),
  );
  const floor = /^floor=(\d+)$/m.exec(text)?.[1];
  expect(engines.node).toBe(`>=${floor}`);
  expect(/^pinned=(\d+)\./m.exec(text)?.[1]).toBe(floor);
  expect((await readFile(join(repository, '.nvmrc'), 'utf8')).trim()).toBe(floor);
});
