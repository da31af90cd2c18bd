/** Heads of requests: lines, headers and cookies that are long, doubled, contradictory, or no text at all. */
import fc, { type Arbitrary } from 'fast-check';
import { type Spoiling, spoiling, spoilt } from '#signalling/testing-spoil.ts';
import { type Sender, withReal } from './requests.ts';

export interface HeadInput {
  readonly line: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly spoiling?: Spoiling;
}

const LINES = [
  'GET /api/v1/me HTTP/1.1',
  'POST /api/v1/sessions/refresh HTTP/1.1',
  'GET /api/v1/conversations HTTP/1.1',
  'GET /api/v1/queue?after=0 HTTP/1.1',
  'GET /api/v1/users?address=%40a%40alpha.example HTTP/1.1',
  'POST /api/v1/messages HTTP/1.1',
  'GET /api/v1/assets/policy HTTP/1.1',
  'GET / HTTP/1.1',
  'GET /../../../etc/passwd HTTP/1.1',
  'GET /%2e%2e/%2e%2e/etc/passwd%00 HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'TRACE /api/v1/me HTTP/1.1',
  'GET http://evil.example/api/v1/me HTTP/1.1',
  'CONNECT evil.example:443 HTTP/1.1',
  'GET /api/v1/me HTTP/1.0',
  'GET /api/v1/me HTTP/2.0',
] as const;

/** By the name of a header, values that are right or nearly. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  Authorization: ['Bearer {{token}}', 'bearer {{token}}', 'Basic YTpi', 'Bearer', 'Bearer {{token}}, Bearer x'],
  Cookie: [
    'hawser_refresh={{token}}',
    'hawser_refresh=',
    'hawser_refresh=%',
    'a=b; hawser_refresh="x',
    '=;=;==',
    '__proto__=1',
  ],
  'Content-Type': [
    'application/json',
    'application/json; charset=utf-16',
    'application/octet-stream',
    '/',
    ';',
    'a/b;c="',
  ],
  'Content-Length': ['0', '2', '5', '-1', '+2', '2, 2', '99999999999999999999', '1e2', ''],
  'Transfer-Encoding': ['chunked', 'chunked, chunked', 'gzip', 'identity', 'Chunked ', 'x'],
  'Content-Encoding': ['gzip', 'br', 'x'],
  Expect: ['100-continue', '200-ok'],
  Connection: ['keep-alive', 'close', 'upgrade', 'x, close'],
  Upgrade: ['websocket', 'h2c'],
  Host: ['127.0.0.1', '', 'evil.example', 'a b', '[::1'],
  Origin: ['http://evil.example', 'null', ''],
  Range: ['bytes=0-0', 'bytes=99999999999-'],
  'X-Forwarded-For': ['10.0.0.1', '10.0.0.1, 10.0.0.2', 'x', '999.1.1.1', ',,,', '::ffff:10.0.0.1%lo'],
  'X-Forwarded-Host': ['evil.example', 'a b'],
  'X-Forwarded-Proto': ['https', 'x'],
  'X-HTTP-Method-Override': ['DELETE'],
  'If-None-Match': ['*', '"x'],
  Accept: ['*/*', 'x'],
  'User-Agent': ['x'],
  Te: ['trailers'],
};

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.nat(20_000).map((length) => 'x'.repeat(length)),
);
const header = fc
  .constantFrom(...Object.entries(HEADERS))
  .chain(([name, values]) =>
    fc.tuple(
      fc.constantFrom(name, name, name, name.toLowerCase(), `${name} `, ` ${name}`),
      fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: text }),
    ),
  );

export const heads: Arbitrary<HeadInput> = fc.record(
  {
    line: fc.constantFrom(...LINES),
    headers: fc.array(header, { maxLength: 8 }),
    body: fc.constantFrom('', '', '{}', 'hello', '5\r\nhello\r\n0\r\n\r\n', '-1\r\n', 'ffffffffffffffff\r\nx'),
    spoiling,
  },
  { requiredKeys: ['line', 'headers', 'body'] },
);

export function headBytes({ line, headers, body, spoiling: how }: HeadInput, { token, values }: Sender): Uint8Array {
  const all = new Map([...values, ['token', token]]);
  const lines = [line, 'Host: 127.0.0.1', ...headers.map(([name, value]) => `${name}: ${value}`)];
  const bytes = Buffer.from(withReal(`${lines.join('\r\n')}\r\n\r\n${body}`, all), 'latin1');
  return how ? spoilt([bytes], how) : bytes;
}
