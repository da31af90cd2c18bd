/** Starting other programs during set-up: quietly while all is well, with their last words when not. */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Problem } from '../errors.ts';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds after which the program is ended. */
  timeout?: number;
  /** Called with each line of its output. */
  onLine?: (line: string) => void;
}

export interface Outcome {
  /** The exit code; 127 when the program could not be started, 1 when a signal ended it. */
  code: number;
  stdout: string;
  /** The last lines of both outputs, in the order they came. */
  tail: string;
}

const TAIL_LINES = 25;

/** Runs a program to its end, whatever that is. */
export async function outcome(file: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    timeout: options.timeout,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: string[] = [];
  const tail: string[] = [];
  const note = (line: string) => {
    options.onLine?.(line);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  };
  createInterface(child.stdout).on('line', (line) => {
    stdout.push(line);
    note(line);
  });
  createInterface(child.stderr).on('line', note);
  const code = await exitCode(child, note);
  return { code, stdout: stdout.join('\n'), tail: tail.join('\n') };
}

/** Whoever ends hawser ends what it started, so that nothing goes on building or testing in the background. */
async function exitCode(child: ChildProcess, note: (line: string) => void): Promise<number> {
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', pass);
  process.on('SIGTERM', pass);
  const { promise, resolve } = Promise.withResolvers<number>();
  child.once('error', (error) => {
    note(error.message);
    resolve(127);
  });
  child.once('close', (code) => resolve(code ?? 1));
  try {
    return await promise;
  } finally {
    process.off('SIGINT', pass);
    process.off('SIGTERM', pass);
  }
}

/**
 * Runs a program that has to succeed, and returns its standard output.
 * @throws Problem with `complaint` and the program's last lines when it does not
 */
export async function run(
  file: string,
  args: readonly string[],
  complaint: string,
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, tail } = await outcome(file, args, options);
  if (code !== 0) throw new Problem(`${complaint}\n\n${tail}\n\n(${file} ended with code ${code})`);
  return stdout;
}

/** The full path of a program on PATH, or undefined. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name);
    if (folder !== '' && (await isExecutable(file))) return file;
  }
  return undefined;
}

export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
