/** Asks the homeserver of another domain whether it reaches this one, by a connection as the own homeserver makes it. */
import { request } from 'node:https';
import { Compile } from 'typebox/compile';
import { errnoOf } from '#sft/probe/errno.ts';
import { type ErrorCode, HawserError, isErrorCode } from '#signalling/errors.ts';
import { FEDERATION_PATHS, ReachAnswer } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { HostAndPort } from '#site/address.ts';
import type { PeerDialler } from '#trust/dialler.ts';

export type Reached = { readonly answer: ReachAnswer; readonly roundTripMs: number } | Unanswered;

export interface Unanswered {
  /** `OLD`: it speaks no such call. `ODD`: it answered something else than a homeserver does. */
  readonly code: ErrorCode | 'OLD' | 'ODD';
  readonly errno?: string | undefined;
}

const TIMEOUT_MS = 10_000;
const MOST = 64 * 1024;
const form = Compile(ReachAnswer);

/** @param now ms of a clock that only goes forward */
export async function askReach(
  dialler: PeerDialler,
  domain: DomainName,
  { host, port }: HostAndPort,
  now: () => number,
): Promise<Reached> {
  const begin = now();
  try {
    const { status, body } = await post(dialler, domain, { host, port });
    const answer = readAnswer(status, body);
    return 'code' in answer ? answer : { answer: answer.reach, roundTripMs: now() - begin };
  } catch (error) {
    const errno = errnoOf(error);
    if (error instanceof HawserError) return { code: error.code, errno };
    return { code: errno === 'ECONNRESET' ? 'FED_REFUSED' : 'SIG_UNREACHABLE', errno };
  }
}

/** Whatever the other side sends: its own words go no further than the schema lets them, and codes are ours or none. */
export function readAnswer(status: number, body: string): Unanswered | { readonly reach: ReachAnswer } {
  if (status === 404) return { code: 'OLD' };
  const value = parse(body);
  if (status === 200 && form.Check(value)) return { reach: value };
  const code = typeof value === 'object' && value !== null && 'code' in value ? value.code : undefined;
  return { code: status !== 200 && typeof code === 'string' && isErrorCode(code) ? code : 'ODD' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function post(dialler: PeerDialler, domain: DomainName, { host, port }: HostAndPort) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const asking = request(
      {
        ...{ method: 'POST', host, port, path: FEDERATION_PATHS.reach },
        headers: { host: domain, 'content-type': 'application/json', 'content-length': 2 },
        agent: dialler.agent(domain, 'homeserver'),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => {
          body += part;
          if (body.length > MOST) answer.destroy(new Error('the answer is too long'));
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      },
    );
    asking.on('error', (error) => reject(error.name === 'TimeoutError' ? new HawserError('SIG_TIMEOUT') : error));
    asking.end('{}');
  });
}
