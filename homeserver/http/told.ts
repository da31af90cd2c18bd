/** What the reference tells of a route, beside what it parses: what it is for, who may ask, what it answers, how it refuses. */
import Type, { type TSchema } from 'typebox';
import { Problem } from '#signalling/client-home.ts';
import type { ErrorCode } from '#signalling/errors.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** Codes that this route refuses with, beside those of `EVERYWHERE`. */
    readonly refusals?: readonly ErrorCode[];
    /** Open to guests of calls, who may ask for nothing else. */
    readonly guests?: boolean;
  }
}

/** `nobody`: it is for whoever has no session. `cookie`: the refresh token. `device`: a session that has said which device it is of. */
export type Asker = 'nobody' | 'cookie' | 'session' | 'device';

export interface Telling {
  readonly by: Asker;
  /** 200 where it is left out. */
  readonly status?: 200 | 201 | 202 | 204 | 206;
  /** Of its body; left out where there is none. */
  readonly answer?: TSchema;
  /** Of what is no JSON: how the bodies are typed. */
  readonly produces?: readonly string[];
  readonly consumes?: readonly string[];
  readonly refusals?: readonly ErrorCode[];
  /** Whether it is for guests of calls too. */
  readonly guests?: boolean;
}

/** Codes that any route can refuse with: the request is wrong, too large, too often, of another page, or this server fails. */
export const EVERYWHERE: readonly ErrorCode[] = [
  'HOME_BAD_REQUEST',
  'SIG_MALFORMED',
  'SIG_TOO_DEEP',
  'SIG_TOO_LARGE',
  'HOME_FORBIDDEN',
  'HOME_NOT_FOUND',
  'SIG_FLOOD',
  'SIG_INTERNAL',
  'HOME_STORE_UNAVAILABLE',
  'HOME_STORE_FULL',
];

const BY_ASKER: Readonly<Record<Asker, readonly ErrorCode[]>> = {
  nobody: [],
  cookie: ['HOME_UNAUTHENTICATED'],
  session: ['HOME_UNAUTHENTICATED'],
  device: ['HOME_UNAUTHENTICATED', 'HOME_NO_DEVICE'],
};

/** Where another domain has to be asked. */
export const FEDERATION: readonly ErrorCode[] = [
  'FED_NOT_ALLOWED',
  'FED_REFUSED',
  'FED_TLS',
  'FED_UNREACHABLE',
  'FED_FOREIGN',
  'FED_VERSION',
  'FED_WRONG_DESTINATION',
  'FED_SCOPE',
  'FED_LIMIT',
  'FED_ADDRESS',
];

/** Names of the ways to sign a request, as the reference defines them. */
export const SECURITY: Readonly<Record<Asker, string | undefined>> = {
  nobody: undefined,
  cookie: 'refreshCookie',
  session: 'accessToken',
  device: 'accessToken',
};

/** The part of a route's schema that the reference is made of: `{ schema: { body: SignIn, ...told('Signs in.', …) } }`. */
export function told(summary: string, { by, status, answer, produces, consumes, refusals = [], guests }: Telling) {
  const security = SECURITY[by];
  const response: Record<string, TSchema> = {
    [status ?? (answer ? 200 : 204)]: answer ?? Type.Null(),
    '4xx': Problem,
    '5xx': Problem,
  };
  const about = [
    ...(by === 'device' ? ['Only for a session that has said which device it is of.'] : []),
    ...(guests ? ['Also for guests of a call.'] : []),
  ].join(' ');
  return {
    summary,
    security: security === undefined ? [] : [{ [security]: [] }],
    refusals: [...new Set([...BY_ASKER[by], ...refusals])],
    response,
    ...(about !== '' && { description: about }),
    ...(guests && { guests }),
    ...(produces && { produces }),
    ...(consumes && { consumes }),
  };
}
