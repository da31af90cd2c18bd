/** What may be answered to whatever a client sends: success, or a refusal with a code of the closed list. Pure. */
import { Compile } from 'typebox/compile';
import { Problem } from '#signalling/client-home.ts';
import { ERRORS, isErrorCode } from '#signalling/errors.ts';
import type { Outcome } from './target.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const problem = Compile(Problem);
/** The homeserver that is spoilt serves no web application. */
const NO_PAGE = 'The web application is not here.';

/** Where something else is away, which no input can help: another domain, the SFT, the mail server. */
const AWAY: ReadonlySet<string> = new Set([
  'FED_REFUSED',
  'FED_TLS',
  'FED_UNREACHABLE',
  'HOME_SFT_UNREACHABLE',
  'HOME_NO_MAIL',
]);

/** Of bytes that are no request yet HTTP has statuses of its own (RFC 6585, section 5; RFC 9110, section 15.5.9). */
const OF_CONNECTION: Readonly<Record<string, number>> = { SIG_TOO_LARGE: 431, SIG_TIMEOUT: 408 };

/** What only the inside of a server knows: stack traces, paths, words of the database and of Node. */
const INSIDE =
  /(?:\n|\\n)\s+at \S|\(node:internal|node_modules|\.ts:\d+|\b(?:TypeError|RangeError|SyntaxError|ReferenceError)\b|SQLITE_|constraint failed|violates|invalid byte sequence|ECONN|ENOENT|FST_ERR/;

export function judged({ status, body }: Answer): Outcome {
  if (INSIDE.test(body)) return { answer: `${status}`, wrong: `the answer tells of the inside: ${body.slice(0, 300)}` };
  // A connection that goes on, or an answer without content.
  if (status < 400) return { answer: `${status}` };
  // A WebSocket that is not opened, which is told by the status alone; and a person in a browser, who is told in a sentence.
  if (body === '' && [403, 404, 426].includes(status)) return { answer: `${status}` };
  if (status === 404 && body.startsWith(NO_PAGE)) return { answer: 'no page' };
  const code = codeIn(body);
  if (code === undefined) return { answer: `${status}`, wrong: `${status} without a code: ${body.slice(0, 200)}` };
  if (!isErrorCode(code)) return { answer: code, wrong: `${code} is not in the list` };
  if (![ERRORS[code].status, OF_CONNECTION[code]].includes(status))
    return { answer: code, wrong: `${code} with the status ${status}` };
  if (status >= 500 && !AWAY.has(code)) return { answer: code, wrong: `${status} ${code}: ${body.slice(0, 200)}` };
  return { answer: code };
}

/** How a WebSocket was closed. @param code 1006 where there was no closing handshake */
export function judgedClosing(code: number, reason: string): Outcome {
  const [word = ''] = reason.split(' ');
  if (INSIDE.test(reason)) return { answer: `${code}`, wrong: `the reason tells of the inside: ${reason}` };
  if (isErrorCode(word)) {
    if (word === 'SIG_INTERNAL') return { answer: word, wrong: `${code} ${reason}` };
    return { answer: word };
  }
  // Of the protocol below: normal, going away, protocol error, no UTF-8, too large (RFC 6455, section 7.4.1).
  if ([1000, 1001, 1002, 1005, 1006, 1007, 1009].includes(code)) return { answer: `${code}` };
  return { answer: `${code}`, wrong: `closed with ${code} ${reason}` };
}

function codeIn(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return problem.Check(value) ? value.code : undefined;
  } catch {
    return undefined;
  }
}
