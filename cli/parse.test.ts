import { expect, test } from 'vitest';
import type { CommandSpec } from './command.ts';
import { UsageError } from './errors.ts';
import { parse } from './parse.ts';

const flags = {
  json: { type: 'boolean', summary: 'One object', short: 'j' },
  seconds: { type: 'integer', value: 'N', summary: 'How long', default: 20, min: 1, max: 600 },
  offset: { type: 'integer', value: 'N', summary: 'From where' },
  loss: { type: 'number', value: 'PERCENT', summary: 'How much', min: 0, max: 90 },
  mode: { type: 'string', value: 'MODE', summary: 'How', choices: ['everything', 'demand'] },
} as const;

const spec: CommandSpec<typeof flags> = {
  name: 'bench trunk',
  summary: '',
  usage: 'NAME',
  words: { min: 0, max: 1 },
  flags,
  run: async () => 0,
};

const configFlags = {
  config: { type: 'string', value: 'FILE', summary: 'The configuration', required: true },
} as const;

const withConfig: CommandSpec<typeof configFlags> = {
  name: 'sft',
  summary: '',
  usage: 'NAME',
  words: { min: 1, max: 1 },
  flags: configFlags,
  run: async () => 0,
};

const complaint = (argv: string[]): string => {
  try {
    parse(spec, argv);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'no complaint';
};

test('flags that are left out have their default', () => {
  expect(parse(spec, []).flags).toEqual({ json: false, seconds: 20 });
});

test('flags are read in every way they may be written', () => {
  expect(parse(spec, ['-j', '--seconds', '5', 'name', '--mode=demand', '--offset', '-3'])).toEqual({
    flags: { json: true, seconds: 5, mode: 'demand', offset: -3 },
    args: ['name'],
  });
  expect(parse(spec, ['--', '--json']).args).toEqual(['--json']);
});

test('a number may have decimals', () => {
  expect(parse(spec, ['--loss', '0.5']).flags).toMatchObject({ loss: 0.5 });
  expect(parse(spec, ['--loss=3']).flags).toMatchObject({ loss: 3 });
  for (const wrong of ['half', '1.', '.5', '1e1', '0x1', '90.1', '-1', '']) {
    expect(complaint([`--loss=${wrong}`])).toBe(`--loss needs a number of at least 0 and at most 90, not '${wrong}'.`);
  }
});

test('an unknown flag gets a suggestion', () => {
  expect(complaint(['--jsno'])).toBe('bench trunk has no flag --jsno. Did you mean --json?');
  expect(complaint(['--constructor'])).toBe('bench trunk has no flag --constructor.');
  expect(complaint(['-x'])).toContain('has no flag -x');
});

test('a missing or wrong value is named', () => {
  expect(complaint(['--seconds'])).toBe('--seconds needs a value: --seconds N.');
  expect(complaint(['--seconds', '--json'])).toBe('--seconds needs a value: --seconds N.');
  expect(complaint(['--seconds', 'ten'])).toBe(
    "--seconds needs a whole number of at least 1 and at most 600, not 'ten'.",
  );
  expect(complaint(['--seconds', '1.5'])).toContain('whole number');
  expect(complaint(['--seconds', '601'])).toContain('at most 600');
  expect(complaint(['--seconds='])).toContain('whole number');
  expect(complaint(['--json=yes'])).toBe('--json takes no value.');
  expect(complaint(['--mode', 'demnad'])).toBe(
    "--mode is one of everything, demand, not 'demnad'. Did you mean demand?",
  );
});

test('words too few or too many, and a needed flag, are named', () => {
  expect(complaint(['one', 'two'])).toBe("bench trunk does not know what to do with 'two'.");
  expect(() => parse(withConfig, ['x'])).toThrow('sft needs --config FILE: the configuration.');
  expect(() => parse(withConfig, ['--config', 'a.yaml'])).toThrow('sft needs NAME.');
});
