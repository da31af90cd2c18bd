/** The texts of `--help`: what all commands are, and what one takes. */
import type { Command, Flag } from './command.ts';
import type { Entry } from './table.ts';

/** @param firstStep what somebody does who has only just got here */
export function overview(table: readonly Entry[], firstStep: string): string {
  return [
    'Hawser: federated conferencing that organisations run themselves.',
    '',
    'Usage: hawser COMMAND [flags]',
    '',
    ...columns(table.map(({ name, summary }) => [name, summary])),
    '',
    `hawser COMMAND --help says what a command takes. Start with: ${firstStep}`,
  ].join('\n');
}

/** The help of a first word that has subcommands, such as `peers`. */
export function groupHelp(group: string, members: readonly Entry[]): string {
  return [`Usage: hawser ${group} COMMAND`, '', ...columns(members.map(({ name, summary }) => [name, summary]))].join(
    '\n',
  );
}

export function commandHelp(command: Command): string {
  const flags = Object.entries(command.flags);
  const usage = ['hawser', command.name, flags.length > 0 ? '[flags]' : '', command.usage].filter(
    (word) => word !== '',
  );
  const about = command.about.length > 0 ? ['', ...command.about] : [];
  return [
    `${command.summary}.`,
    '',
    `Usage: ${usage.join(' ')}`,
    '',
    ...columns([...flags.map(([name, flag]): [string, string] => [heading(name, flag), description(flag)]), HELP]),
    ...about,
  ].join('\n');
}

const HELP: [string, string] = ['--help', 'Show this'];

function heading(name: string, flag: Flag): string {
  const short = flag.short === undefined ? '' : `-${flag.short}, `;
  return flag.type === 'boolean' ? `${short}--${name}` : `${short}--${name} ${flag.value}`;
}

function description(flag: Flag): string {
  const notes = [];
  if (flag.type === 'string' && flag.choices) notes.push(`one of ${flag.choices.join(', ')}`);
  if (flag.type !== 'boolean' && flag.required) notes.push('needed');
  if (flag.type !== 'boolean' && flag.default !== undefined) notes.push(`${flag.default} when left out`);
  if (flag.type === 'string' && flag.fallback) notes.push(`${flag.fallback.words}, when left out`);
  return notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join('; ')})`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
