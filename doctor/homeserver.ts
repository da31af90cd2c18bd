/** Asks the homeserver of another domain whether it reaches this one, by a connection as the own homeserver makes it. */
import { request } from 'node:https';
import { Compile } from 'typebox/compile';
import { errnoOf } from '#sft/probe/errno.ts';
import { HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS, ReachAnswer } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { HostAndPort } from '#site/address.ts';
import type { PeerDialler } from '#trust/dialler.ts';

export type Reached =
  | { readonly answer: ReachAnswer; readonly roundTripMs: number }
  /** `OLD`: it speaks no such call. */
  | { readonly code: string; readonly errno: string | undefined };

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
    if (status === 404) return { code: 'OLD', errno: undefined };
    const value: unknown = JSON.parse(body);
    if (status === 200 && form.Check(value)) return { answer: value, roundTripMs: now() - begin };
    const code =
      typeof value === 'object' && value !== null && 'code' in value ? String(value.code) : `status ${status}`;
    return { code, errno: undefined };
  } catch (error) {
    const errno = errnoOf(error);
    if (error instanceof HawserError) return { code: error.code, errno };
    return { code: errno === 'ECONNRESET' ? 'FED_REFUSED' : 'SIG_UNREACHABLE', errno };
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
