/** What a server never logs, whoever made the logger: secrets, names, content. */
import { type Logger, stdSerializers } from 'pino';
import { ERRORS } from '#signalling/errors.ts';

/** Nothing of these is logged on purpose; this is the net below. User ids count as personal. */
const SECRETS = [
  'password',
  'token',
  'accessToken',
  'refresh',
  'ticket',
  'grant',
  'authorization',
  'cookie',
  'user',
  'handle',
  'email',
  'invitation',
  'title',
];

/** The same log with the net below it. */
export function discreet(log: Logger): Logger {
  return log.child(
    {},
    {
      redact: { paths: SECRETS.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
      serializers: { err: withoutDetail, req: () => undefined, res: () => undefined },
    },
  );
}

/** An error's stack says where; the message of a library's error may quote what it choked on. */
function withoutDetail(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { type, stack } = stdSerializers.err(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  const isOurs = code !== undefined && Object.hasOwn(ERRORS, code);
  return { type, code, stack: frames.join('\n'), ...(isOurs && { message: error.message }) };
}
