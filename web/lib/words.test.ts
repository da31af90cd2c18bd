import { describe, expect, it } from 'vitest';
import type { Quality } from '#client/conference/quality.ts';
import type { DomainName } from '#signalling/ids.ts';
import { bitrateOf, frameRateOf, initialsOf, listOf, lossOf, resolutionOf, wayOf } from './words.ts';

const quality = (change: object) => ({ via: [], counters: {}, ...change }) as unknown as Quality;

describe('words', () => {
  it('make initials of any name', () => {
    expect(['Alice', 'bob van dyk', 'Zoë Ångström', ''].map(initialsOf)).toEqual(['A', 'BD', 'ZÅ', '?']);
  });

  it('list names without running away', () => {
    expect(listOf([])).toBe('');
    expect(listOf(['Ann', 'Ben'])).toBe('Ann and Ben');
    expect(listOf(['Ann', 'Ben', 'Cid', 'Dan', 'Eva'])).toBe('Ann, Ben and 3 others');
  });

  it('say figures with their unit, and a dash for what is not known', () => {
    expect(bitrateOf(quality({ bitrate: 1_520_000 }))).toBe('1.5 Mbit/s');
    expect(bitrateOf(quality({ bitrate: 31_400 }))).toBe('31 kbit/s');
    expect(frameRateOf(quality({ framesPerSecond: 29.6 }))).toBe('30 /s');
    expect(lossOf(quality({ loss: 0.013 }))).toBe('1.3 %');
    expect(lossOf(quality({ loss: 0 }))).toBe('0 %');
    expect(resolutionOf(quality({ counters: { width: 640, height: 360 } }))).toBe('640 × 360');
    expect([bitrateOf, frameRateOf, lossOf, resolutionOf].map((say) => say(quality({})))).toEqual(['–', '–', '–', '–']);
  });

  it('say which way media travels', () => {
    expect(wayOf({ via: [] })).toBe('own media server');
    expect(wayOf({ via: ['alpha.example', 'gamma.example'] as DomainName[] })).toBe(
      'via alpha.example, then gamma.example',
    );
  });
});
