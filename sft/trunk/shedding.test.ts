import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceKind } from '#signalling/media-profile.ts';
import { nominalBitrate } from './bitrate.ts';
import { leaveOut, NOTHING_SHED, RETURN_MS, RETURN_SHARE, type Shed, shed, type Wanting } from './shedding.ts';

const M = 1_000_000;

function layer(key: string, kind: SourceKind, level: number, change: Partial<Wanting> = {}): Wanting {
  return {
    key,
    kind,
    layer: level,
    speaker: false,
    thumbnail: false,
    bitrate: nominalBitrate(kind, level),
    ...change,
  };
}

const anyLayer = (key: string) =>
  fc
    .record({
      kind: fc.constantFrom<SourceKind>('camera', 'camera', 'camera', 'screen', 'microphone'),
      level: fc.integer({ min: 0, max: 2 }),
      speaker: fc.boolean(),
      thumbnail: fc.boolean(),
      bitrate: fc.integer({ min: 0, max: 5 * M }),
    })
    .map(({ kind, level, ...rest }) => layer(key, kind, kind === 'camera' ? level : 0, rest));
const anyWanted = fc
  .integer({ min: 0, max: 12 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => anyLayer(`k${i}`))));
const anyBudget = fc.integer({ min: 0, max: 30 * M });

const sum = (layers: readonly Wanting[]) => layers.reduce((total, { bitrate }) => total + bitrate, 0);
const without = (wanted: readonly Wanting[], out: { has(key: string): boolean }) =>
  wanted.filter(({ key }) => !out.has(key));
const isAudio = ({ kind }: Wanting) => kind === 'microphone';

describe('what is left out', () => {
  it('goes in the order thumbnails, tops, cameras, screens', () => {
    const wanted = [
      layer('screen', 'screen', 0),
      layer('voice', 'microphone', 0),
      layer('big 2', 'camera', 2),
      layer('big 0', 'camera', 0),
      layer('small 1', 'camera', 1, { thumbnail: true }),
      layer('small 0', 'camera', 0, { thumbnail: true }),
      layer('speaker 2', 'camera', 2, { speaker: true }),
      layer('speaker 0', 'camera', 0, { speaker: true }),
    ];
    const order = ['small 1', 'big 2', 'speaker 2', 'big 0', 'small 0', 'speaker 0', 'screen'];
    expect(leaveOut(wanted, 0)).toEqual(order);
  });

  it('leaves a budget that holds, whenever sound alone fits', () => {
    fc.assert(
      fc.property(anyWanted, anyBudget, (wanted, budget) => {
        const rest = without(wanted, new Set(leaveOut(wanted, budget)));
        expect(rest.filter(isAudio)).toEqual(wanted.filter(isAudio));
        if (sum(wanted.filter(isAudio)) <= budget) expect(sum(rest)).toBeLessThanOrEqual(budget);
      }),
    );
  });

  it('is not one layer more than needed', () => {
    fc.assert(
      fc.property(anyWanted, anyBudget, (wanted, budget) => {
        const out = leaveOut(wanted, budget);
        if (out.length > 0) expect(sum(without(wanted, new Set(out.slice(0, -1))))).toBeGreaterThan(budget);
      }),
    );
  });

  it('is never more with a larger budget, and the same for any order of the question', () => {
    fc.assert(
      fc.property(anyWanted, anyBudget, anyBudget, (wanted, a, b) => {
        const less = leaveOut(wanted, Math.max(a, b));
        expect(leaveOut(wanted, Math.min(a, b)).slice(0, less.length)).toEqual(less);
        expect(leaveOut([...wanted].reverse(), a)).toEqual(leaveOut(wanted, a));
      }),
    );
  });
});

describe('from one second to the next', () => {
  const run = (wanted: readonly Wanting[], budgets: readonly number[], start: Shed = NOTHING_SHED) => {
    const states = [start];
    for (const [second, budget] of budgets.entries()) {
      states.push(shed(states.at(-1) ?? start, wanted, budget, 'send-limit', second * 1_000));
    }
    return states.slice(1);
  };

  it('the budget always holds, and sound always flows', () => {
    fc.assert(
      fc.property(anyWanted, fc.array(anyBudget, { maxLength: 10 }), (wanted, budgets) => {
        for (const [i, state] of run(wanted, budgets).entries()) {
          const rest = without(wanted, state);
          expect(rest.filter(isAudio)).toEqual(wanted.filter(isAudio));
          if (sum(wanted.filter(isAudio)) <= (budgets[i] ?? 0)) expect(sum(rest)).toBeLessThanOrEqual(budgets[i] ?? 0);
        }
      }),
    );
  });

  it('everything comes back by itself when there is room, one class at a time', () => {
    fc.assert(
      fc.property(anyWanted, (wanted) => {
        const states = run(wanted, [0, ...Array.from({ length: 7 }, () => Number.POSITIVE_INFINITY)]);
        expect(states.at(-1)).toEqual(NOTHING_SHED);
        const kindOf = (key: string) => wanted.find((each) => each.key === key)?.kind;
        for (const [i, state] of states.slice(1).entries()) {
          const back = [...(states[i]?.keys() ?? [])].filter((key) => !state.has(key));
          if (back.some((key) => kindOf(key) === 'screen')) expect(new Set(back.map(kindOf)).size).toBe(1);
        }
      }),
    );
  });

  it('nothing comes back within two seconds, nor before it fits in nine tenths', () => {
    const wanted = [layer('a', 'camera', 2, { bitrate: M }), layer('b', 'camera', 0, { bitrate: M })];
    const tight = (2 * M) / RETURN_SHARE - 1;
    expect(run(wanted, [M, 9 * M, 9 * M]).map((state) => state.size)).toEqual([1, 1, 0]);
    expect(run(wanted, [M, tight, tight, tight]).map((state) => state.size)).toEqual([1, 1, 1, 1]);
    expect(RETURN_MS).toBe(2_000);
  });

  it('two layers of like rates do not take turns', () => {
    const at = (a: number, b: number) => [
      layer('a', 'camera', 2, { bitrate: a }),
      layer('b', 'camera', 2, { bitrate: b }),
    ];
    let state = shed(NOTHING_SHED, at(1_000, 1_001), 1_500, 'send-limit', 0);
    expect([...state.keys()]).toEqual(['b']);
    for (let second = 1; second < 20; second++) {
      state = shed(state, at(1_001 + (second % 2), 1_001), 1_500, 'send-limit', second * 1_000);
      expect([...state.keys()]).toEqual(['b']);
    }
  });

  it('a layer that nobody wants any more is forgotten, and a reason stays with its layer', () => {
    const wanted = [layer('a', 'camera', 2), layer('b', 'screen', 0)];
    const first = shed(NOTHING_SHED, wanted, 0, 'loss', 0);
    const second = shed(first, wanted.slice(1), 0, 'send-limit', 1_000);
    expect([...second]).toEqual([['b', { reason: 'loss', since: 0 }]]);
  });
});
