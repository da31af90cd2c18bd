/** The `hawser` command: hands the command line to `dispatch`, Ctrl-C to the command, and its end to the shell. */
import process from 'node:process';
import { dispatch } from './dispatch.ts';
import { ensurePackages, isOfDebianPackage } from './setup/packages.ts';
import { table } from './table.ts';

const stop = new AbortController();
for (const [name, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(name, () => {
    // The second time the person means it: 128 + signal is what the shell expects of a killed program.
    if (stop.signal.aborted) process.exit(128 + number);
    stop.abort(name);
  });
}

// Whoever read our output went away (`hawser … | head`). That is no fault; the command stops as after Ctrl-C.
process.stdout.on('error', (error) => {
  if (!('code' in error && error.code === 'EPIPE')) throw error;
  stop.abort('SIGPIPE');
});

const terminal = {
  out: (line: string) => process.stdout.write(`${line}\n`),
  err: (line: string) => process.stderr.write(`${line}\n`),
  signal: stop.signal,
};

const firstStep = isOfDebianPackage ? 'hawser config init' : 'hawser demo';

process.exitCode = await dispatch(process.argv.slice(2), table, terminal, { prepare: ensurePackages, firstStep });
