/** How every refusal looks, on each of the homeserver's doors: a status, a code of the closed list, a sentence, an id. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LimitRefusal, WrongOffset } from '#signalling/assets.ts';
import type { Problem } from '#signalling/client-home.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { StaleCommit } from '#signalling/groups.ts';
import { TooMuch, Unreachable } from '../federation/errors.ts';

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

/** @param id of the request; none where there was none */
export function problemOf(error: HawserError, id?: string): Problem {
  return {
    code: error.code,
    message: error.message.slice(0, 1_000),
    retry: error.retry,
    ...(error instanceof Unreachable && { unreachable_domains: [...error.domains].slice(0, 100) }),
    ...(error instanceof LimitRefusal && { limit: error.limit }),
    ...(error instanceof WrongOffset && { received: error.received }),
    ...(error instanceof StaleCommit && { epoch: error.epoch }),
    ...(id !== undefined && { id }),
  };
}

const JSON_TYPE = 'application/json; charset=utf-8';

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

/** For an `Expect` header that asks for anything but 100-continue (RFC 9110, section 10.1.1): Node's own answer has no code. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const error = new HawserError('HOME_BAD_REQUEST');
  const body = JSON.stringify(problemOf(error));
  const headers = { 'content-type': JSON_TYPE, 'content-length': body.length, connection: 'close' };
  response.writeHead(error.status, headers).end(body);
}

function send(error: HawserError, request: FastifyRequest, reply: FastifyReply, onRefusal: OnRefusal): void {
  onRefusal(error.code, request);
  // Also where the route had no time to say so: a refusal is never the next person's answer.
  reply.header('cache-control', 'no-store');
  if (error.code === 'HOME_SLOW_DOWN' || error.code === 'SIG_FLOOD') reply.header('retry-after', '60');
  if (error.code === 'FED_LIMIT') {
    reply.header('retry-after', error instanceof TooMuch ? `${Math.ceil(error.afterMs / 1_000)}` : '1');
  }
  if (error.code === 'HOME_MAIL_LIMIT') reply.header('retry-after', '1200');
  if (error.code === 'HOME_UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  reply.status(error.status).send(problemOf(error, request.id));
}

/** For bytes that are no request: too many headers, too slow, not HTTP. There is no request yet that a reply could be to. */
export function answerNoRequest(
  error: Error & { readonly code?: string },
  socket: Socket,
  onNoRequest?: (code: ErrorCode, socket: Socket) => void,
): void {
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const refusal = new HawserError(
    status === 431 ? 'SIG_TOO_LARGE' : status === 408 ? 'SIG_TIMEOUT' : 'HOME_BAD_REQUEST',
  );
  const { id: _none, ...problem } = problemOf(refusal, '');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
  ];
  // Whoever hangs up has asked for nothing.
  const isGone = error.code === 'ECONNRESET';
  if (!isGone) onNoRequest?.(refusal.code, socket);
  if (socket.writable && !isGone) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy();
}

function codedOf(error: unknown, log: FastifyBaseLogger): HawserError {
  if (error instanceof HawserError) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = FASTIFY_CODES[code];
  if (known) return new HawserError(known, code === 'FST_ERR_VALIDATION' ? placeOf(error) : undefined);
  // A body that Node's parser or the connection refused has a status and no code of ours.
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500 && status in OF_CONNECTION) {
    return new HawserError('HOME_BAD_REQUEST');
  }
  log.error({ err: error }, 'fault');
  return new HawserError('SIG_INTERNAL');
}

/** What Node's parser or the connection refuses with. */
const OF_CONNECTION: Readonly<Record<number, true>> = {
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
