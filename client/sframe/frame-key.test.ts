/** The vectors of the working group (github.com/sframe-wg/sframe), on both engines. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { type Engine, FrameKey } from './frame-key.ts';
import { readHeader, writeHeader } from './header.ts';
import { nodeEngine } from './node-engine.ts';
import { CONFERENCE_SUITE, SUITES } from './suite.ts';
import { webEngine } from './web-engine.ts';

const { HAWSER_TEST_VECTORS: named } = process.env;
const folder = named ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
const file = join(folder, 'sframe', 'test-vectors.json');
const isHere = named !== undefined || existsSync(file);
const where = isHere ? '' : `: they are not in ${folder}, set HAWSER_TEST_VECTORS`;

interface HeaderVector {
  readonly kid: number | string;
  readonly ctr: number | string;
  readonly encoded: string;
}

type FrameVector = Readonly<Record<'base_key' | 'sframe_key' | 'metadata' | 'pt' | 'ct', string>> & {
  readonly cipher_suite: number;
  readonly kid: number;
  readonly ctr: number;
};

/** Numbers of 64 bits, which a double would round. */
function vectors(): { readonly header: readonly HeaderVector[]; readonly sframe: readonly FrameVector[] } {
  return JSON.parse(readFileSync(file, 'utf8').replace(/("(?:kid|ctr)": )(\d{16,})/g, '$1"$2"'));
}

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (of: Uint8Array | undefined) => of && Buffer.from(of).toString('hex');

describe.each<[string, Engine]>([
  ['WebCrypto', webEngine],
  ['Node', nodeEngine],
])('on %s', (_, engine) => {
  it.runIf(isHere)(`meets the vectors of all suites${where}`, async () => {
    const { sframe } = vectors();
    expect(sframe.map((each) => each.cipher_suite)).toEqual(SUITES.map(({ id }) => id));
    for (const each of sframe) {
      const suite = SUITES.find(({ id }) => id === each.cipher_suite) ?? CONFERENCE_SUITE;
      const key = await FrameKey.derive(engine, suite, bytes(each.base_key), BigInt(each.kid));
      const [metadata, ct] = [bytes(each.metadata), bytes(each.ct)];
      expect(hex(await key.seal(BigInt(each.ctr), metadata, bytes(each.pt)))).toBe(each.ct);
      const header = readHeader(ct);
      if (!header) throw new Error('no header');
      const open = (sealed: Uint8Array, beside = metadata) =>
        key.open(header.ctr, sealed.subarray(0, header.bytes), beside, sealed.subarray(header.bytes));
      expect(hex(await open(ct))).toBe(each.pt);
      for (let at = 0; at < ct.length; at++) {
        const spoilt = ct.slice();
        spoilt[at] = (spoilt[at] ?? 0) ^ 1;
        expect(await open(spoilt), `byte ${at}`).toBeUndefined();
      }
      expect(await open(ct, metadata.subarray(1))).toBeUndefined();
      for (let length = header.bytes; length < ct.length; length++)
        expect(await open(ct.subarray(0, length))).toBeUndefined();
    }
  });

  it('has the check value of the suite of conferences', async () => {
    const baseKey = Uint8Array.from({ length: 16 }, (_byte, at) => at);
    const key = await FrameKey.derive(engine, CONFERENCE_SUITE, baseKey, 0x123n);
    const text = new TextEncoder();
    expect(hex(await key.seal(0x4567n, text.encode('IETF SFrame WG'), text.encode('draft-ietf-sframe-enc')))).toBe(
      '9901234567b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb',
    );
  });
});

it.runIf(isHere)(`meets the vectors of headers${where}`, () => {
  const { header } = vectors();
  expect(header.length).toBe(289);
  for (const each of header) {
    const [kid, ctr] = [BigInt(each.kid), BigInt(each.ctr)];
    expect(hex(writeHeader(kid, ctr))).toBe(each.encoded);
    expect(readHeader(bytes(`${each.encoded}00`))).toEqual({ kid, ctr, bytes: each.encoded.length / 2 });
  }
});

it.each(['', '80', '8800', '0800', '9900ff0012', '9f0102030405060708', 'ff'])('takes no header from %s', (encoded) => {
  expect(readHeader(bytes(encoded))).toBeUndefined();
});
