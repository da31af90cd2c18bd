import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clearBytesOfH264, escaped, unescaped, withLongStartCodes } from './h264.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const SPS = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f];
const PPS = [0, 0, 1, 0x68, 0xce];

test('parameter sets and the begin of the first slice stay in the clear, and no more', () => {
  const key = bytes(...SPS, ...PPS, 0, 0, 0, 1, 0x65, 0x88, 0x84, 1, 2, 3);
  expect(clearBytesOfH264(key)).toBe(key.length - 3);
  expect(clearBytesOfH264(bytes(0, 0, 1, 0x41, 0x9a, 0x02, 9, 9))).toBe(6);
  expect(clearBytesOfH264(bytes(0, 0, 1, 0x41))).toBe(4);
  expect(clearBytesOfH264(bytes(...SPS, ...PPS))).toBe(13);
});

test('start codes are those that whoever unpacks it writes', () => {
  const key = bytes(...SPS, ...PPS, 0, 0, 1, 0x65, 0x88, 0x84, 7);
  const { data, clear } = withLongStartCodes(key, clearBytesOfH264(key));
  expect([...data]).toEqual([...SPS, 0, ...PPS, 0, 0, 0, 1, 0x65, 0x88, 0x84, 7]);
  expect(clear).toBe(data.length - 1);
  expect(withLongStartCodes(data, clear).data).toEqual(data);
});

const some = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 0x80, 255), { maxLength: 60 });

test('what is written has no start code behind the clear part, does not end with a zero, and can be read', () => {
  fc.assert(
    fc.property(some, some, (before, rest) => {
      const data = bytes(...before, ...rest);
      const written = escaped(data, before.length);
      // Behind the clear part, and where the two meet: two zeros, and behind them nothing that would make a start code of them.
      for (let at = Math.max(2, before.length); at < written.length; at++) {
        const [one, two, three = 255] = written.subarray(at - 2, at + 1);
        expect(one === 0 && two === 0 && three < 3).toBe(false);
      }
      expect(written.at(-1)).not.toBe(0);
      expect(unescaped(written, before.length)).toEqual(data);
    }),
  );
});

test('what was not written so is not taken', () => {
  expect(unescaped(bytes(1, 2, 3), 1)).toBeUndefined();
  expect(unescaped(bytes(1), 1)).toBeUndefined();
});
