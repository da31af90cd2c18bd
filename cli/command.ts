/**
 * What a command of `hawser` is. Each file in this folder that is a command exports one or more of them, made by `command`;
 * `table.ts` says which file holds which.
 */
import { parse } from './parse.ts';

export { Problem, UsageError } from './errors.ts';

/**
 * One `--flag`. `value` is the word that stands for the value in the help, such as FILE. A `fallback` is a default that has to be looked
 * for; it is, when the command reads the flag.
 */
export type Flag =
  | { type: 'boolean'; summary: string; short?: string }
  | {
      type: 'string';
      summary: string;
      value: string;
      short?: string;
      default?: string;
      fallback?: { readonly words: string; readonly find: () => string };
      required?: true;
      choices?: readonly string[];
    }
  | {
      type: 'integer' | 'number';
      summary: string;
      value: string;
      short?: string;
      default?: number;
      required?: true;
      min?: number;
      max?: number;
    };

export type Flags = Readonly<Record<string, Flag>>;

type Given<F extends Flag> = F extends { type: 'boolean' }
  ? boolean
  : F extends { choices: readonly (infer Choice)[] }
    ? Choice
    : F extends { type: 'integer' | 'number' }
      ? number
      : string;

type Value<F extends Flag> = F extends
  | { type: 'boolean' }
  | { default: string | number }
  | { fallback: object }
  | { required: true }
  ? Given<F>
  : Given<F> | undefined;

/** The values of the flags: a boolean flag is false when not given, another one without default is undefined. */
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: Value<F[Name]> };

/** What a command may touch of the terminal it runs in. */
export interface Terminal {
  /** One line of the result, on standard output. */
  out(line: string): void;
  /** One line about what is going on, on standard error. */
  err(line: string): void;
  /** Aborted at the first Ctrl-C or TERM, with the name of the signal as reason. The command then closes what it opened and returns; a second one ends it at once. */
  signal: AbortSignal;
}

export interface Context<F extends Flags> extends Terminal {
  flags: FlagValues<F>;
  /** The words that are not flags. */
  args: readonly string[];
}

export interface CommandSpec<F extends Flags> {
  /** As typed, with the words of a subcommand: `bench trunk`. */
  name: string;
  /** One line, starting with a verb, without a full stop. */
  summary: string;
  /** What follows the name in the usage line besides the flags, such as `[path or name…]`; '' when nothing does. */
  usage: string;
  /** How many words besides flags it takes; none when left out. */
  words?: { min: number; max: number };
  /** Lines for --help below the flags: an example, what the exit codes mean. */
  about?: readonly string[];
  flags: F;
  /** Returns the exit code. Throws `UsageError` (exit code 2) or `Problem` (exit code 1) to end with a sentence. */
  run(context: Context<F>): Promise<number>;
}

const NO_WORDS = { min: 0, max: 0 } as const;

/** A command with the types of its flags shut inside. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly words: { readonly min: number; readonly max: number };
  readonly about: readonly string[];
  readonly flags: Flags;
  execute(argv: readonly string[], terminal: Terminal): Promise<number>;
}

/**
 * Makes a command of its description.
 *
 *     export const greet = command({
 *       name: 'greet',
 *       summary: 'Say hello',
 *       usage: 'NAME',
 *       words: { min: 1, max: 1 },
 *       flags: { times: { type: 'integer', value: 'N', default: 1, min: 1, summary: 'How often' } },
 *       async run({ args, flags, out }) {
 *         for (let i = 0; i < flags.times; i++) out(`Hello ${args[0]}`);
 *         return 0;
 *       },
 *     });
 */
export function command<const F extends Flags>(spec: CommandSpec<F>): Command {
  return {
    name: spec.name,
    summary: spec.summary,
    usage: spec.usage,
    words: spec.words ?? NO_WORDS,
    about: spec.about ?? [],
    flags: spec.flags,
    execute: async (argv, terminal) =>
      spec.run({ ...parse(spec, argv), out: terminal.out, err: terminal.err, signal: terminal.signal }),
  };
}
