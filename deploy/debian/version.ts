/** The version of the package: a newer commit is a newer package, and the same commit the same one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from '#cli/setup/program.ts';

/**
 * `0.1.0+git20261129.130548.0123456789ab`: what dpkg takes for newer the later it was committed. A copy without its history is told
 * from no other one; its version is that of package.json alone.
 * @throws Problem where git does not say
 */
export async function versionOf(repository: string, base: string): Promise<string> {
  if (!existsSync(join(repository, '.git'))) return base;
  // Whoever builds it need not own the copy.
  const args = ['-c', `safe.directory=${repository}`, '-C', repository, 'log', '-1', '--abbrev=12'];
  const commit = await run(
    'git',
    [...args, '--date=format-local:%Y%m%d.%H%M%S', '--format=%cd.%h'],
    'git could not say which version this is. Install it (Debian: apt-get install git), and try again:',
    { env: { ...process.env, TZ: 'UTC' } },
  );
  return `${base}+git${commit.trim()}`;
}
