/**
 * One way to make a Fastify application, for each of the three doors: strict parsing by the schemas of signalling/, limits,
 * problems as answers, and a log line per request that names the route and never the address, person or body.
 */
import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifySchema,
  type FastifyServerFactory,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import type { Logger } from 'pino';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type ErrorCode, HawserError, isErrorCode } from '#signalling/errors.ts';
import { nestingWithin } from '#signalling/nesting.ts';
import type { World } from '../world.ts';
import { SOCKET_LIMITS } from './limits.ts';
import { answerBadUrls, answerExpectation, answerNoRequest, answerProblems, type OnRefusal } from './problem.ts';
import { EVERYWHERE } from './told.ts';

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface AppOptions {
  readonly log: Logger;
  readonly world: World;
  /** Largest body, bytes. */
  readonly bodyLimit: number;
  readonly onRefusal: OnRefusal;
  /** What came was no request, and was answered with this code. */
  readonly onNoRequest?: (code: ErrorCode, socket: Socket) => void;
  /** Gets each body of JSON as it came, before it is parsed. */
  readonly onBody?: (request: object, text: string) => void;
  readonly serverFactory?: FastifyServerFactory;
  /** Whose X-Forwarded-For is believed: address prefixes. Nobody's where left out. */
  readonly trustProxy?: readonly string[];
  /**
   * Told where an answer is not what the reference says of it. Left out where nobody tests: holding every answer against its
   * schema costs what parsing costs.
   */
  readonly onUntold?: (complaint: string) => void;
}

/** Deeper than any schema of ours, shallow enough for every recursive function. */
const MAX_DEPTH = 12;
/** Digits that are easy to dictate, and spell no word that a search of the log for a name would find. */
const REQUEST_ID_BYTES = 6;
/** The longest parameter is a conversation's id, percent-encoded. */
const MAX_PARAMETER = 600;

export function makeApp(options: AppOptions): App {
  const { log, world, bodyLimit, onRefusal, serverFactory, trustProxy, onUntold, onBody, onNoRequest } = options;
  const loggerInstance: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => world.random(REQUEST_ID_BYTES).toString('hex'),
    bodyLimit,
    requestTimeout: SOCKET_LIMITS.requestTimeout,
    keepAliveTimeout: SOCKET_LIMITS.keepAliveTimeout,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    forceCloseConnections: true,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    frameworkErrors: answerBadUrls(onRefusal),
    clientErrorHandler: (error, socket) => answerNoRequest(error, socket, onNoRequest),
    ...(serverFactory && { serverFactory }),
    ...(trustProxy && { trustProxy: [...trustProxy] }),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler<FastifySchema & TSchema>(({ schema }) => {
    const parser = Compile(schema as TSchema);
    // Nothing is converted, removed or filled in: what does not fit is refused.
    return (value: unknown) => (parser.Check(value) ? { value } : { error: invalid(parser.Errors(value)) });
  });
  app.setSerializerCompiler<FastifySchema & TSchema>(({ schema, method, url, httpStatus }) => {
    if (!onUntold) return (data) => JSON.stringify(data);
    const parser = Compile(schema as TSchema);
    return (data) => {
      const text = JSON.stringify(data);
      const [first] = parser.Errors(JSON.parse(text) as unknown);
      if (first) onUntold(`${method} ${url} answers ${httpStatus} with another shape: ${first.message}`);
      return text;
    };
  });
  if (onUntold) complainOfUntoldRefusals(app, onUntold);
  parseJson(app, onBody);
  answerProblems(app, onRefusal);
  app.addHook('onRequest', async (request, reply) => {
    // Whoever asks for help names it, and the log is searched for it.
    reply.header('request-id', request.id);
  });
  app.server.on('checkExpectation', answerExpectation);
  app.addHook('onRequest', async ({ headers, raw }) => {
    // RFC 9112, section 3.2
    if (headers.host === undefined && raw.httpVersion === '1.1') throw new HawserError('HOME_BAD_REQUEST', 'no Host');
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { url = 'none', method } = request.routeOptions;
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    request.log.debug({ method, route: url, status: reply.statusCode, ms }, 'request');
    done();
  });
  return app;
}

function complainOfUntoldRefusals(app: App, onUntold: (complaint: string) => void): void {
  app.addHook('preSerialization', async ({ routeOptions: { method, url, schema } }, _reply, payload) => {
    if (!schema?.refusals || typeof payload !== 'object' || payload === null || !('code' in payload)) return payload;
    const code = String(payload.code);
    const isTold = isErrorCode(code) && (EVERYWHERE.includes(code) || schema.refusals.includes(code));
    if (!isTold) onUntold(`${method} ${url} refuses with ${code}: add it to what is told of the route`);
    return payload;
  });
}

/** Fastify's own parser goes as deep as the sender likes. */
function parseJson(app: FastifyInstance, onBody: AppOptions['onBody']): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (request: object, body: string | Buffer) => {
      const text = String(body);
      onBody?.(request, text);
      if (!nestingWithin(text, MAX_DEPTH)) throw new HawserError('SIG_TOO_DEEP');
      try {
        return JSON.parse(text) as unknown;
      } catch {
        throw new HawserError('SIG_MALFORMED');
      }
    },
  );
}

function invalid(errors: readonly object[]): Error & { validation: unknown[] } {
  const validation = errors
    .slice(0, 1)
    .map((error) => ('instancePath' in error ? { instancePath: error.instancePath } : {}));
  return Object.assign(new Error('invalid'), { validation });
}
