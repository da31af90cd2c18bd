import { describe, expect, it } from 'vitest';
import type { SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { type Arriving, Excess } from './excess.ts';
import { type Feedback, FeedbackFlood } from './feedback.ts';
import { Sustained } from './sustained.ts';

const M = 1_000_000;
const stream = (name: string, kind: SourceKind, layer: number, bitrate: number, demanded = true): Arriving => ({
  key: `${name} ${layer}`,
  source: name as SourceId,
  kind,
  layer,
  bitrate,
  demanded,
});

/** Looks once a second at the same arrivals, until something is said; the second and the word. */
function first(
  excess: Excess,
  streams: readonly Arriving[],
  change: { unknown?: number; limit?: number } = {},
  from = 0,
) {
  for (let second = from; second < from + 30; second++) {
    const arrivals = { streams, unknown: 0, sending: 0, limit: 200 * M, ...change };
    const { refuse, cut } = excess.look(arrivals, second * 1_000);
    if (refuse.length > 0 || cut) return { after: second - from, refuse, cut };
  }
  return undefined;
}

describe('what a peer sends', () => {
  it('is all right up to the ceiling of each kind, however long it lasts', () => {
    const honest = [
      stream('camera', 'camera', 0, 290_000),
      stream('camera', 'camera', 2, 2.9 * M),
      stream('screen', 'screen', 0, 4.9 * M),
      stream('voice', 'microphone', 0, 120_000),
    ];
    expect(first(new Excess(), honest, { unknown: 400_000 })).toBeUndefined();
  });

  it.each([
    ['a camera', stream('it', 'camera', 0, 310_000)],
    ['a screen', stream('it', 'screen', 0, 5.1 * M)],
    ['a voice', stream('it', 'microphone', 0, 130_000)],
  ])('is refused where %s stays above its ceiling for three seconds', (_, over) => {
    const honest = stream('other', 'camera', 2, M);
    expect(first(new Excess(), [over, honest])).toEqual({ after: 3, refuse: ['it'], cut: undefined });
  });

  it('is refused where it flows without demand', () => {
    expect(first(new Excess(), [stream('it', 'camera', 1, 400_000, false)])).toMatchObject({ refuse: ['it'] });
    expect(first(new Excess(), [stream('it', 'camera', 1, 10_000, false)])).toBeUndefined();
  });

  it('is refused from the fastest on where it is more than the limit and a fifth, sound never', () => {
    const streams = [
      stream('a', 'camera', 2, 2 * M),
      stream('b', 'camera', 2, 1.5 * M),
      stream('c', 'microphone', 0, 0.1 * M),
    ];
    expect(first(new Excess(), streams, { limit: 3.1 * M })).toBeUndefined();
    expect(first(new Excess(), streams, { limit: 2 * M })?.refuse).toEqual(['a']);
    expect(first(new Excess(), streams.slice(2), { limit: 10_000 })).toBeUndefined();
  });

  it('cuts the peer off that goes on after the refusal, and one whose refused source is offered anew', () => {
    const goesOn = new Excess();
    const over = [stream('it', 'camera', 0, 2 * M)];
    expect(first(goesOn, over)?.cut).toBeUndefined();
    expect(first(goesOn, [], { unknown: 2 * M }, 4)).toEqual({ after: 5, refuse: [], cut: 'SFT_LINK_EXCESS' });
    const anew = new Excess();
    first(anew, over);
    expect(anew.look({ streams: [], unknown: 0, sending: 0, limit: 200 * M }, 4_000).cut).toBeUndefined();
    expect(first(anew, over, {}, 5)).toMatchObject({ after: 3, cut: 'SFT_LINK_EXCESS' });
  });

  it('lets the peer stay that stops when it is refused', () => {
    const excess = new Excess();
    first(excess, [stream('it', 'camera', 0, 2 * M)]);
    expect(first(excess, [], {}, 4)).toBeUndefined();
  });

  it('cuts the peer off whose bytes belong to no stream, and allows for RTCP', () => {
    expect(first(new Excess(), [], { unknown: M })).toEqual({ after: 3, refuse: [], cut: 'SFT_LINK_UNKNOWN_STREAMS' });
    const busy = new Excess();
    for (let second = 0; second < 10; second++) {
      const arrivals = { streams: [], unknown: M, sending: 20 * M, limit: 200 * M };
      expect(busy.look(arrivals, second * 1_000).cut).toBeUndefined();
    }
  });
});

describe('what a peer asks for', () => {
  const honest: Feedback = { key: 'a', packets: 150, keyFrameRequests: 3, nacks: 40, nackPackets: 150 };
  const at = (flood: FeedbackFlood, from: number, to: number, ...streams: Feedback[]) => {
    const judgements = [];
    for (let second = from; second <= to; second++) judgements.push(flood.look(streams, second * 1_000));
    return judgements;
  };

  it('is all right while key frames come three a second and every packet is lost once', () => {
    const flood = new FeedbackFlood();
    expect(at(flood, 0, 60, honest, honest).every(({ rest, cut }) => rest.length === 0 && !cut)).toBe(true);
  });

  it.each([
    ['key frames', { keyFrameRequests: 100 }],
    ['NACKs', { nacks: 500 }],
    ['packets again and again', { nackPackets: 2_000 }],
  ])('rests the streams of a flood of %s, and cuts at the next one', (_, change) => {
    const flood = new FeedbackFlood();
    const flooded = { ...honest, key: 'b', ...change };
    expect(at(flood, 0, 3, honest, flooded).at(-1)).toEqual({ rest: ['b'], cut: false });
    expect(at(flood, 4, 8, honest, flooded).at(-1)).toEqual({ rest: [], cut: true });
  });

  it('is forgiven after a calm minute', () => {
    const flood = new FeedbackFlood();
    at(flood, 0, 3, { ...honest, keyFrameRequests: 100 });
    at(flood, 4, 70, honest);
    expect(at(flood, 71, 74, { ...honest, keyFrameRequests: 100 }).at(-1)).toEqual({ rest: ['a'], cut: false });
  });
});

it('takes what pauses for a moment for two things', () => {
  const lasting = new Sustained(2_000);
  const looks = [true, true, false, true, true, true].map((holds, i) => lasting.look(holds, i * 1_000));
  expect(looks).toEqual([false, false, false, false, false, true]);
});
