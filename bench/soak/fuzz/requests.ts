/** Requests to every route of a client: from its schemas, with real values, then wrecked in one place, then spoilt. */
import fc, { type Arbitrary } from 'fast-check';
import { place, type Spoiling, spoiling, spoilt } from '#signalling/testing-spoil.ts';
import type { Route } from './routes.ts';
import { fitting, STRANGE_VALUES, wrecked } from './values.ts';

/** What is sent as whom: `real` is an access token of a device. */
export type Identity = 'real' | 'none' | 'wrong';

export interface ApiRequest {
  readonly method: string;
  /** With placeholders, not encoded yet. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  /** JSON with placeholders; undefined for none. */
  readonly body?: string;
  readonly spoiling?: Spoiling;
  readonly identity: Identity;
}

const identity = fc.constantFrom<Identity[]>('real', 'real', 'real', 'real', 'real', 'real', 'real', 'none', 'wrong');

/** In the order of the routes, so that each has as many inputs as another. */
export function requestsTo(routes: readonly Route[]): Arbitrary<ApiRequest> {
  return fc.oneof(...routes.map(requestTo));
}

function requestTo({ method, path, body, params, querystring }: Route): Arbitrary<ApiRequest> {
  return fc
    .record({
      params: params ? fitting(params) : fc.constant({}),
      query: querystring ? fitting(querystring) : fc.constant({}),
      body: body ? bodyFor(fitting(body)) : fc.constant(undefined),
      spoiling: fc.option(spoiling, { freq: 2, nil: undefined }),
      // Whoever signs out can be asked for nothing else.
      identity: path.endsWith('/sessions/current') ? fc.constantFrom<Identity[]>('none', 'wrong') : identity,
    })
    .map((made): ApiRequest => {
      const values = made.params as Record<string, string>;
      return {
        method,
        path: path.split('/').map((part) => (part.startsWith(':') ? `${values[part.slice(1)]}` : part)),
        query: made.query as Record<string, string>,
        identity: made.identity,
        ...(made.body !== undefined && { body: made.body }),
        ...(made.body !== undefined && made.spoiling && { spoiling: made.spoiling }),
      };
    });
}

function bodyFor(fits: Arbitrary<unknown>): Arbitrary<string> {
  const text = fits.map((value) => JSON.stringify(value));
  const wreckedText = fc
    .record({
      text,
      which: place,
      strange: fc.constantFrom(...STRANGE_VALUES),
      how: fc.constantFrom<('replace' | 'drop' | 'add')[]>('replace', 'drop', 'add'),
    })
    .map(({ text, which, strange, how }) => JSON.stringify(wrecked(JSON.parse(text), which, strange, how)) ?? '');
  return fc.oneof(
    { weight: 4, arbitrary: text },
    { weight: 4, arbitrary: wreckedText },
    { weight: 1, arbitrary: fc.json({ maxDepth: 5 }) },
  );
}

export interface Sender {
  readonly token: string;
  readonly values: ReadonlyMap<string, string>;
}

/** The bytes of a request, and whether a server has to see one in them. @param address whom the proxy says it comes from */
export function bytesOf(request: ApiRequest, sender: Sender, address: string): Uint8Array {
  const { method, path, query, identity, body } = request;
  const real = (text: string) => withReal(text, sender.values);
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, wellFormed(real(value))]));
  const target = path.map((part) => encodeURIComponent(wellFormed(real(part)))).join('/');
  const content = body === undefined ? undefined : spoiltBody(real(body), request.spoiling);
  const token = identity === 'real' ? sender.token : 'A'.repeat(43);
  return Buffer.concat([
    Buffer.from(
      [
        `${method} ${target}${search.size > 0 ? `?${search}` : ''} HTTP/1.1`,
        'Host: 127.0.0.1',
        `X-Forwarded-For: ${address}`,
        ...(identity === 'none' ? [] : [`Authorization: Bearer ${token}`]),
        ...(content ? ['Content-Type: application/json', `Content-Length: ${content.length}`] : []),
        '\r\n',
      ].join('\r\n'),
    ),
    content ?? new Uint8Array(),
  ]);
}

/** `{{conversation}}` becomes the id of one. */
export function withReal(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (known, name: string) => values.get(name) ?? known);
}

function spoiltBody(text: string, how: Spoiling | undefined): Uint8Array {
  const bytes = Buffer.from(text);
  return how ? spoilt([bytes], how) : bytes;
}

/** A lone half of a character cannot be percent-encoded. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}
