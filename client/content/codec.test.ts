import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { decodeContent, encodeContent } from './codec.ts';
import { decodeContainer } from './container.ts';
import type { Content } from './content.ts';
import { MAX_CONTENT_BYTES, MAX_EXPIRY, MAX_PARTS, MAX_REPORTED, MAX_TEXT_BYTES } from './limits.ts';
import type { MessageId } from './message-id.ts';
import { AT, content, ROOM, user } from './testing/contents.ts';
import { array, bytes, map, text, uint } from './testing/vectors.ts';

const origin = { sender: user('alice'), room: ROOM };
const salt = bytes(new Uint8Array(16));
const NULL = [0xf6];
const TARGET = bytes(Uint8Array.of(1, ...new Uint8Array(31)));
const said = (words: string) => bytes(new TextEncoder().encode(words));
const single = (content: number[], type = 'text/plain', disposition = 1) =>
  array(uint(disposition), text(''), uint(1), text(type), content);

interface Fields {
  salt?: number[];
  replaces?: number[];
  topic?: number[];
  expires?: number[];
  inReplyTo?: number[];
  extensions?: number[];
  body?: number[];
}

function message(fields: Fields = {}): Uint8Array {
  const { replaces = NULL, topic = bytes([]), expires = NULL, inReplyTo = NULL, extensions = map() } = fields;
  const body = fields.body ?? single(said('hello'));
  return Uint8Array.from(array(fields.salt ?? salt, replaces, topic, expires, inReplyTo, extensions, body));
}

async function read(input: Uint8Array): Promise<Content | string> {
  try {
    return (await decodeContent(input, origin, AT)).content;
  } catch (error) {
    if (error instanceof HawserError) return error.code;
    throw error;
  }
}

const isRefused = async (input: Uint8Array, code: string) => expect(await read(input)).toBe(code);

it('reads what it wrote, and names it the same', async () => {
  await fc.assert(
    fc.asyncProperty(content, async (each) => {
      const encoded = await encodeContent(each, origin, { now: AT }).catch((error: unknown) => error);
      // A text and ten files can be more than a message takes.
      if (encoded instanceof HawserError) return expect(encoded.code).toBe('CONTENT_TOO_LARGE');
      const { id, bytes: written } = encoded as Awaited<ReturnType<typeof encodeContent>>;
      expect(written.length).toBeLessThanOrEqual(MAX_CONTENT_BYTES);
      expect(await decodeContent(written, origin, AT)).toEqual({ id, content: each });
    }),
    { numRuns: 500 },
  );
});

it('gives what is said twice two names, and each place and person another one', async () => {
  const hello: Content = { kind: 'message', body: { kind: 'text', text: { format: 'plain', text: 'hello' } } };
  const fixed = { random: (buffer: Uint8Array) => buffer.fill(7) };
  const ids = await Promise.all([
    encodeContent(hello, origin),
    encodeContent(hello, origin),
    encodeContent(hello, origin, fixed),
    encodeContent(hello, origin, fixed),
    encodeContent(hello, { ...origin, sender: user('bob') }, fixed),
    encodeContent(hello, { ...origin, room: `${ROOM}x` as ConversationId }, fixed),
  ]);
  expect(new Set(ids.map(({ id }) => id)).size).toBe(5);
});

describe('the encoding', () => {
  it.each([
    ['nothing', []],
    ['half of it', [...message().subarray(0, 20)]],
    ['something after it', [...message(), 0]],
    ['a longer form of a number', [...message({ body: array([0x18, 1], text(''), uint(0)) })]],
    ['a longer form of a length', [0x98, 7, ...message().subarray(1)]],
    ['a list without a length', [0x9f, ...message().subarray(1), 0xff]],
    ['bytes without a length', [...message({ topic: [0x5f, 0x40, 0xff] })]],
    ['a tag', [...message({ topic: [0xc2, 0x41, 1] })]],
    ['a floating point number', [...message({ topic: [0xf9, 0x3c, 0] })]],
    ['undefined', [...message({ topic: [0xf7] })]],
    ['a number that no double holds', [...message({ expires: array([0xf4], [0x1b, 0, 0x20, 0, 0, 0, 0, 0, 1]) })]],
    ['keys in another order', [...message({ extensions: map([text('a'), uint(1)], [uint(9), uint(1)]) })]],
    ['keys of bytes', [...message({ extensions: map([bytes([1]), uint(1)]) })]],
    ['a text that is not UTF-8', [...message({ extensions: map([uint(9), [0x61, 0xff]]) })]],
    ['a list that says it is huge', [0x9b, 0, 0, 0, 255, 255, 255, 255, 255]],
  ])('is refused in any other form: %s', async (_name, input) => {
    await isRefused(Uint8Array.from(input), 'CONTENT_MALFORMED');
  });

  it('is refused with the same key twice', async () => {
    const twice = map([uint(1), text(origin.sender)], [uint(1), text(user('bob'))]);
    await isRefused(message({ extensions: twice }), 'CONTENT_DUPLICATE_KEY');
    const inside = map([uint(300), map([text('a'), uint(1)], [text('a'), uint(2)])]);
    await isRefused(message({ extensions: inside }), 'CONTENT_DUPLICATE_KEY');
  });

  it('is refused where it is nested deeper than it may be', async () => {
    await isRefused(new Uint8Array(60_000).fill(0x81), 'CONTENT_TOO_DEEP');
    await isRefused(message({ extensions: map([uint(300), array(array(array(array())))]) }), 'CONTENT_TOO_DEEP');
    expect(await read(message({ extensions: map([uint(300), array(array(array()))]) }))).toMatchObject({
      kind: 'message',
    });
    const nested = (depth: number): number[] =>
      depth === 1
        ? single(said('hello'))
        : array(uint(1), text(''), uint(3), uint(2), array(nested(depth - 1), single(said('x'))));
    expect(await read(message({ body: nested(4) }))).toMatchObject({ kind: 'message' });
    await isRefused(message({ body: nested(5) }), 'CONTENT_TOO_DEEP');
  });

  it('is refused where it is too large', async () => {
    await isRefused(new Uint8Array(MAX_CONTENT_BYTES + 1), 'CONTENT_TOO_LARGE');
    await isRefused(message({ body: single(bytes(new Uint8Array(MAX_TEXT_BYTES + 1).fill(97))) }), 'CONTENT_TOO_LARGE');
    await isRefused(message({ topic: bytes(new Uint8Array(4097)) }), 'CONTENT_TOO_LARGE');
    const parts = Array.from({ length: MAX_PARTS }, () => single(said('x')));
    await isRefused(
      message({ body: array(uint(1), text(''), uint(3), uint(2), array(...parts)) }),
      'CONTENT_TOO_LARGE',
    );
    const many = Array.from({ length: 33 }, (_, key): [number[], number[]] => [uint(300 + key), uint(1)]);
    await isRefused(message({ extensions: map(...many) }), 'CONTENT_TOO_LARGE');
  });
});

describe('the form', () => {
  it.each([
    ['a salt of another length', { salt: bytes(new Uint8Array(15)) }],
    ['an id of another length', { replaces: bytes(new Uint8Array(31)) }],
    ['an id by an unknown hash function', { inReplyTo: bytes(new Uint8Array(32).fill(2)) }],
    ['an expiry without a kind', { expires: array(uint(1), uint(1)) }],
    ['a relative expiry beyond a year', { expires: array([0xf5], uint(MAX_EXPIRY + 1)) }],
    ['an expiry long ago', { expires: array([0xf4], uint(AT / 1000 - MAX_EXPIRY - 1)) }],
    ['an expiry beyond a year', { expires: array([0xf4], uint(AT / 1000 + MAX_EXPIRY + 1)) }],
    ['a key that is nothing', { extensions: map([uint(0), uint(1)]) }],
    ['a disposition that is none', { body: array(uint(256), text(''), uint(0)) }],
    ['a part of too many fields', { body: array(uint(1), text(''), uint(0), uint(0)) }],
    ['several parts that are one', { body: array(uint(1), text(''), uint(3), uint(0), array(single(said('x')))) }],
    ['typing that is a number', { extensions: map([text('hawser.typing'), uint(1)]) }],
    ['settings that are a number', { extensions: map([text('hawser.settings'), uint(1)]) }],
    ['a reaction to nothing', { body: single(said('❤'), 'text/plain', 2) }],
    ['a reaction of two signs', { body: single(said('❤👍'), 'text/plain', 2), inReplyTo: TARGET }],
    ['a reaction that cannot be seen', { body: single(said('\u200d'), 'text/plain', 2), inReplyTo: TARGET }],
  ] satisfies [string, Fields][])('is refused: %s', async (_name, fields) => {
    await isRefused(message(fields), 'CONTENT_MALFORMED');
  });

  it.each([
    ['a kind of part', { body: array(uint(1), text(''), uint(4)) }],
    ['how parts belong together', { body: array(uint(1), text(''), uint(3), uint(3), array(uint(0), uint(0))) }],
    ['an extension that must be understood', { extensions: map([text('!hawser.later'), uint(1)]) }],
    [
      'a reaction in the place of another',
      { body: single(said('❤'), 'text/plain', 2), replaces: TARGET, inReplyTo: TARGET },
    ],
    ['a picture as the new version of a text', { body: single(said('GIF'), 'image/gif'), replaces: TARGET }],
  ] satisfies [string, Fields][])('is refused where it is of a later version: %s', async (_name, fields) => {
    await isRefused(message(fields), 'CONTENT_UNSUPPORTED');
  });

  it('refuses texts that are none', async () => {
    await isRefused(message({ body: single(said('a\0b')) }), 'CONTENT_TEXT');
    // Half of a surrogate pair, as careless encoders write it.
    await isRefused(message({ body: single(bytes([0xed, 0xa0, 0xbd])) }), 'CONTENT_TEXT');
    await isRefused(message({ extensions: map([uint(300), text('a\0b')]) }), 'CONTENT_TEXT');
    await isRefused(message({ body: array(uint(1), text('\0'), uint(0)) }), 'CONTENT_TEXT');
  });

  it('passes over what may be passed over', async () => {
    const hello = { kind: 'message', body: { kind: 'text', text: { format: 'plain', text: 'hello' } } };
    expect(await read(message({ extensions: map([uint(300), uint(1)], [text('hawser.later'), uint(1)]) }))).toEqual(
      hello,
    );
    expect(await read(message({ body: single(said('hello'), 'text/plain', 99) }))).toEqual(hello);
    expect(await read(message({ body: array(uint(0), text(''), uint(0)) }))).toEqual({ kind: 'nothing' });
    expect(await read(message({ body: single(said('%PDF'), 'application/pdf') }))).toEqual({
      kind: 'message',
      body: { kind: 'other', contentType: 'application/pdf', description: '' },
    });
    expect(await read(message({ body: single(said('ol\xe9'), 'text/plain;charset=iso-8859-1') }))).toMatchObject({
      body: { kind: 'other' },
    });
  });

  it('takes the first alternative that it understands, and a whole only as a whole', async () => {
    const several = (semantics: number, ...parts: number[][]) =>
      message({ body: array(uint(1), text(''), uint(3), uint(semantics), array(...parts)) });
    const [html, plain] = [single(said('<b>x</b>'), 'text/html'), single(said('x'))];
    const shown = { kind: 'message', body: { kind: 'text', text: { format: 'plain', text: 'x' } } };
    expect(await read(several(0, html, plain))).toEqual(shown);
    expect(await read(several(2, html, plain))).toEqual(shown);
    expect(await read(several(1, html, plain))).toMatchObject({ body: { kind: 'other', contentType: 'text/html' } });
    expect(await read(several(2, plain, plain))).toMatchObject({ body: { text: { text: 'x\n\nx' } } });
  });
});

describe('writing', () => {
  const textOf = (words: string): Content => ({
    kind: 'message',
    body: { kind: 'text', text: { format: 'plain', text: words } },
  });

  it.each([
    ['CONTENT_TEXT', textOf('a\0b')],
    ['CONTENT_TEXT', textOf('half \ud83d of a pair')],
    ['CONTENT_TOO_LARGE', textOf('a'.repeat(MAX_TEXT_BYTES + 1))],
    ['CONTENT_MALFORMED', { kind: 'reaction', target: 'x' as MessageId, emojis: [] }],
    ['CONTENT_MALFORMED', { kind: 'reaction', target: 'x' as MessageId, emojis: ['👍👍'] }],
    ['CONTENT_MALFORMED', { kind: 'message', body: { kind: 'attachments', attachments: [] } }],
    ['CONTENT_MALFORMED', { ...textOf('x'), expires: { after: MAX_EXPIRY + 1 } } as Content],
    ['CONTENT_MALFORMED', { ...textOf('x'), expires: { after: 1.5 } } as Content],
    ['CONTENT_MALFORMED', { ...textOf('x'), expires: { at: AT / 1000 + MAX_EXPIRY + 1 } } as Content],
    ['CONTENT_UNSUPPORTED', { kind: 'nothing' }],
    ['CONTENT_UNSUPPORTED', { kind: 'message', body: { kind: 'other', contentType: 'a/b', description: '' } }],
  ] satisfies [string, Content][])('is refused with %s, before anything is sent', async (code, each) => {
    await expect(encodeContent(each, origin, { now: AT })).rejects.toMatchObject({ code });
  });

  it('puts no more into a report than is read', async () => {
    const reports = Array.from({ length: MAX_REPORTED + 1 }, () => ({
      message: 'x' as MessageId,
      status: 'read' as const,
    }));
    await expect(encodeContent({ kind: 'report', reports }, origin)).rejects.toMatchObject({
      code: 'CONTENT_TOO_LARGE',
    });
  });

  it('says who and where, and shows a word to who does not know pings', async () => {
    const { bytes: written } = await encodeContent({ kind: 'message', body: { kind: 'ping' } }, origin);
    const { extensions, body } = decodeContainer(written);
    expect([...extensions]).toEqual([
      [1, origin.sender],
      [2, origin.room],
      ['hawser.ping', true],
    ]);
    expect(body).toMatchObject({ kind: 'single', content: new TextEncoder().encode('Ping') });
  });
});
