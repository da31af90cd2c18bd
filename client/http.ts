/** One call of the homeserver's API: JSON in, JSON out, parsed by its schema; a refusal is thrown with its code. */
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { API, Problem } from '#signalling/client-home.ts';
import { HawserError, isErrorCode } from '#signalling/errors.ts';
import { UnreachableError } from './failure.ts';

export interface Call<S extends TSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, without a slash at its begin; every part of it already encoded. */
  readonly path: string;
  readonly body?: object;
  readonly accessToken?: string;
  /** Absent where the answer has no body. */
  readonly answer?: S;
}

const validators = new WeakMap<TSchema, Validator>();
const problem = Compile(Problem);
const TIMEOUT_MS = 15_000;

/**
 * @param origin of the homeserver: `https://alpha.example`; empty in a page that it served itself
 * @throws HawserError the server's code, SIG_UNREACHABLE, SIG_TIMEOUT or SIG_SCHEMA
 */
export async function callApi<S extends TSchema>(origin: string, call: Call<S>): Promise<Static<S>> {
  const response = await fetch(`${origin}${API}/${call.path}`, {
    method: call.method,
    credentials: 'same-origin',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      accept: 'application/json',
      ...(call.body && { 'content-type': 'application/json' }),
      ...(call.accessToken && { authorization: `Bearer ${call.accessToken}` }),
    },
    ...(call.body && { body: JSON.stringify(call.body) }),
  }).catch((error: unknown) => {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    throw new HawserError(timedOut ? 'SIG_TIMEOUT' : 'SIG_UNREACHABLE', undefined, { cause: error });
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw refusal(body, response.status);
  if (call.answer === undefined) return undefined as Static<S>;
  if (!validatorOf(call.answer).Check(body)) throw new HawserError('SIG_SCHEMA', call.path.split('/')[0]);
  return body as Static<S>;
}

function refusal(body: unknown, status: number): HawserError {
  if (!problem.Check(body)) return new HawserError(status === 401 ? 'HOME_UNAUTHENTICATED' : 'SIG_INTERNAL');
  if (body.unreachable_domains) return new UnreachableError(body.unreachable_domains);
  return new HawserError(isErrorCode(body.code) ? body.code : 'SIG_INTERNAL', body.id);
}

function validatorOf(schema: TSchema): Validator {
  const known = validators.get(schema) ?? Compile(schema);
  validators.set(schema, known);
  return known;
}
