import { expect, test } from 'vitest';
import { command } from './command.ts';
import { dispatch } from './dispatch.ts';
import { Problem, UsageError } from './errors.ts';
import type { Entry } from './table.ts';

const demo = command({
  name: 'demo',
  summary: 'Start it',
  usage: '[WHAT]',
  words: { min: 0, max: 1 },
  flags: { check: { type: 'boolean', summary: 'And try it' } },
  async run({ args, flags, out }) {
    if (args[0] === 'broken') throw new Problem('it is broken. Mend it.');
    if (args[0] === 'senseless') throw new UsageError('that makes no sense.');
    out(`demo ${args[0]} ${flags.check}`);
    return 7;
  },
});

const allow = command({ name: 'peers allow', summary: 'Allow one', usage: '', flags: {}, run: async () => 0 });

const table: Entry[] = [
  { name: 'demo', summary: 'Start it', load: async () => demo },
  { name: 'peers allow', summary: 'Allow one', load: async () => allow },
  { name: 'peers list', summary: 'List them', load: () => Promise.reject(new Error('never loaded')) },
];

async function call(...argv: string[]) {
  const seen = { out: '', err: '', prepared: 0 };
  const terminal = {
    out(line: string) {
      seen.out += `${line}\n`;
    },
    err(line: string) {
      seen.err += `${line}\n`;
    },
    signal: new AbortController().signal,
  };
  const prepare = async () => {
    seen.prepared++;
  };
  const code = await dispatch(argv, table, terminal, { prepare, firstStep: 'hawser demo' });
  return { code, ...seen };
}

test('without a command the help is shown, and nothing is prepared or loaded for it', async () => {
  for (const argv of [[], ['--help'], ['-h'], ['help']]) {
    const { code, out, prepared } = await call(...argv);
    expect(code).toBe(0);
    expect(out).toContain('peers list');
    expect(out).toMatch(/Start with: hawser demo\n$/);
    expect(prepared).toBe(0);
  }
});

test('a command gets its words and flags, and its exit code is handed on', async () => {
  expect(await call('demo', '--check', 'x')).toEqual({ code: 7, out: 'demo x true\n', err: '', prepared: 1 });
});

test('every command has --help, which does not run it', async () => {
  const { code, out } = await call('demo', 'x', '--help');
  expect(code).toBe(0);
  expect(out).toContain('Usage: hawser demo [flags] [WHAT]');
  expect(out).toContain('--check');
});

test('an unknown command gets a suggestion and exit code 2', async () => {
  expect(await call('demmo')).toMatchObject({
    code: 2,
    err: "hawser: there is no command 'demmo'. Did you mean demo?\n",
  });
  expect((await call('peers', 'lits')).err).toContain('Did you mean peers list?');
  expect((await call('peesr', 'list')).err).toContain('Did you mean peers list?');
  expect((await call('--version')).err).toContain("there is no flag '--version'");
  expect(await call('xyzzy')).toMatchObject({ code: 2, out: '' });
});

test('an unknown flag gets a suggestion and exit code 2', async () => {
  const { code, err } = await call('demo', '--chek');
  expect(code).toBe(2);
  expect(err).toBe('hawser: demo has no flag --chek. Did you mean --check? hawser demo --help says what it takes.\n');
});

test('the first word of several commands lists them', async () => {
  expect(await call('peers', '--help')).toMatchObject({ code: 0, err: '' });
  const { code, err } = await call('peers');
  expect(code).toBe(2);
  expect(err).toContain('peers allow  Allow one');
});

test('a problem is a sentence and exit code 1, a senseless call exit code 2', async () => {
  expect(await call('demo', 'broken')).toMatchObject({ code: 1, err: 'hawser: it is broken. Mend it.\n' });
  expect(await call('demo', 'senseless')).toMatchObject({ code: 2 });
});
