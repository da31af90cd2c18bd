import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRtcp, writeNack, writePli, writeReceiverReport, writeSenderReport } from './rtcp.ts';

describe('RTCP', () => {
  it('says again what was asked for', () => {
    const sequences = [10, 11, 26, 40, 65_535];
    const compound = Buffer.concat([writeNack(1, 2, sequences), writePli(1, 3)]);
    expect(parseRtcp(compound)).toEqual([
      { type: 'nack', ssrc: 2, sequences },
      { type: 'keyFrame', ssrc: 3 },
    ]);
  });

  it('packs lost packets of sixteen in a row into one pair', () => {
    const row = Array.from({ length: 17 }, (_, index) => 65_530 + index).map((each) => each & 0xffff);
    expect(writeNack(1, 2, row)).toHaveLength(16);
    expect(parseRtcp(writeNack(1, 2, row))).toEqual([{ type: 'nack', ssrc: 2, sequences: row }]);
  });

  it('states sender time in NTP', () => {
    const now = Date.UTC(2026, 0, 1) + 500;
    const report = writeSenderReport({ ssrc: 9, now, rtpTimestamp: 90_000, packets: 3, bytes: 300 });
    expect(report.readUInt32BE(8)).toBe(now / 1000 - 0.5 + 2_208_988_800);
    expect(report.readUInt32BE(12)).toBe(2 ** 31);
    expect(parseRtcp(report)).toEqual([
      { type: 'senderReport', ssrc: 9, ntp: (report.readUInt16BE(10) * 2 ** 16 + report.readUInt16BE(12)) >>> 0 },
    ]);
  });

  it('reports loss', () => {
    const block = { ssrc: 5, fractionLost: 64, lost: 7, highestSequence: 70_000, jitter: 12 };
    const report = writeReceiverReport(1, [{ ...block, lastSenderReport: 1, delaySinceLast: 2 }]);
    expect(parseRtcp(report)).toEqual([{ type: 'receiverReport', ssrc: 5, fractionLost: 64, jitter: 12 }]);
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        parseRtcp(Buffer.from(bytes));
      }),
    );
  });
});
