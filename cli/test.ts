/** `hawser test`: makes sure that all is there, then runs the checks and the tests, and ends with one line of counts. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { command, Problem, type Terminal } from './command.ts';
import { ensureChromium } from './setup/chromium.ts';
import { ensureDebianHost } from './setup/debian-host.ts';
import { ensureHelm } from './setup/helm.ts';
import { repository } from './setup/packages.ts';
import { ensurePostgres } from './setup/postgres.ts';
import { outcome } from './setup/program.ts';
import { ensurePrometheus } from './setup/prometheus.ts';
import { ensureTcpdump } from './setup/tcpdump.ts';
import { ensureWorker } from './setup/worker.ts';
import { select, testFiles } from './test/selection.ts';
import { type Counts, closingLine, count, failures, type Report } from './test/summary.ts';

export const test = command({
  name: 'test',
  summary: 'Run every check and test, or those that are named',
  usage: '[path or name…]',
  words: { min: 0, max: Number.POSITIVE_INFINITY },
  flags: {},
  about: [
    'A word that is part of the path of a test file selects that file; any other word is part of the name of a test.',
    'Without words, format, lint and types are checked too. The last line counts the tests; the exit code is 0 when all',
    'is well, and 1 when something failed or no test ran.',
    '',
    'Examples:  hawser test    hawser test sft/link    hawser test cli "an unknown flag"',
  ],
  async run({ args, out, err, signal }) {
    const environment = { ...process.env, ...(await prepared(args, err)) };
    const broken: string[] = [];
    if (args.length === 0) {
      for (const [name, file, ...rest] of CHECKS) {
        if (signal.aborted) throw new Problem('stopped.');
        if (!(await passes(name, file, rest, err))) broken.push(name);
      }
    }
    if (signal.aborted) throw new Problem('stopped.');
    const { counts, code, failed } = await vitest(args, environment, err);
    if (failed.length > 0) out(['Failed:', ...failed.map((line) => `  ${line}`)].join('\n'));
    if (broken.length > 0) out(`Not right: ${broken.join(', ')}.`);
    if (code !== 0 && counts.failed === 0) out(`vitest ended with code ${code}; it says why above.`);
    if (counts.passed + counts.failed === 0) out('No test ran.');
    out(closingLine(counts));
    return broken.length === 0 && code === 0 && counts.failed === 0 && counts.passed > 0 ? 0 : 1;
  },
});

/** What the tests need besides the code. A worker that has to be compiled takes longest; the rest is mostly fetched, and that goes on meanwhile. */
async function prepared(args: readonly string[], err: Terminal['err']): Promise<NodeJS.ProcessEnv> {
  const worker = async () => ({ MEDIASOUP_WORKER_BIN: await timed('media worker', err, ensureWorker) });
  const others = async () => ({
    HAWSER_CHROMIUM: await timed('Chromium', err, ensureChromium),
    HAWSER_POSTGRES: await timed('PostgreSQL', err, ensurePostgres),
    HAWSER_PROMETHEUS: await timed('Prometheus', err, ensurePrometheus),
    ...(await recorder(err)),
    ...(await helm(err)),
    ...(await host(args, err)),
  });
  // Whatever fails, the other one is not left alone in the middle.
  const both = await Promise.allSettled([worker(), others()]);
  let environment: NodeJS.ProcessEnv = {};
  for (const one of both) {
    if (one.status === 'rejected') throw one.reason;
    environment = { ...environment, ...one.value };
  }
  return environment;
}

const bin = (name: string) => join(repository, 'node_modules', '.bin', name);

const CHECKS: readonly (readonly [string, string, ...string[]])[] = [
  ['format and lint', bin('biome'), 'ci', '--colors=off', '.'],
  ['types', bin('tsc'), '-p', '.'],
];

/** What records packets. Not everybody may: the test that does it is skipped there, and nothing else. */
async function recorder(err: Terminal['err']): Promise<NodeJS.ProcessEnv> {
  try {
    return { HAWSER_TCPDUMP: await timed('tcpdump', err, ensureTcpdump) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    err(`hawser: no test looks at what goes over the wires: ${error.message}`);
    return {};
  }
}

/** What renders the chart. Where there is neither Helm nor Go, the chart's tests are skipped and nothing else. */
async function helm(err: Terminal['err']): Promise<NodeJS.ProcessEnv> {
  try {
    return { HAWSER_HELM: await timed('Helm', err, ensureHelm) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    err(`hawser: no test renders the Helm chart: ${error.message}`);
    return {};
  }
}

/** In what Hawser is installed. Not everybody may boot it, and it takes minutes to make: only where that test is asked for. */
async function host(args: readonly string[], err: Terminal['err']): Promise<NodeJS.ProcessEnv> {
  const { files } = select(args, await testFiles(), process.cwd());
  if (files.length > 0 && !files.includes('deploy/install/install.e2e.test.ts')) return {};
  try {
    return { HAWSER_DEBIAN_HOST: await timed('Debian to install in', err, ensureDebianHost) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    err(`hawser: no test follows docs/guides/install.md: ${error.message}`);
    return {};
  }
}

async function passes(name: string, file: string, args: readonly string[], err: Terminal['err']): Promise<boolean> {
  const lines: string[] = [];
  const { code } = await timed(name, err, () =>
    outcome(file, args, { cwd: repository, onLine: (line) => lines.push(line) }),
  );
  if (code !== 0) for (const line of lines) err(line);
  return code === 0;
}

async function vitest(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  err: Terminal['err'],
): Promise<{ counts: Counts; code: number; failed: readonly string[] }> {
  const { files, names } = select(words, await testFiles(), process.cwd());
  const folder = await mkdtemp(join(tmpdir(), 'hawser-test-'));
  try {
    const report = join(folder, 'report.json');
    const args = [
      join(repository, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      ...(names === undefined ? [] : ['--testNamePattern', names]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...files,
    ];
    const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' };
    const { code } = await timed('tests', err, () =>
      outcome(process.execPath, args, { cwd: repository, env: { ...colours, ...env }, onLine: show }),
    );
    const text = await readFile(report, 'utf8').catch(() => '{"testResults":[]}');
    const parsed: Report = JSON.parse(text);
    const counts = count(parsed);
    // The report does not tell tests that are marked as skipped from those that the names left out, which are no news.
    const failed = failures(parsed, repository);
    return { counts: names === undefined ? counts : { ...counts, skipped: 0 }, code, failed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What vitest prints, but for the place of a report that is gone a moment later. */
function show(line: string): void {
  if (!line.startsWith('JSON report written to')) process.stdout.write(`${line}\n`);
}

async function timed<T>(name: string, err: Terminal['err'], work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  err(`hawser: ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}
