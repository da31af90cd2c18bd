import fc from 'fast-check';
import { expect, test } from 'vitest';
import { takeSound, vp8Frames } from './frames.ts';
import { packetise } from './vp8.ts';

const frames = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 6_000 }).map((bytes) => Buffer.from(bytes)),
  { minLength: 1, maxLength: 6 },
);

/** Packets of frames one after the other, from a sequence number on that runs over. */
function packetsOf(all: readonly Buffer[]) {
  let sequence = 0xfffd;
  return all.flatMap((frame, index) => {
    const payloads = packetise(frame, index);
    return payloads.map((payload, at) => {
      const header = { sequence, timestamp: index * 3_000, marker: at === payloads.length - 1 };
      sequence = (sequence + 1) & 0xffff;
      return { header, payload };
    });
  });
}

test('gives every picture once and whole, in whatever order its packets come', () => {
  fc.assert(
    fc.property(
      frames.chain((all) =>
        fc.record({ all: fc.constant(all), packets: fc.shuffledSubarray(packetsOf(all), { minLength: 0 }) }),
      ),
      ({ all, packets }) => {
        const take = vp8Frames();
        const given = packets.flatMap(({ header, payload }) => take(header, payload) ?? []);
        const expected = packetsOf(all);
        const isWhole = (timestamp: number) =>
          expected
            .filter(({ header }) => header.timestamp === timestamp)
            .every(({ header }) => packets.some((each) => each.header.sequence === header.sequence));
        const whole = all.map((_, index) => index * 3_000).filter(isWhole);
        expect(given.map(({ timestamp }) => timestamp).toSorted((a, b) => a - b)).toEqual(whole);
        for (const { data, timestamp } of given) expect(all[timestamp / 3_000]?.equals(data)).toBe(true);
      },
    ),
  );
});

test('takes the end of one picture and the begin of another one for no picture', () => {
  const [first, second] = [packetsOf([Buffer.alloc(3_000, 1)]), packetsOf([Buffer.alloc(3_000, 2)])];
  const take = vp8Frames();
  const given = [...first.slice(0, 1), ...second.slice(-1)].map(({ header, payload }) => take(header, payload));
  expect(given).toEqual([undefined, undefined]);
});

test('keeps what is not whole in bounds', () => {
  const take = vp8Frames();
  const [start, , end] = packetise(Buffer.alloc(3_000), 0);
  for (let index = 0; index < 1_000; index++)
    take({ sequence: index, timestamp: index, marker: false }, start as Buffer);
  // The first is not waited for any more.
  expect(take({ sequence: 0, timestamp: 0, marker: true }, end as Buffer)).toBeUndefined();
});

test('takes each packet of sound for a frame', () => {
  expect(takeSound({ sequence: 1, timestamp: 960, marker: false }, Buffer.from('opus'))).toEqual({
    data: Buffer.from('opus'),
    timestamp: 960,
  });
});
