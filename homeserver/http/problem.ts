/** How every refusal looks, on each of the homeserver's doors: a status, a code of the closed list, a sentence, an id. */
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LimitRefusal, WrongOffset } from '#signalling/assets.ts';
import type { Problem } from '#signalling/client-home.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { StaleCommit } from '#signalling/groups.ts';
import { Unreachable } from '../federation/errors.ts';

/** Where no route says otherwise: the codes for what Fastify itself refuses. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'SIG_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'HOME_BAD_REQUEST',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'HOME_BAD_REQUEST',
  FST_ERR_CTP_INVALID_JSON_BODY: 'HOME_BAD_REQUEST',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'HOME_BAD_REQUEST',
  FST_ERR_VALIDATION: 'HOME_BAD_REQUEST',
  FST_ERR_NOT_FOUND: 'HOME_NOT_FOUND',
};

export function problemOf(error: HawserError, id: string): Problem {
  return {
    code: error.code,
    message: error.message.slice(0, 1_000),
    retry: error.retry,
    ...(error instanceof Unreachable && { unreachable_domains: [...error.domains].slice(0, 100) }),
    ...(error instanceof LimitRefusal && { limit: error.limit }),
    ...(error instanceof WrongOffset && { received: error.received }),
    ...(error instanceof StaleCommit && { epoch: error.epoch }),
    id,
  };
}

export type OnRefusal = (code: ErrorCode, request: FastifyRequest) => void;

/** Answers every error of an application as a `Problem`; what has no code is our fault and goes to the log alone. */
export function answerProblems(app: FastifyInstance, onRefusal: OnRefusal): void {
  app.setNotFoundHandler((request, reply) => send(new HawserError('HOME_NOT_FOUND'), request, reply, onRefusal));
  app.setErrorHandler((error, request, reply) => send(codedOf(error, request.log), request, reply, onRefusal));
}

/** For a URL that Fastify cannot read: it would be answered in a form of Fastify's own, and quoted. */
export function answerBadUrls(onRefusal: OnRefusal) {
  return (_error: unknown, request: FastifyRequest, reply: FastifyReply): void =>
    send(new HawserError('HOME_BAD_REQUEST'), request, reply, onRefusal);
}

function send(error: HawserError, request: FastifyRequest, reply: FastifyReply, onRefusal: OnRefusal): void {
  onRefusal(error.code, request);
  if (error.code === 'HOME_SLOW_DOWN' || error.code === 'SIG_FLOOD') reply.header('retry-after', '60');
  if (error.code === 'HOME_MAIL_LIMIT') reply.header('retry-after', '1200');
  if (error.code === 'HOME_UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  reply.status(error.status).send(problemOf(error, request.id));
}

function codedOf(error: unknown, log: FastifyBaseLogger): HawserError {
  if (error instanceof HawserError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = FASTIFY_CODES[code];
  if (known) return new HawserError(known, code === 'FST_ERR_VALIDATION' ? placeOf(error) : undefined);
  // A body that Node's parser or the connection refused has a status and no code of ours.
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500 && status in STATUS_CODES) {
    return new HawserError('HOME_BAD_REQUEST');
  }
  log.error({ err: error }, 'fault');
  return new HawserError('SIG_INTERNAL');
}

const STATUS_CODES: Readonly<Record<number, true>> = {
  400: true,
  408: true,
  411: true,
  413: true,
  414: true,
  431: true,
};

/** Where in the request the first mistake is, for whoever writes the client; never what stood there. */
function placeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('validation' in error)) return undefined;
  const [first] = Array.isArray(error.validation) ? (error.validation as unknown[]) : [];
  if (typeof first !== 'object' || first === null || !('instancePath' in first)) return undefined;
  return String(first.instancePath).slice(0, 60) || 'members';
}
