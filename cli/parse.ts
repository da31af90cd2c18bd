/** Turns the words after a command's name into typed flags and words, or says in a sentence what is wrong with them. */
import { parseArgs } from 'node:util';
import type { CommandSpec, Flag, Flags, FlagValues } from './command.ts';
import { UsageError } from './errors.ts';
import { didYouMean } from './suggest.ts';

type Raw = string | number | boolean | undefined;

/** @throws UsageError for an unknown flag, a missing or ill-typed value, too few or too many words */
export function parse<F extends Flags>(
  spec: Pick<CommandSpec<F>, 'name' | 'usage' | 'words' | 'flags'>,
  argv: readonly string[],
): { flags: FlagValues<F>; args: readonly string[] } {
  const values: Record<string, Raw> = {};
  for (const [name, flag] of Object.entries(spec.flags)) {
    values[name] = flag.type === 'boolean' ? false : flag.default;
  }

  // Not strict: parseArgs then reports tokens instead of throwing sentences of its own.
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(spec.flags).map(([name, flag]) => [name, optionOf(flag)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const given = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(spec.flags, token.name) ? spec.flags[token.name] : undefined;
    if (flag === undefined) {
      const known = Object.keys(spec.flags).map((name) => `--${name}`);
      throw new UsageError(`${spec.name} has no flag ${token.rawName}.${didYouMean(token.rawName, known)}`);
    }
    // The last one would win in silence.
    if (flag.type !== 'boolean' && given.has(token.name))
      throw new UsageError(`${spec.name} takes --${token.name} once.`);
    given.add(token.name);
    values[token.name] = readValue(token.name, flag, token.value, token.inlineValue === true);
  }

  for (const [name, flag] of Object.entries(spec.flags)) {
    if (flag.type !== 'boolean' && flag.required && values[name] === undefined) {
      throw new UsageError(`${spec.name} needs --${name} ${flag.value}: ${lowerFirst(flag.summary)}.`);
    }
    if (flag.type === 'string' && flag.fallback && values[name] === undefined) {
      Object.defineProperty(values, name, { get: flag.fallback.find, enumerable: true });
    }
  }
  const { min, max } = spec.words ?? { min: 0, max: 0 };
  if (positionals.length < min) throw new UsageError(`${spec.name} needs ${spec.usage}.`);
  if (positionals.length > max) {
    const extra = positionals[max] ?? '';
    throw new UsageError(`${spec.name} does not know what to do with '${extra}'.`);
  }

  // The loops above have made each value what its flag says; the compiler cannot follow them.
  return { flags: values as FlagValues<F>, args: positionals };
}

function optionOf(flag: Flag): { type: 'boolean' | 'string'; short?: string } {
  const type = flag.type === 'boolean' ? 'boolean' : 'string';
  return flag.short === undefined ? { type } : { type, short: flag.short };
}

function readValue(name: string, flag: Flag, value: string | undefined, inline: boolean): Raw {
  if (flag.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`--${name} takes no value.`);
    return true;
  }
  // `--seconds --json` is a forgotten value, not a number called "--json"; `--seconds=--json` may mean it.
  const forgotten = value === undefined || (!inline && value.startsWith('-') && !/^-\d/.test(value));
  if (forgotten) throw new UsageError(`--${name} needs a value: --${name} ${flag.value}.`);
  if (flag.type !== 'string') return number(name, flag, value);
  if (flag.choices && !flag.choices.includes(value)) {
    throw new UsageError(
      `--${name} is one of ${flag.choices.join(', ')}, not '${value}'.${didYouMean(value, flag.choices)}`,
    );
  }
  return value;
}

function number(name: string, flag: Extract<Flag, { type: 'integer' | 'number' }>, value: string): number {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = flag;
  const form = flag.type === 'integer' ? /^-?\d+$/ : /^-?\d+(\.\d+)?$/;
  const given = form.test(value) ? Number(value) : Number.NaN;
  if (given >= min && given <= max) return given;
  const range = [
    flag.min === undefined ? '' : ` of at least ${flag.min}`,
    flag.max === undefined ? '' : `${flag.min === undefined ? ' of' : ' and'} at most ${flag.max}`,
  ].join('');
  throw new UsageError(
    `--${name} needs a ${flag.type === 'integer' ? 'whole number' : 'number'}${range}, not '${value}'.`,
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
