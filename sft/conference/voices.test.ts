import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceId } from '#signalling/ids.ts';
import { AUDIBLE, SILENCE } from './levels.ts';
import { sourceId } from './testing.ts';
import {
  type Crossing,
  crossing,
  type Held,
  HOLD_MS,
  MARGIN_DB,
  NOTHING_HELD,
  speaks,
  type Voice,
  type VoiceLimits,
} from './voices.ts';

const NOW = 1_000_000;

const anyVoice = (index: number) =>
  fc.record({
    source: fc.constant(sourceId(`v${index}`)),
    // Few values, so that ties are common.
    level: fc.oneof(
      fc.constant(SILENCE),
      fc.constantFrom(-70, -60, -40, -35, -30, 0),
      fc.integer({ min: -127, max: 0 }),
    ),
    spokeAt: fc.option(fc.constantFrom(NOW, NOW - 1_000, NOW - 29_999, NOW - 30_000, 0), { nil: undefined }),
    hand: fc.boolean(),
    muted: fc.boolean(),
  });
const anyVoices: fc.Arbitrary<Voice[]> = fc
  .integer({ min: 0, max: 30 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => anyVoice(index))));
const anyLimits: fc.Arbitrary<VoiceLimits> = fc.record({
  loud: fc.integer({ min: 1, max: 6 }),
  warm: fc.integer({ min: 0, max: 20 }),
});
const anyHeld: fc.Arbitrary<Held> = fc
  .array(fc.tuple(fc.nat({ max: 30 }), fc.integer({ min: NOW - 100, max: NOW + HOLD_MS })), { maxLength: 8 })
  .map((entries) => new Map(entries.map(([index, until]) => [sourceId(`v${index}`), until])));

function eachChoice(check: (chosen: Crossing, voices: Voice[], limits: VoiceLimits, before: Held) => void): void {
  fc.assert(
    fc.property(anyVoices, anyLimits, anyHeld, (voices, limits, before) =>
      check(crossing(voices, limits, before, NOW), voices, limits, before),
    ),
  );
}

const voice = (name: string, change: Partial<Voice> = {}): Voice => ({
  source: sourceId(name),
  level: SILENCE,
  hand: false,
  muted: false,
  ...change,
});
const names = ({ voices }: Crossing) => [...voices].map((source: SourceId) => source.replaceAll('_', ''));

describe('the voices that cross', () => {
  it('are never more than the loud ones and the warm ones, and never a muted one', () => {
    eachChoice(({ voices: chosen, held }, voices, limits) => {
      expect(chosen.size).toBeLessThanOrEqual(limits.loud + limits.warm);
      expect(held.size).toBeLessThanOrEqual(limits.loud);
      for (const source of chosen) expect(voices.find((each) => each.source === source)?.muted).toBe(false);
    });
  });

  it('are all of them in a small conference', () => {
    eachChoice(({ voices: chosen }, voices, limits) => {
      if (voices.length > limits.warm) return;
      expect([...chosen].sort()).toEqual(voices.flatMap(({ source, muted }) => (muted ? [] : [source])).sort());
    });
  });

  it('never leave out a louder one for one that is more silent and holds no place', () => {
    eachChoice(({ voices: chosen }, voices, _, before) => {
      const out = voices.filter((each) => speaks(each) && !each.muted && !chosen.has(each.source));
      for (const inside of voices.filter(({ source }) => chosen.has(source))) {
        const margin = (before.get(inside.source) ?? 0) > NOW ? MARGIN_DB : 0;
        for (const outside of out) expect(outside.level).toBeLessThanOrEqual(inside.level + margin);
      }
    });
  });

  it('do not depend on the order in which they are looked at', () => {
    fc.assert(
      fc.property(
        anyVoices.chain((voices) =>
          fc.tuple(fc.constant(voices), fc.shuffledSubarray(voices, { minLength: voices.length })),
        ),
        anyLimits,
        anyHeld,
        ([voices, shuffled], limits, before) => {
          const one = crossing(voices, limits, before, NOW);
          const other = crossing(shuffled, limits, before, NOW);
          expect([...other.voices]).toEqual([...one.voices]);
          expect(other.held).toEqual(one.held);
        },
      ),
    );
  });

  it('change by themselves at the time that is said, and at no other', () => {
    eachChoice((chosen, voices, limits) => {
      const later = (now: number) => crossing(voices, limits, chosen.held, now);
      const end = chosen.nextAt ?? NOW + HOLD_MS - 1;
      expect(end).toBeGreaterThan(NOW);
      expect([...later(end - 1).held.keys()].sort()).toEqual([...chosen.held.keys()].sort());
      if (chosen.nextAt === undefined) return;
      const { held } = later(chosen.nextAt);
      expect([...chosen.held.keys()].some((source) => !held.has(source))).toBe(true);
    });
  });

  it('let who is louder by the margin take a place at once, and nobody swap for less', () => {
    const limits = { loud: 1, warm: 0 };
    const anna = crossing([voice('anna', { level: -40 })], limits, NOTHING_HELD, 0);
    const with_ = (level: number) =>
      crossing([voice('anna', { level: -40 }), voice('ben', { level })], limits, anna.held, 100);
    expect(names(with_(-40 + MARGIN_DB - 1))).toEqual(['anna']);
    expect(names(with_(-40 + MARGIN_DB + 1))).toEqual(['ben']);
  });

  it('keep a place through a pause for breath while nobody else needs it', () => {
    const limits = { loud: 1, warm: 0 };
    const spoken = crossing([voice('anna', { level: -30 })], limits, NOTHING_HELD, 0);
    const pause = crossing([voice('anna')], limits, spoken.held, HOLD_MS - 1);
    expect([names(pause), pause.nextAt]).toEqual([['anna'], HOLD_MS]);
    expect(names(crossing([voice('anna')], limits, pause.held, HOLD_MS))).toEqual([]);
    expect(names(crossing([voice('anna'), voice('ben', { level: AUDIBLE })], limits, spoken.held, 1))).toEqual(['ben']);
  });

  it('warm the dialogue first, then raised hands, then earlier speakers, then the others by id', () => {
    const voices = [
      voice('a'),
      voice('b', { spokeAt: NOW - 60_000 }),
      voice('c', { hand: true }),
      voice('d', { spokeAt: NOW - 20_000 }),
      voice('e', { spokeAt: NOW - 1_000 }),
      voice('f', { level: -50 }),
      voice('g', { level: -20 }),
      voice('h', { level: -20, muted: true }),
    ];
    const order = names(crossing(voices, { loud: 1, warm: 10 }, NOTHING_HELD, NOW));
    expect(order).toEqual(['g', 'f', 'e', 'd', 'c', 'b', 'a']);
  });
});
