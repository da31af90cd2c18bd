/** Builds the worker from the sources in mediasoup's npm package with the distribution's libraries. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withTemporaryFolder } from '../setup/cache.ts';
import { ensureDebianPackages, fetchDebianSource } from '../setup/debian.ts';
import { ensureMeson } from '../setup/meson.ts';
import { run } from '../setup/program.ts';
import { progress, say } from '../setup/say.ts';
import { MESON_OPTIONS, mediasoup } from './recipe.ts';
import { layOut, STANDS_IN_FOR } from './sources.ts';

/** What the build needs of Debian and Ubuntu, besides meson. */
export const BUILD_PACKAGES = [
  'build-essential',
  'ninja-build',
  'pkg-config',
  'python3',
  'libuv1-dev',
  'libssl-dev',
  'libabsl-dev',
  'flatbuffers-compiler',
  'libflatbuffers-dev',
];

/**
 * One of the headers that flatc generates, all in one step. libwebrtc includes them and does not name them among its dependencies in
 * mediasoup's own build (3.27.1), so that on a quick or busy machine it is compiled before they are there.
 */
const GENERATED_HEADER = join('fbs', 'FBS', 'worker.h');

/** Puts `mediasoup-worker` and `srtp3-test`, the test of the SRTP shim, which has passed, into `target`. Four to five minutes on two cores. */
export async function buildWorker(target: string): Promise<void> {
  await ensureDebianPackages(BUILD_PACKAGES, 'to build the media worker');
  const meson = await ensureMeson();
  const { folder, version } = await mediasoup();

  await withTemporaryFolder('worker-build', async (temporary) => {
    const sources = join(temporary, 'worker');
    const build = join(temporary, 'build');
    const libsrtp2 = await fetchDebianSource('libsrtp2', join(temporary, 'libsrtp2'));
    await layOut(folder, libsrtp2, sources);

    say(`building the media worker of mediasoup ${version} (four to five minutes on two cores, once)`);
    await run(
      meson.file,
      [...meson.args, 'setup', ...MESON_OPTIONS, build, sources],
      'The build of the media worker could not be set up. The last lines of meson:',
      { env: meson.env },
    );
    const failed = 'The headers of the media worker could not be generated. The last lines of ninja:';
    await run('ninja', ['-C', build, GENERATED_HEADER], failed, { env: meson.env });
    const shimTest = join('subprojects', STANDS_IN_FOR.libsrtp3 ?? '', 'srtp3-test');
    await ninja(build, [shimTest, 'mediasoup-worker'], meson.env);
    await run(join(build, shimTest), [], 'The SRTP layer of the built media worker is wrong, so it is not used:');

    await mkdir(target, { recursive: true });
    await copyFile(join(build, shimTest), join(target, 'srtp3-test'));
    await copyFile(join(build, 'mediasoup-worker'), join(target, 'mediasoup-worker'));
  });
}

async function ninja(build: string, targets: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const bar = progress('building the media worker');
  try {
    // ninja uses all cores by itself; -d stats and colours are off because its output is a pipe.
    await run('ninja', ['-C', build, ...targets], 'The media worker could not be built. The last lines of ninja:', {
      env,
      onLine: (line) => {
        const step = /^\[(\d+)\/(\d+)\]/.exec(line);
        if (step) bar.update(Number(step[1]), Number(step[2]));
      },
    });
  } finally {
    bar.end();
  }
}
