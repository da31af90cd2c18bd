import { describe, expect, it } from 'vitest';
import { IncomingStream } from './incoming.ts';
import { vp8Start } from './vp8.ts';

const packet = (sequence: number) => ({
  payloadType: 101,
  marker: true,
  sequence,
  timestamp: sequence * 3000,
  ssrc: 1,
  length: 12,
  hasPadding: false,
});
const bytes = Buffer.from([0x00, 0x01]);

describe('an incoming stream', () => {
  it('asks for what is missing, again after a while, and gives up in the end', () => {
    const stream = new IncomingStream(1, 90_000, true);
    stream.receive(packet(65_534), bytes, 0, false);
    stream.receive(packet(1), bytes, 1, false);
    expect(stream.toAskFor(1)).toEqual([65_535, 0]);
    expect(stream.toAskFor(2)).toEqual([]);
    expect(stream.receive(packet(0), bytes, 3, true)).toBe(true);
    expect(stream.receive(packet(0), bytes, 4, true)).toBe(false);
    expect(stream.toAskFor(100)).toEqual([65_535]);
    for (const now of [200, 300, 400]) stream.toAskFor(now);
    expect(stream.toAskFor(500)).toEqual([]);
    expect(stream.counters('c', 0)).toMatchObject({ packets: 3, packetsLost: 1 });
  });

  it('asks for nothing of a voice, and takes what comes late, for a second', () => {
    const stream = new IncomingStream(1, 48_000, false);
    for (const sequence of [1, 3, 5]) stream.receive(packet(sequence), bytes, sequence, false);
    expect(stream.toAskFor(10)).toEqual([]);
    expect(stream.receive(packet(2), bytes, 20, false)).toBe(true);
    expect(stream.receive(packet(2), bytes, 21, false)).toBe(false);
    stream.toAskFor(2_000);
    expect(stream.receive(packet(4), bytes, 2_001, false)).toBe(false);
    expect(stream.counters('c', 0)).toMatchObject({ packets: 4, packetsLost: 1 });
  });

  it('reports the part that was lost since the last report', () => {
    const stream = new IncomingStream(1, 90_000, true);
    for (const sequence of [10, 11, 12, 14]) stream.receive(packet(sequence), bytes, sequence, false);
    expect(stream.report(0)).toMatchObject({ fractionLost: 51, lost: 1, highestSequence: 14 });
    stream.receive(packet(15), bytes, 15, false);
    expect(stream.report(0)).toMatchObject({ fractionLost: 0, lost: 1 });
  });

  it('reads the size of a picture from its key frame', () => {
    const start = Buffer.from('9080011002009d012a0005d00200', 'hex');
    expect(vp8Start(start)).toEqual({ isKeyFrame: true, width: 1280, height: 720 });
    expect(vp8Start(Buffer.from([0x10, 0x01]))).toEqual({ isKeyFrame: false });
    expect(vp8Start(Buffer.from([0x00, 0x01]))).toBeUndefined();
    expect(vp8Start(Buffer.alloc(0))).toBeUndefined();
  });
});
