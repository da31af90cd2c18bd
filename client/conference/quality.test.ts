import { describe, expect, it } from 'vitest';
import type { ReceiverCounters } from '../media/engine.ts';
import type { Participant } from './participants.ts';
import { qualityOf } from './quality.ts';

const participants = [
  {
    participant: 'bob',
    via: ['beta.example'],
    sources: [{ source: 's', kind: 'camera', consumer: 'c' }, { source: 'off' }],
  },
] as unknown as Participant<unknown>[];
const counters = (change: Partial<ReceiverCounters>): ReceiverCounters[] => [
  { consumer: 'c', at: 0, bytes: 0, packets: 0, packetsLost: 0, jitterMs: 1, framesDecoded: 0, ...change },
];

describe('qualityOf', () => {
  it('makes rates of two readings', () => {
    const [quality] = qualityOf(
      participants,
      counters({ at: 2000, bytes: 250_000, packets: 90, packetsLost: 10, framesDecoded: 60 }),
      counters({}),
    );
    expect(quality).toMatchObject({ bitrate: 1_000_000, loss: 0.1, framesPerSecond: 30, via: ['beta.example'] });
  });

  it('gives no rate at the first reading, and none below zero after a restart', () => {
    expect(qualityOf(participants, counters({ at: 5 }), [])[0]).not.toHaveProperty('bitrate');
    const restarted = qualityOf(
      participants,
      counters({ at: 1000 }),
      counters({ bytes: 9, packets: 9, framesDecoded: 9 }),
    );
    expect(restarted[0]).toMatchObject({ bitrate: 0, loss: 0, framesPerSecond: 0 });
  });

  it('counts a repaired packet as no loss', () => {
    const [quality] = qualityOf(participants, counters({ at: 1000, packets: 10 }), counters({ packetsLost: 3 }));
    expect(quality?.loss).toBe(0);
  });
});
