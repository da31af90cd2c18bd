/** Compares a `turnserver.conf` that is in use with the one that the site asks for. Pure. */
import { type Directive, lineOf } from './coturn.ts';
import { HARMFUL_SWITCHES, HARMFUL_VALUES, HARMLESS, TIGHTER } from './options.ts';

export interface TurnFinding {
  /** Of the file, counted from 1; undefined for what is missing in it. */
  readonly line?: number;
  /** `unknown` is what Hawser neither asks for nor knows to weaken or break anything. */
  readonly severity: 'wrong' | 'unknown';
  readonly found: string;
  readonly remedy: string;
}

interface Line {
  readonly number: number;
  readonly option: string;
  readonly value: string | undefined;
}

/** @param text the file in use */
export function checkCoturn(text: string, wanted: readonly Directive[]): readonly TurnFinding[] {
  const lines = parse(text);
  const missing = wanted.filter((directive) => !lines.some((line) => says(line, directive)));
  const instead = new Map(missing.map((directive) => [directive, lineInstead(directive, lines, wanted)]));
  const told = new Set(instead.values());
  const others = lines.filter((line) => !told.has(line) && !wanted.some((directive) => says(line, directive)));
  return [
    ...missing.map((directive) => missingFinding(directive, instead.get(directive))),
    ...others.flatMap((line) => otherFinding(line, wanted)),
  ].toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** What stands in the place of a line that is missing. */
function lineInstead({ option }: Directive, lines: readonly Line[], wanted: readonly Directive[]): Line | undefined {
  const isRepeated = wanted.filter((each) => each.option === option).length > 1;
  return isRepeated ? undefined : lines.find((line) => line.option === option);
}

function missingFinding(directive: Directive, instead: Line | undefined): TurnFinding {
  const remedy = `Write ${lineOf(directive)}: ${directive.reason}`;
  if (!instead) return { severity: 'wrong', found: `${lineOf(directive)} is missing.`, remedy };
  const { number, option, value } = instead;
  const shown = value === undefined ? option : `${option}=${value}`;
  return { line: number, severity: 'wrong', found: `${shown} stands there.`, remedy };
}

/** A line that nobody asked for. */
function otherFinding(line: Line, wanted: readonly Directive[]): readonly TurnFinding[] {
  const { number, option, value } = line;
  const isAsked = wanted.some((directive) => directive.option === option);
  const harm = harmOf(line);
  if (TIGHTER.has(option) || (!isAsked && harm === 'none')) return [];
  if (harm === undefined && !isAsked && !HARMLESS.has(option)) {
    const found = 'A line that Hawser does not know stands there.';
    return [{ line: number, severity: 'unknown', found, remedy: ASK }];
  }
  // The value of what Hawser does not write may be a secret.
  const isShown = isAsked || HARMLESS.has(option);
  const shown = value === undefined ? option : `${option}=${isShown ? value : '…'}`;
  const why = harm === undefined || harm === 'none' ? '' : `: ${harm}`;
  const isHarmful = why !== '' || isAsked;
  return [
    {
      line: number,
      severity: isHarmful ? 'wrong' : 'unknown',
      found: `${shown} is not asked for${why}.`,
      remedy: isHarmful ? 'Take the line out.' : ASK,
    },
  ];
}

const ASK = 'Take the line out, if you do not know why it is there.';

/** Undefined where nothing is known of the option. */
function harmOf({ option, value }: Line): string | undefined {
  if (Object.hasOwn(HARMFUL_SWITCHES, option)) return isOn(value) ? HARMFUL_SWITCHES[option] : 'none';
  if (option === 'rest-api-separator' && value === ':') return 'none';
  return Object.hasOwn(HARMFUL_VALUES, option) ? HARMFUL_VALUES[option] : undefined;
}

function says(line: Line, { option, value }: Directive): boolean {
  return line.option === option && (value === undefined ? isOn(line.value) : line.value === value);
}

/** coturn reads a switch with a word behind it too, by its first letter. */
function isOn(value: string | undefined): boolean {
  return value === undefined || !/^(?:[0nf]|off$)/i.test(value);
}

/** As coturn reads it: `#` begins a comment at the begin of a line, `=` or a space stands before the value, quotes fall away. */
function parse(text: string): readonly Line[] {
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const [, option = '', value] = /^([^\s=]+)(?:\s*[=\s]\s*(.*))?$/.exec(line) ?? [];
    const bare = value?.trim().replace(/^"(.*)"$/, '$1');
    return option === '' ? [] : [{ number: index + 1, option, value: bare === '' ? undefined : bare }];
  });
}
