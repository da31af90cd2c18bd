/** On what, with what and how a result was measured. */
import { execFile } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import process from 'node:process';
import { promisify } from 'node:util';
import { version as mediasoupVersion } from 'mediasoup';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly mediasoup: string;
}

const ROOT = new URL('../..', import.meta.url);
const run = promisify(execFile);

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    mediasoup: mediasoupVersion,
  };
}

/** The commit, with a `+` where files were changed since; `unknown` outside of a repository. */
export async function thisCommit(): Promise<string> {
  try {
    const git = async (...words: string[]) => (await run('git', words, { cwd: ROOT })).stdout.trim();
    const [commit, changes] = await Promise.all([
      git('rev-parse', '--short=12', 'HEAD'),
      git('status', '--porcelain', '--untracked-files=no'),
    ]);
    return changes === '' ? commit : `${commit}+`;
  } catch {
    return 'unknown';
  }
}
