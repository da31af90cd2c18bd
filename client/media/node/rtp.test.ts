import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMedia, isRtcp, parseHeader, sequenceDistance, writeHeader } from './rtp.ts';

const header = fc.record({
  payloadType: fc.nat(127),
  marker: fc.boolean(),
  sequence: fc.nat(0xffff),
  timestamp: fc.nat(0xffff_ffff),
  ssrc: fc.nat(0xffff_ffff),
});
const extensions = fc.array(
  fc.record({ id: fc.integer({ min: 1, max: 14 }), value: fc.uint8Array({ minLength: 1, maxLength: 16 }) }),
  { maxLength: 4 },
);

describe('RTP headers', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(header, extensions, (written, more) => {
        const bytes = writeHeader(
          written,
          more.map(({ id, value }) => ({ id, value: Buffer.from(value) })),
        );
        expect(parseHeader(bytes)).toEqual({ ...written, length: bytes.length, hasPadding: false });
        expect(isMedia(bytes)).toBe(true);
      }),
    );
  });

  it('never throw, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const parsed = parseHeader(Buffer.from(bytes));
        expect(parsed === undefined || parsed.length <= bytes.length).toBe(true);
      }),
    );
  });

  it('tell RTP from RTCP', () => {
    expect(isRtcp(Buffer.from([0x80, 200]))).toBe(true);
    expect(isRtcp(Buffer.from([0x80, 0x80 | 101]))).toBe(false);
    expect(isMedia(Buffer.from([22]))).toBe(false);
  });

  it('measure distance around the wrap', () => {
    expect(sequenceDistance(65_535, 0)).toBe(1);
    expect(sequenceDistance(0, 65_535)).toBe(-1);
    expect(sequenceDistance(10, 20)).toBe(10);
  });
});
