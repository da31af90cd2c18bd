import { expect, it } from 'vitest';
import { countersOf } from './counters.ts';

it('takes incoming streams of known tracks out of a statistics report', () => {
  const inbound = { type: 'inbound-rtp', timestamp: 5, trackIdentifier: 't1', bytesReceived: 9, jitter: 0.004 };
  const report = new Map<string, unknown>([
    ['a', { ...inbound, framesDecoded: 3, frameWidth: 640, frameHeight: 360 }],
    ['b', { ...inbound, trackIdentifier: 'probator' }],
    ['c', { type: 'transport', timestamp: 5 }],
  ]);
  expect(countersOf(report, new Map([['t1', 'c1']]))).toEqual([
    {
      consumer: 'c1',
      at: 5,
      bytes: 9,
      packets: 0,
      packetsLost: 0,
      jitterMs: 4,
      framesDecoded: 3,
      width: 640,
      height: 360,
    },
  ]);
});
