/** Compares a `turnserver.conf` that is in use with the one that the site asks for. Pure. */
import { type Directive, lineOf } from './coturn.ts';

export interface TurnFinding {
  /** Of the file, counted from 1; undefined for what is missing in it. */
  readonly line?: number;
  /** `unknown` is what Hawser neither asks for nor knows to be dangerous. */
  readonly severity: 'wrong' | 'unknown';
  readonly found: string;
  readonly remedy: string;
}

/** Options that open what is closed here. */
const DANGEROUS: Readonly<Record<string, string>> = {
  'allow-loopback-peers': 'whoever has a credential reaches services of the TURN host itself',
  'alternate-server': 'clients are sent to another server',
  'allowed-peer-ip': 'relays may send to an address that is no media of the SFT',
  'cli-ip': 'the console is on the network',
  'cli-password': 'the console is there',
  dh566: 'keys that are too short',
  dh1066: 'keys that are too short',
  'listening-ip': 'it takes clients at an address that the site does not name',
  'lt-cred-mech': 'there are accounts beside the credentials of the homeserver',
  mobility: 'an allocation moves to whoever knows its ticket',
  'no-auth': 'everybody may relay',
  oauth: 'there is another way in beside the credentials of the homeserver',
  'relay-ip': 'relays go out from an address that the site does not name',
  'server-relay': 'whoever sends to a relay gets through without a permission',
  'static-auth-secret': 'a secret stands in this file, and rotation does not reach it',
  'tls-alternate-server': 'clients are sent to another server',
  user: 'there are accounts beside the credentials of the homeserver',
  verbose: 'the log names clients and to whom they relay',
  Verbose: 'the log names clients and to whom they relay',
  'web-admin': 'the administration is on the network',
};

interface Line {
  readonly number: number;
  readonly option: string;
  readonly value: string | undefined;
}

/** @param text the file in use */
export function checkCoturn(text: string, wanted: readonly Directive[]): readonly TurnFinding[] {
  const lines = parse(text);
  const single = new Set(wanted.map(({ option }) => option).filter((option) => !isRepeated(wanted, option)));
  const findings: TurnFinding[] = [];
  for (const directive of wanted) {
    if (lines.some((line) => says(line, directive))) continue;
    const other = single.has(directive.option) ? lines.find(({ option }) => option === directive.option) : undefined;
    findings.push({
      ...(other && { line: other.number }),
      severity: 'wrong',
      found: other ? `${shown(other)} stands there.` : `${lineOf(directive)} is missing.`,
      remedy: `Write ${lineOf(directive)}: ${directive.reason}`,
    });
  }
  for (const line of lines) {
    const isWanted = wanted.some((directive) => says(line, directive));
    const isTold = single.has(line.option) && findings.some(({ line: number }) => number === line.number);
    if (isWanted || isTold || isHarmless(line)) continue;
    const danger = DANGEROUS[line.option];
    findings.push({
      line: line.number,
      severity: danger === undefined && !single.has(line.option) ? 'unknown' : 'wrong',
      found: `${shown(line)} is not asked for${danger === undefined ? '' : `: ${danger}`}.`,
      remedy: danger === undefined ? 'Take the line out, if you do not know why it is there.' : 'Take the line out.',
    });
  }
  return findings.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function isRepeated(wanted: readonly Directive[], option: string): boolean {
  return wanted.filter((each) => each.option === option).length > 1;
}

/** More that is denied does no harm. */
function isHarmless({ option }: Line): boolean {
  return option === 'denied-peer-ip';
}

function says(line: Line, { option, value }: Directive): boolean {
  return line.option === option && (value === undefined ? isOn(line.value) : line.value === value);
}

/** coturn reads a switch with a word behind it too. */
function isOn(value: string | undefined): boolean {
  return value === undefined || !/^(?:0|f|false|off|no)$/i.test(value);
}

/** A secret is not shown. */
function shown({ option, value }: Line): string {
  const isSecret = /secret|password|^user$|userdb$/.test(option) && option !== 'userdb';
  return value === undefined ? option : `${option}=${isSecret ? '…' : value}`;
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
