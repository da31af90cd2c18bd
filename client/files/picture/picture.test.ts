import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../assets/base64url.ts';
import { barePicture, MAX_PICTURE_BYTES } from './bare-picture.ts';
import { bareJpeg } from './jpeg.ts';
import { orientationIn, tiffOf } from './orientation.ts';
import { barePng } from './png.ts';
import { bareWebp } from './webp.ts';

const SECRET = 'N 59°54 E 10°45, Alice’s camera';
const bytes = (...parts: (string | number | readonly number[] | Uint8Array)[]): Bytes =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'string' ? Buffer.from(part) : Buffer.from(typeof part === 'number' ? [part] : [...part]),
      ),
    ),
  );
const whole = (pieces: readonly Bytes[] | undefined) => pieces && bytes(...pieces);
const holds = (all: Uint8Array, text: string) => Buffer.from(all).includes(text);
const be16 = (value: number) => [value >> 8, value & 0xff];
const be32 = (value: number) => [...be16(value >>> 16), ...be16(value & 0xffff)];
const le32 = (value: number) => be32(value).reverse();

/** TIFF as cameras write it: in either order of bytes, with more in it, and what it says in the end. */
const exif = fc
  .record({
    orientation: fc.integer({ min: 0, max: 9 }),
    isLittle: fc.boolean(),
    before: fc.integer({ max: 5, min: 0 }),
  })
  .map(({ orientation, isLittle, before }) => {
    const made = new DataView(new ArrayBuffer(14 + (before + 1) * 12));
    made.setUint16(0, isLittle ? 0x4949 : 0x4d4d);
    made.setUint16(2, 42, isLittle);
    made.setUint32(4, 8, isLittle);
    made.setUint16(8, before + 1, isLittle);
    for (let index = 0; index <= before; index++) {
      const entry = 10 + index * 12;
      made.setUint16(entry, index < before ? 0x0100 + index : 0x0112, isLittle);
      made.setUint16(entry + 2, 3, isLittle);
      made.setUint32(entry + 4, 1, isLittle);
      made.setUint16(entry + 8, orientation, isLittle);
    }
    const turned = orientation >= 2 && orientation <= 8 ? orientation : undefined;
    return { tiff: bytes(new Uint8Array(made.buffer), SECRET), turned };
  });

const data = fc.uint8Array({ maxLength: 40 });
const segment = (marker: number, ...content: Parameters<typeof bytes>) => {
  const inside = bytes(...content);
  return bytes(0xff, marker, be16(inside.length + 2), inside);
};

/** A picture of one form: what it is made of, in order, and what of it must stay. */
interface Picture {
  readonly all: Bytes;
  readonly stays: readonly Uint8Array[];
  readonly turned: number | undefined;
}
type Part = { readonly part: Uint8Array; readonly stays: boolean };
const stay = (part: Uint8Array): Part => ({ part, stays: true });
const go = (part: Uint8Array): Part => ({ part, stays: false });
const kept = (parts: readonly Part[]) => parts.filter(({ stays }) => stays).map(({ part }) => part);

const jpegTalk = fc
  .constantFrom(0xe1, 0xe2, 0xe3, 0xec, 0xed, 0xef, 0xfe, 0xe0)
  .map((marker) => go(segment(marker, marker === 0xe1 ? 'http://ns.adobe.com/xap/1.0/\0' : 'MPF\0', SECRET)));
const jpegPart = fc.oneof(
  jpegTalk,
  data.map((content) => stay(segment(0xdb, content))),
  data.map((content) => stay(segment(0xe2, 'ICC_PROFILE\0', content))),
  fc.constant(stay(segment(0xee, 'Adobe', [0, 100, 0, 0, 0, 0, 1]))),
  data.map((scan) =>
    stay(
      bytes(
        segment(0xda, [1, 1, 0, 0, 63, 0]),
        [...scan].flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte])),
        [0xff, 0xd3],
      ),
    ),
  ),
);
const jpeg = fc
  .record({ parts: fc.array(jpegPart), last: data, meta: fc.option(exif, { nil: undefined }) })
  .map(({ parts, last, meta }): Picture => {
    const frame = [stay(segment(0xc0, [8, 0, 1, 0, 1, 1, 1, 17, 0])), ...parts];
    const scan = stay(
      bytes(
        segment(0xda, [1, 1, 0, 0, 63, 0]),
        [...last].map((byte) => byte & 0x7f),
      ),
    );
    const body = [...frame, scan];
    const first = meta ? [segment(0xe1, 'Exif\0\0', meta.tiff)] : [];
    const trailer = bytes(0xff, 0xd8, segment(0xe1, 'Exif\0\0', SECRET), 'a film');
    const all = bytes(0xff, 0xd8, ...first, ...body.map(({ part }) => part), 0xff, 0xd9, trailer);
    return { all, stays: kept(body), turned: meta?.turned };
  });

const pngChunk = (type: string, content: Uint8Array) => bytes(be32(content.length), type, content, [1, 2, 3, 4]);
const png = fc
  .record({
    parts: fc.array(
      fc.oneof(
        fc
          .constantFrom('tEXt', 'zTXt', 'iTXt', 'tIME', 'caBX', 'prVW')
          .map((type) => go(pngChunk(type, bytes(SECRET)))),
        fc
          .tuple(fc.constantFrom('PLTE', 'iCCP', 'tRNS', 'fdAT'), data)
          .map(([type, inside]) => stay(pngChunk(type, inside))),
      ),
    ),
    pixels: data,
    meta: fc.option(exif, { nil: undefined }),
  })
  .map(({ parts, pixels, meta }): Picture => {
    const head = stay(bytes([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], pngChunk('IHDR', new Uint8Array(13))));
    const body = [head, ...parts, stay(pngChunk('IDAT', pixels)), stay(pngChunk('IEND', new Uint8Array()))];
    const [first = new Uint8Array(), ...rest] = body.map(({ part }) => part);
    const all = bytes(first, meta ? pngChunk('eXIf', meta.tiff) : '', ...rest, SECRET);
    return { all, stays: kept(body), turned: meta?.turned };
  });

const webpChunk = (name: string, content: Uint8Array) =>
  bytes(name, le32(content.length), content, content.length % 2 ? 0 : []);
const webp = fc
  .record({
    parts: fc.array(
      fc.oneof(
        fc.constantFrom('XMP ', 'C2PA').map((name) => go(webpChunk(name, bytes(SECRET)))),
        fc.tuple(fc.constantFrom('ICCP', 'ALPH', 'ANMF'), data).map(([name, inside]) => stay(webpChunk(name, inside))),
      ),
    ),
    pixels: data,
    meta: fc.option(
      exif.chain((each) => fc.boolean().map((isPrefixed) => ({ ...each, isPrefixed }))),
      { nil: undefined },
    ),
  })
  .map(({ parts, pixels, meta }): Picture => {
    const body = [...parts, stay(webpChunk('VP8 ', pixels))];
    const extended = webpChunk('VP8X', bytes([0xff, 0, 0, 0], new Uint8Array(6)));
    const last = meta ? webpChunk('EXIF', bytes(meta.isPrefixed ? 'Exif\0\0' : '', meta.tiff)) : bytes();
    const inside = bytes('WEBP', extended, ...body.map(({ part }) => part), last);
    return { all: bytes('RIFF', le32(inside.length), inside, SECRET), stays: kept(body), turned: meta?.turned };
  });

/** What still says how it is turned, in any of the three forms. */
function turnedIn(bare: Bytes): number | undefined {
  const at = Buffer.from(bare).indexOf(Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8]));
  return at < 0 ? undefined : orientationIn(bare.subarray(at));
}

describe.each([
  ['JPEG', jpeg, bareJpeg],
  ['PNG', png, barePng],
  ['WebP', webp, bareWebp],
] as const)('%s', (_form, pictures: fc.Arbitrary<Picture>, bareOf) => {
  it('keeps its pixels, its colours and how it is turned, and nothing that anybody said in it', () => {
    fc.assert(
      fc.property(pictures, ({ all, stays, turned }) => {
        const bare = whole(bareOf(all));
        if (!bare) throw new Error('it is whole');
        expect(holds(bare, SECRET)).toBe(false);
        let at = 0;
        for (const part of stays) {
          const found = Buffer.from(bare).indexOf(part, at);
          expect(found).toBeGreaterThanOrEqual(at);
          at = found + part.length;
        }
        expect(turnedIn(bare)).toBe(turned);
        expect(whole(bareOf(bare))).toEqual(bare);
        // Between what stays there is only how it is turned, and the heads of the form.
        expect(bare.length).toBeLessThan(stays.reduce((sum, { length }) => sum + length, 0) + 90);
      }),
    );
  });

  it('is taken apart wholly or not at all, however it is cut, changed or made up', () => {
    const broken = fc.record({
      picture: pictures,
      cut: fc.double({ min: 0, max: 1, noNaN: true }),
      spots: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(broken, ({ picture: { all }, cut, spots }) => {
        const spoilt = all.slice(0, Math.ceil(all.length * cut));
        for (const [at, byte] of spots) if (spoilt.length > 0) spoilt[at % spoilt.length] = byte;
        const bare = whole(bareOf(spoilt));
        if (!bare) return;
        expect(whole(bareOf(bare))).toEqual(bare);
        // Else only what the form itself calls needed is left.
        if (spots.length === 0) expect(holds(bare, SECRET)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a picture', () => {
  const blob = (all: Bytes, type = 'image/jpeg') => new Blob([all], { type });
  const plainJpeg = bytes(0xff, 0xd8, segment(0xc0, [8]), segment(0xda, [1]), [1, 2, 3], 0xff, 0xd9);

  it('of another form stays as it is; one that is broken or too large is no picture', async () => {
    const other = blob(bytes('GIF89a', SECRET), 'image/gif');
    expect(await barePicture(other)).toBe(other);
    expect(await barePicture(blob(plainJpeg.slice(0, -2)))).toBeUndefined();
    expect(await barePicture(blob(new Uint8Array(MAX_PICTURE_BYTES + 1)))).toBeUndefined();
    const bare = await barePicture(blob(bytes(0xff, 0xd8, segment(0xfe, SECRET), plainJpeg.slice(2))));
    expect(bare?.type).toBe('image/jpeg');
    expect(new Uint8Array((await bare?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(plainJpeg);
  });

  it('loses the small picture of what it was before, which hides in the head of JFIF', () => {
    const head = segment(0xe0, 'JFIF\0', [1, 2, 0, 0, 1, 0, 1, 2, 2], SECRET);
    const bare = whole(bareJpeg(bytes(0xff, 0xd8, head, plainJpeg.slice(2))));
    const clean = segment(0xe0, 'JFIF\0', [1, 2, 0, 0, 1, 0, 1, 0, 0]);
    expect(bare).toEqual(bytes(0xff, 0xd8, clean, plainJpeg.slice(2)));
  });

  it('that was made to have millions of parts is not taken apart', () => {
    const many = Array.from({ length: 40_000 }, (_, index) => segment(index % 2 ? 0xfe : 0xdb, [0]));
    expect(bareJpeg(bytes(0xff, 0xd8, ...many, plainJpeg.slice(2)))).toBeUndefined();
  });

  it('says how it is turned in as few bytes as that takes', () => {
    for (let orientation = 2; orientation <= 8; orientation++)
      expect(orientationIn(tiffOf(orientation))).toBe(orientation);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (any) => void orientationIn(any)));
  });
});
