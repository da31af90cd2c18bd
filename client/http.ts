/** One call of the homeserver's API: JSON in, JSON out, parsed by its schema; a refusal is thrown with its code. */
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { isLimited, LimitRefusal, WrongOffset } from '#signalling/assets.ts';
import { API, Problem } from '#signalling/client-home.ts';
import { HawserError, isErrorCode } from '#signalling/errors.ts';
import type { Cookies } from './cookies.ts';
import { UnreachableError } from './failure.ts';

export interface Call<S extends TSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`, without a slash at its begin; every part of it already encoded. */
  readonly path: string;
  readonly body?: object;
  readonly accessToken?: string;
  /** Those that go with the call, and take what its answer sets. */
  readonly cookies?: Cookies;
  /** Absent where the answer has no body. */
  readonly answer?: S;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/** A call whose body or answer is no JSON. */
export interface RawCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  readonly accessToken?: string;
  /** Ends the call, and the reading of its answer. */
  readonly signal: AbortSignal;
}

const validators = new WeakMap<TSchema, Validator>();
const problem = Compile(Problem);
const TIMEOUT_MS = 15_000;

/**
 * @param origin of the homeserver: `https://alpha.example`; empty in a page that it served itself
 * @throws HawserError the server's code, SIG_UNREACHABLE, SIG_TIMEOUT or SIG_SCHEMA; the reason of the signal
 */
export async function callApi<S extends TSchema>(origin: string, call: Call<S>): Promise<Static<S>> {
  const timeout = AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS);
  const response = await callRaw(origin, {
    method: call.method,
    path: call.path,
    signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
    headers: {
      accept: 'application/json',
      ...(call.body && { 'content-type': 'application/json' }),
      ...(call.cookies?.header && { cookie: call.cookies.header }),
    },
    ...(call.accessToken && { accessToken: call.accessToken }),
    ...(call.body && { body: JSON.stringify(call.body) }),
  });
  call.cookies?.note(response.headers);
  const body: unknown = await response.json().catch(() => undefined);
  if (call.answer === undefined) return undefined as Static<S>;
  if (!validatorOf(call.answer).Check(body)) throw new HawserError('SIG_SCHEMA', call.path.split('/')[0]);
  return body as Static<S>;
}

/**
 * The answer as it comes, where it is 2xx.
 * @throws HawserError the server's code, SIG_UNREACHABLE, SIG_TIMEOUT where the signal timed out; the reason of the signal
 */
export async function callRaw(origin: string, call: RawCall): Promise<Response> {
  const { signal } = call;
  const response = await fetch(`${origin}${API}/${call.path}`, {
    method: call.method,
    credentials: 'same-origin',
    signal,
    headers: { ...call.headers, ...(call.accessToken && { authorization: `Bearer ${call.accessToken}` }) },
    ...(call.body !== undefined && { body: call.body }),
  }).catch((error: unknown) => {
    throw connectionError(error, signal);
  });
  if (!response.ok) throw refusal(await response.json().catch(() => undefined), response.status);
  return response;
}

/** What a broken connection is called; an abort keeps its reason. */
export function connectionError(error: unknown, signal: AbortSignal): unknown {
  const isTimeout = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
  if (signal.aborted && !isTimeout) return signal.reason;
  return new HawserError(signal.aborted ? 'SIG_TIMEOUT' : 'SIG_UNREACHABLE', undefined, { cause: error });
}

function refusal(body: unknown, status: number): HawserError {
  if (!problem.Check(body)) return new HawserError(status === 401 ? 'HOME_UNAUTHENTICATED' : 'SIG_INTERNAL');
  if (body.unreachable_domains) return new UnreachableError(body.unreachable_domains);
  const code = isErrorCode(body.code) ? body.code : 'SIG_INTERNAL';
  if (isLimited(code) && body.limit !== undefined) return new LimitRefusal(code, body.limit);
  if (code === 'HOME_ASSET_OFFSET' && body.received !== undefined) return new WrongOffset(body.received);
  return new HawserError(code, body.id);
}

function validatorOf(schema: TSchema): Validator {
  const known = validators.get(schema) ?? Compile(schema);
  validators.set(schema, known);
  return known;
}
