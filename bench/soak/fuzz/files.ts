/** Files: parts that are shorter or longer than they say, offsets and ranges that are not there. */
import fc, { type Arbitrary } from 'fast-check';
import { FILE_BYTES, type Persona } from './persona.ts';

export interface FileInput {
  readonly kind: 'part' | 'range' | 'complete';
  readonly asset: 'asset' | 'upload';
  readonly offset: string;
  /** Bytes that are sent, and what is said of their number. */
  readonly sent: number;
  readonly said: string;
  readonly isChunked: boolean;
  readonly range: string;
  readonly type: string;
}

/** Numbers as text, near the borders and far off. */
const count = fc.oneof(
  fc.integer({ min: 0, max: 2 * FILE_BYTES }).map(String),
  fc.constantFrom('0', '1', `${FILE_BYTES / 2}`, `${FILE_BYTES}`, `${FILE_BYTES + 1}`, '16777216', '16777217'),
  fc.constantFrom('-1', '+1', '1e3', '0x10', '007', ' 1', '9007199254740992', '99999999999999999999', '', 'NaN', '1,1'),
);
const range = fc.oneof(
  fc.tuple(count, count).map(([from, to]) => `bytes=${from}-${to}`),
  count.map((last) => `bytes=-${last}`),
  count.map((first) => `bytes=${first}-`),
  fc
    .array(fc.tuple(count, count), { maxLength: 30 })
    .map((all) => `bytes=${all.map((each) => each.join('-')).join(',')}`),
  fc.constantFrom('bytes', 'bytes=', 'items=0-1', 'bytes=0-0,-1', `bytes=0-${'9'.repeat(2_000)}`),
);

export const files: Arbitrary<FileInput> = fc.record({
  kind: fc.constantFrom<FileInput['kind'][]>('part', 'part', 'part', 'range', 'range', 'complete'),
  asset: fc.constantFrom<FileInput['asset'][]>('asset', 'upload', 'upload'),
  offset: count,
  sent: fc.nat(2 * FILE_BYTES),
  said: fc.oneof({ weight: 3, arbitrary: fc.constant('right') }, { weight: 2, arbitrary: count }),
  isChunked: fc.boolean(),
  range,
  type: fc.constantFrom('application/octet-stream', 'application/octet-stream', 'application/json', 'text/html', ''),
});

/** The bytes of the request, and whether it is one. */
export function fileRequest(input: FileInput, { values, token }: Persona, address: string) {
  const id = encodeURIComponent(values.get(input.asset) ?? '');
  const head = (line: string, ...more: string[]) =>
    Buffer.from(
      [
        `${line} HTTP/1.1`,
        'Host: 127.0.0.1',
        `X-Forwarded-For: ${address}`,
        `Authorization: Bearer ${token}`,
        ...more,
        '\r\n',
      ].join('\r\n'),
      'latin1',
    );
  if (input.kind === 'range') {
    return { bytes: head(`GET /api/v1/assets/${id}`, `Range: ${input.range}`), isWhole: input.range.length < 1_000 };
  }
  if (input.kind === 'complete') {
    const body = JSON.stringify({ sha256: values.get('sha256') });
    const lines = ['Content-Type: application/json', `Content-Length: ${body.length}`];
    return {
      bytes: Buffer.concat([head(`POST /api/v1/assets/${id}/complete`, ...lines), Buffer.from(body)]),
      isWhole: true,
    };
  }
  const { sent, said, isChunked } = input;
  const length = said === 'right' ? `${sent}` : said;
  const body = Buffer.alloc(sent, 7);
  const lines = [
    ...(input.type === '' ? [] : [`Content-Type: ${input.type}`]),
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
  ];
  const line = `PATCH /api/v1/assets/${id}?offset=${encodeURIComponent(input.offset)}`;
  // A chunk that says another length than it has is the same lie in another form.
  const pieces = isChunked ? [Buffer.from(`${hexOf(length)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')] : [body];
  return {
    bytes: Buffer.concat([head(line, ...lines), ...pieces]),
    isWhole: said === 'right' && !(isChunked && sent === 0),
  };
}

function hexOf(text: string): string {
  return /^\d{1,15}$/.test(text) ? Number(text).toString(16) : text;
}
