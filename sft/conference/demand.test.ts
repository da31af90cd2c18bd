import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceId } from '#signalling/ids.ts';
import { isVideo } from '#signalling/media-profile.ts';
import { mayMeet } from './access.ts';
import { type Conference, newConference, type Side, sourcesOf } from './conference.ts';
import {
  type Asked,
  ask,
  type Demand,
  NOTHING_ASKED,
  RELEASE_MS,
  type TrunkMode,
  type Wanted,
  wantedOf,
} from './demand.ts';
import { ALPHA, anyConference, BETA, conferenceId, local, side as sideOf, sourceId } from './testing.ts';

/** The other sides whose people may meet those of the side. */
function othersOf(conference: Conference, side: Side): Side[] {
  return [...conference.sides.values()].filter((each) => each !== side && mayMeet(conference, side.peer, each.peer));
}

/** Who could receive something of the side: people here and behind the other links. */
function receivers(conference: Conference, side: Side): number {
  const others = othersOf(conference, side);
  return conference.local.size + others.reduce((sum, each) => sum + each.participants.size, 0);
}

/** Every wish for a source of the side, as the highest layer of each viewer and of each other side. */
function wishesFor(conference: Conference, side: Side, source: SourceId): number[] {
  const here = [...conference.local.values()].flatMap(({ wishes }) => wishes.get(source) ?? []);
  const behind = othersOf(conference, side).flatMap((each) => [...(each.demand.get(source) ?? [])]);
  return [...here, ...behind];
}

function eachSide(mode: TrunkMode, check: (conference: Conference, side: Side, wanted: Wanted) => void): void {
  fc.assert(
    fc.property(anyConference, (conference) => {
      for (const side of conference.sides.values()) check(conference, side, wantedOf(conference, side, mode));
    }),
  );
}

describe('what is wanted of a side', () => {
  it('is nothing where nobody is there to receive it', () => {
    for (const mode of ['everything', 'sources', 'layers'] as const) {
      eachSide(mode, (conference, side, wanted) => {
        if (receivers(conference, side) === 0) expect(wanted.size).toBe(0);
        for (const source of wanted.keys()) expect(side.sources.has(source)).toBe(true);
      });
    }
  });

  it('is all of it in the mode `everything`', () => {
    eachSide('everything', (conference, side, wanted) => {
      if (receivers(conference, side) === 0) return;
      expect(wanted).toEqual(new Map([...side.sources.values()].map(({ source, layers }) => [source, layers])));
    });
  });

  it('never exceeds the union of the wishes, but for the lowest layer beside a higher one, and all voices', () => {
    eachSide('layers', (conference, side, wanted) => {
      for (const [source, layers] of wanted) {
        const { kind, layers: all } = side.sources.get(source) ?? { kind: 'camera', layers: [] };
        if (!isVideo(kind)) continue;
        const wishes = wishesFor(conference, side, source);
        expect(wishes.length).toBeGreaterThan(0);
        for (const layer of layers) expect(layer === all[0] || wishes.some((wish) => wish >= layer)).toBe(true);
        expect(layers.length).toBeLessThanOrEqual(new Set(wishes).size + 1);
      }
    });
  });

  it('starves nobody: whoever wishes a source is served at his layer or the next lower one', () => {
    eachSide('layers', (conference, side, wanted) => {
      if (receivers(conference, side) === 0) return;
      for (const { source, side: on } of sourcesOf(conference)) {
        if (on !== side || !isVideo(source.kind)) continue;
        for (const wish of wishesFor(conference, side, source.source)) {
          const best = source.layers.findLast((layer) => layer <= wish) ?? source.layers[0];
          expect(wanted.get(source.source)).toContain(best);
          expect(wanted.get(source.source)).toContain(source.layers[0]);
        }
      }
    });
  });

  it('is in the mode `sources` all layers of exactly the sources that the mode `layers` wants', () => {
    eachSide('sources', (conference, side, wanted) => {
      expect([...wanted.keys()]).toEqual([...wantedOf(conference, side, 'layers').keys()]);
      for (const [source, layers] of wanted) expect(layers).toEqual(side.sources.get(source)?.layers);
    });
  });

  it('does not depend on the order in which the viewers came', () => {
    eachSide('layers', (conference, side, wanted) => {
      const reversed = { ...conference, local: new Map([...conference.local].reverse()) };
      expect(wantedOf(reversed, side, 'layers')).toEqual(wanted);
    });
  });
});

describe('what is asked', () => {
  const someWanted: fc.Arbitrary<Wanted> = fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.subarray([0, 1, 2], { minLength: 1 })), { maxLength: 3 })
    .map((entries) => new Map(entries.map(([name, layers]) => [sourceId(name), layers])));
  const story = fc.array(fc.record({ after: fc.nat({ max: 3_000 }), wanted: someWanted }), {
    minLength: 1,
    maxLength: 20,
  });

  /** Plays a story; `seen` gets what was wanted when, and what was asked for then. */
  function play(
    steps: { after: number; wanted: Wanted }[],
    seen: (now: number, wanted: Wanted, demand: Demand) => void,
  ): { now: number; asked: Asked } {
    let now = 0;
    let asked = NOTHING_ASKED;
    for (const { after, wanted } of steps) {
      now += after;
      const demand = ask(asked, wanted, now, RELEASE_MS);
      asked = demand.asked;
      seen(now, wanted, demand);
    }
    return { now, asked };
  }

  it('rises at once, and holds nothing longer than it may after nobody wants it', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const lastWanted = new Map<string, number>();
        let previous: Wanted = new Map();
        play(steps, (now, wanted, { layers }) => {
          // What was wanted in the step before was wanted until this moment.
          for (const [source, each] of previous) for (const layer of each) lastWanted.set(`${source} ${layer}`, now);
          for (const [source, each] of wanted) expect(layers.get(source)).toEqual(expect.arrayContaining([...each]));
          for (const [source, each] of layers) {
            for (const layer of each) {
              if (wanted.get(source)?.includes(layer)) continue;
              expect(now - (lastWanted.get(`${source} ${layer}`) ?? Number.NEGATIVE_INFINITY)).toBeLessThan(RELEASE_MS);
            }
          }
          previous = wanted;
        });
      }),
    );
  });

  it('comes to rest at what is wanted, and says when it will', () => {
    fc.assert(
      fc.property(story, (steps) => {
        let { now, asked } = play(steps, () => undefined);
        const wanted = steps.at(-1)?.wanted ?? new Map();
        for (let wakes = 0; ; wakes++) {
          const demand = ask(asked, wanted, now, RELEASE_MS);
          if (demand.nextAt === undefined) {
            expect(demand.layers).toEqual(wanted);
            break;
          }
          expect(demand.nextAt).toBeGreaterThan(now);
          expect(wakes).toBeLessThan(20);
          now = demand.nextAt;
          asked = demand.asked;
        }
      }),
    );
  });

  it('keeps the higher layer while viewers move to the lower one', () => {
    const source = sourceId('a');
    const high = ask(NOTHING_ASKED, new Map([[source, [0, 2]]]), 0, RELEASE_MS);
    const down = ask(high.asked, new Map([[source, [0, 1]]]), 100, RELEASE_MS);
    expect(down.layers.get(source)).toEqual([0, 1, 2]);
    expect(down.nextAt).toBe(100 + RELEASE_MS);
    const later = ask(down.asked, new Map([[source, [0, 1]]]), 100 + RELEASE_MS, RELEASE_MS);
    expect(later.layers.get(source)).toEqual([0, 1]);
  });

  it('does not flap: who looks away for a moment finds everything still there', () => {
    const source = sourceId('a');
    const wanted: Wanted = new Map([[source, [0, 2]]]);
    const away = ask(ask(NOTHING_ASKED, wanted, 0, RELEASE_MS).asked, new Map(), 500, RELEASE_MS);
    expect(away.layers).toEqual(wanted);
    const back = ask(away.asked, wanted, 1_000, RELEASE_MS);
    expect([back.layers, back.nextAt]).toEqual([wanted, undefined]);
  });
});

it('asks for a layer only when a viewer is ready for it, and for the next lower one until then', () => {
  const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
  const far = sideOf(conference, BETA, [{ name: 'bob', origin: BETA, kinds: ['camera'] }]);
  const alice = conference.local.get(local(conference, 'alice'));
  if (!alice) throw new Error('nobody');
  const camera = sourceId('bob-camera');
  alice.wishes = new Map([[camera, 2]]);
  const asked = (ready?: number[]) => {
    if (ready) alice.ready = new Map([[camera, new Set(ready)]]);
    return wantedOf(conference, far, 'layers').get(camera);
  };
  expect([asked(), asked([]), asked([0]), asked([0, 1, 2])]).toEqual([[0, 2], undefined, [0], [0, 2]]);
  alice.wishes = new Map([[camera, 0]]);
  expect(asked([1, 2])).toBeUndefined();
});

it('asks for the next lower layer too while the wished one does not come', () => {
  const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
  const far = sideOf(conference, BETA, [{ name: 'bob', origin: BETA, kinds: ['camera'] }]);
  const alice = conference.local.get(local(conference, 'alice'));
  if (!alice) throw new Error('nobody');
  const camera = sourceId('bob-camera');
  alice.late = new Set([camera]);
  const asked = (wish: number, ready: number[]) => {
    alice.wishes = new Map([[camera, wish]]);
    alice.ready = new Map([[camera, new Set(ready)]]);
    return wantedOf(conference, far, 'layers').get(camera);
  };
  expect(asked(2, [0, 2])).toEqual([0, 2]); // there is no end for the lower one yet
  expect(asked(2, [0, 1, 2])).toEqual([0, 1, 2]);
  expect(asked(1, [0, 1, 2])).toEqual([0, 1]);
  // What a link has no room for comes back by itself, and would not if something else took its place.
  far.missing = new Set([camera]);
  expect(asked(2, [0, 1, 2])).toEqual([0, 2]);
});
