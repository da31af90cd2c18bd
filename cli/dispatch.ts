/** From the words on the command line to the command that they mean, and from its end to an exit code. */
import type { Terminal } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { commandHelp, groupHelp, overview } from './help.ts';
import { nearest } from './suggest.ts';
import type { Entry } from './table.ts';

export interface Surroundings {
  /** What has to be there before a command is loaded; the npm packages, in real life. */
  prepare(terminal: Terminal): Promise<void>;
  /** What the help tells somebody to begin with. */
  readonly firstStep: string;
}

/** Runs what `argv` says and returns the exit code: 0, 1 for a problem, 2 for a wrong call. */
export async function dispatch(
  argv: readonly string[],
  table: readonly Entry[],
  terminal: Terminal,
  surroundings: Surroundings,
): Promise<number> {
  try {
    return await run(argv, table, terminal, surroundings);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`hawser: ${error.message}`);
      return 2;
    }
    if (error instanceof Problem) {
      terminal.err(`hawser: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

async function run(
  argv: readonly string[],
  table: readonly Entry[],
  terminal: Terminal,
  surroundings: Surroundings,
): Promise<number> {
  const [first, second] = argv;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    terminal.out(overview(table, surroundings.firstStep));
    return 0;
  }
  const pair = `${first} ${second}`;
  const entry = table.find(({ name }) => name === pair) ?? table.find(({ name }) => name === first);
  if (entry === undefined) return group(first, second, table, terminal);

  await surroundings.prepare(terminal);
  const command = await entry.load();
  const rest = argv.slice(entry.name.split(' ').length);
  if (asksForHelp(rest)) {
    terminal.out(commandHelp(command));
    return 0;
  }
  try {
    return await command.execute(rest, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} hawser ${entry.name} --help says what it takes.`);
  }
}

/** `peers` alone, `peers --help`, or a word that is no command. */
function group(first: string, second: string | undefined, table: readonly Entry[], terminal: Terminal): number {
  const members = table.filter(({ name }) => name.startsWith(`${first} `));
  if (members.length === 0) {
    const what = first.startsWith('-') ? 'flag' : 'command';
    // A mistyped first word of two (`bnech trunk`) is compared with both words, alone with one.
    const names = table.map(({ name }) => name);
    const firsts = [...new Set(names.map((name) => name.split(' ')[0] ?? name))];
    const meant = nearest(`${first} ${second}`, names) ?? nearest(first, firsts);
    const advice = meant === undefined ? 'hawser --help lists the commands.' : `Did you mean ${meant}?`;
    throw new UsageError(`there is no ${what} '${first}'. ${advice}`);
  }
  if (second === '--help' || second === '-h') {
    terminal.out(groupHelp(first, members));
    return 0;
  }
  if (second === undefined) {
    terminal.err(groupHelp(first, members));
    return 2;
  }
  const names = members.map(({ name }) => name);
  const meant = nearest(`${first} ${second}`, names);
  const advice = meant === undefined ? `There are: ${names.join(', ')}.` : `Did you mean ${meant}?`;
  throw new UsageError(`there is no command '${first} ${second}'. ${advice}`);
}

/** `--help` anywhere before `--`. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  return own.includes('--help') || own.includes('-h');
}
