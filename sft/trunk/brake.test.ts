import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Brake, CALM_MS, CUT, GROWTH } from './brake.ts';

const M = 1_000_000;
const PACKET_BITS = 8_800;

/** A sender who obeys the brake to the bit, over a path that holds `capacity` and queues before it loses. */
class Path {
  readonly brake = new Brake();
  readonly wanted: number;
  now = 0;
  sending: number;
  #queueMs = 0;

  constructor(wanted: number) {
    this.wanted = wanted;
    this.sending = wanted;
  }

  second(capacity: number, baseMs = 20, mostQueueMs = 200): void {
    this.now += 1_000;
    const over = Math.max(0, this.sending - capacity);
    const grown = this.#queueMs + (1_000 * (this.sending - capacity)) / capacity;
    this.#queueMs = Math.max(0, Math.min(mostQueueMs, grown));
    const full = this.#queueMs === mostQueueMs;
    const packets = this.sending / PACKET_BITS;
    this.brake.look(
      {
        packets,
        lost: full ? over / PACKET_BITS : 0,
        // No two packets take the same time to the microsecond.
        rttMs: baseMs + this.#queueMs + (this.now % 3_000) / 1e6,
        sending: Math.min(this.sending, capacity),
        braking: this.sending < this.wanted,
      },
      this.now,
    );
    this.sending = Math.min(this.wanted, this.brake.budget);
  }
}

const reading = { packets: 1_000, lost: 0, rttMs: 20, sending: 10 * M, braking: false };

describe('the brake', () => {
  it('lets everything through while there is no trouble', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 29 }), { maxLength: 60 }), (losses) => {
        const brake = new Brake();
        for (const [i, lost] of losses.entries()) brake.look({ ...reading, lost }, i * 1_000);
        expect(brake.budget).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('brakes at a loss above 3 %, and says so', () => {
    const brake = new Brake();
    brake.look({ ...reading, lost: 40 }, 0);
    expect([brake.budget, brake.reason]).toEqual([10 * M * CUT, 'loss']);
  });

  it('brakes when the round trip grew by more than 100 ms and doubled, and at neither alone', () => {
    const rtts = (...values: number[]) => {
      const brake = new Brake();
      for (const [i, rttMs] of values.entries()) brake.look({ ...reading, rttMs }, i * 1_000);
      return brake;
    };
    expect(rtts(20, 119, 118).budget).toBe(Number.POSITIVE_INFINITY);
    expect(rtts(300, 450, 451).budget).toBe(Number.POSITIVE_INFINITY);
    expect(rtts(20, 130, 20, 131).budget).toBe(Number.POSITIVE_INFINITY);
    // One late report, found by several looks.
    expect(rtts(20, 130, 130, 130, 20).budget).toBe(Number.POSITIVE_INFINITY);
    expect(rtts(20, 130, 131).reason).toBe('delay');
    expect(rtts(20, 130, 131).budget).toBeLessThan(10 * M);
    expect(rtts(20, 130, 130, 131).reason).toBe('delay');
  });

  it('leaves nothing out of what is too little to make a queue, however the round trip grows; loss it heeds', () => {
    const quiet = { ...reading, sending: 96_000 };
    const delayed = new Brake();
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 30; i++) {
      delayed.look({ ...quiet, rttMs: i === 0 ? 20 : 400 + i }, i * 1_000);
      least = Math.min(least, delayed.budget);
    }
    expect(least).toBeGreaterThan(quiet.sending);
    const losing = new Brake();
    for (let i = 0; i < 5; i++) losing.look({ ...quiet, sending: 400_000, lost: 100 }, i * 1_000);
    expect(losing.budget).toBeLessThan(400_000);
  });

  it('does not take a single packet of a quiet trunk for trouble', () => {
    const brake = new Brake();
    brake.look({ ...reading, packets: 20, lost: 1 }, 0);
    expect(brake.budget).toBe(Number.POSITIVE_INFINITY);
  });

  it('goes down once, and not again for the reports of what was sent before', () => {
    const brake = new Brake();
    for (const now of [0, 1_000, 1_999]) brake.look({ ...reading, lost: 100 }, now);
    expect(brake.budget).toBe(10 * M * CUT);
  });

  it('goes up 8 % a second after five calm seconds, and is off when nothing is left out', () => {
    const brake = new Brake();
    brake.look({ ...reading, lost: 100 }, 0);
    const low = brake.budget;
    for (let now = 1_000; now < CALM_MS; now += 1_000) brake.look({ ...reading, braking: true }, now);
    expect(brake.budget).toBe(low);
    brake.look({ ...reading, braking: true }, CALM_MS);
    expect(brake.budget).toBeCloseTo(low * GROWTH);
    brake.look({ ...reading, braking: false }, CALM_MS + 1_000);
    expect(brake.budget).toBe(Number.POSITIVE_INFINITY);
  });

  it('takes a path that became longer for what it is', () => {
    const path = new Path(10 * M);
    for (let i = 0; i < 10; i++) path.second(100 * M, 20);
    for (let i = 0; i < 60; i++) path.second(100 * M, 150);
    expect(path.sending).toBe(10 * M);
  });

  it('finds any bottleneck within a minute, keeps to it, and recovers when it is gone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 19 }),
        fc.integer({ min: 5, max: 150 }),
        fc.constantFrom(0, 50, 200, 400),
        (capacity, baseMs, queueMs) => {
          const path = new Path(20 * M);
          for (let i = 0; i < 5; i++) path.second(100 * M, baseMs, queueMs);
          expect(path.sending).toBe(20 * M);
          for (let i = 0; i < 60; i++) path.second(capacity * M, baseMs, queueMs);
          let sum = 0;
          for (let i = 0; i < 60; i++) {
            path.second(capacity * M, baseMs, queueMs);
            sum += path.sending;
          }
          expect(sum / 60).toBeLessThan(capacity * M * 1.1);
          expect(sum / 60).toBeGreaterThan(capacity * M * 0.5);
          for (let i = 0; i < 60; i++) path.second(100 * M, baseMs, queueMs);
          expect(path.sending).toBe(20 * M);
        },
      ),
      { numRuns: 200 },
    );
  });
});
