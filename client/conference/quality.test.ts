import { describe, expect, it } from 'vitest';
import type { ReceiverCounters } from '../media/engine.ts';
import type { Participant } from './participants.ts';
import { qualityOf } from './quality.ts';

const participants = [
  {
    participant: 'bob',
    via: ['beta.example'],
    sources: [
      { source: 's', kind: 'camera', renditions: [{ consumer: 'c', layers: [0], layer: 0 }] },
      { source: 'off', renditions: [] },
    ],
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

  it('tells of the highest rendition that flows, and counts the bytes of all', () => {
    const small = { consumer: 'small', layers: [0], layer: 0 };
    const large = { consumer: 'large', layers: [1, 2] };
    const of = (renditions: object[]) =>
      [{ participant: 'bob', via: [], sources: [{ source: 's', renditions }] }] as unknown as Participant<unknown>[];
    const now = [counters({ bytes: 5, height: 180 }), counters({ bytes: 50, height: 720 })].flatMap(([each], index) =>
      each ? [{ ...each, consumer: index === 0 ? 'small' : 'large' }] : [],
    );
    const shown = (renditions: object[]) => qualityOf(of(renditions), now, [])[0]?.counters;
    expect(shown([small, large])).toMatchObject({ height: 180, bytes: 55 });
    expect(shown([small, { ...large, layer: 2 }])).toMatchObject({ height: 720, bytes: 55 });
  });
});
