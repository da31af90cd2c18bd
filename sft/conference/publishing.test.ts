import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourceId } from '#signalling/ids.ts';
import { isVideo } from '#signalling/media-profile.ts';
import type { Conference, Source } from './conference.ts';
import { newConference } from './conference.ts';
import { NOTHING_PUBLISHED, neededHere, type Publishing, publishingOf, STOP_MS } from './publishing.ts';
import { ALPHA, anyConference, BETA, conferenceId, local, participantId, side, sourceId } from './testing.ts';

function pictures(conference: Conference): Source[] {
  return [...conference.local.values()].flatMap(({ sources }) =>
    [...sources.values()].filter(({ kind }) => isVideo(kind)),
  );
}

/** Every wish of somebody else for a source, as highest layers. */
function wishesOfOthers(conference: Conference, { source, participant }: Source): number[] {
  const here = [...conference.local.values()].filter((each) => each.participant !== participant);
  const there = [...conference.sides.values()].flatMap(({ demand }) => [...(demand.get(source) ?? [])]);
  return [...here.flatMap(({ wishes }) => wishes.get(source) ?? []), ...there];
}

function eachPicture(check: (source: Source, wishes: number[], watched: readonly number[]) => void): void {
  fc.assert(
    fc.property(anyConference, (conference) => {
      const watched = neededHere(conference);
      for (const source of pictures(conference)) {
        check(source, wishesOfOthers(conference, source), watched.get(source.source) ?? []);
      }
    }),
  );
}

const camera = sourceId('alice-camera');
function aliceWithBob() {
  const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
  local(conference, 'alice', ['camera']);
  local(conference, 'bob');
  const wish = (layer?: number) => {
    const bob = conference.local.get(participantId('bob'));
    if (bob) bob.wishes = new Map(layer === undefined ? [] : [[camera, layer]]);
  };
  const far = side(conference, BETA, []);
  const demand = (...layers: number[]) => {
    far.demand = new Map([[camera, layers]]);
  };
  return { conference, wish, demand };
}

describe('what is needed of the pictures that are published here', () => {
  it('is nothing where somebody is there who does not watch', () => {
    const { conference } = aliceWithBob();
    expect(neededHere(conference)).toEqual(new Map());
  });

  it('starves nobody, here or behind a link, and keeps the lowest layer for those whose path gets worse', () => {
    eachPicture(({ layers }, wishes, watched) => {
      for (const wish of wishes) {
        if (watched.length === 0) continue; // what a link asks for with nobody behind it
        expect(watched).toContain(layers.findLast((layer) => layer <= wish) ?? layers[0]);
        expect(watched).toContain(layers[0]);
      }
    });
  });

  it('has no layer of a camera that nobody wishes for, but the lowest', () => {
    eachPicture(({ kind, layers }, wishes, watched) => {
      if (kind !== 'camera') return;
      for (const layer of watched) if (layer !== layers[0]) expect(wishes).toContain(layer);
    });
  });

  it('is the whole of a screen while anybody watches', () => {
    eachPicture(({ kind, layers }, _, watched) => {
      if (kind === 'screen' && watched.length > 0) expect(watched).toEqual(layers);
    });
  });

  it('names pictures of this SFT only, and no voice', () => {
    fc.assert(
      fc.property(anyConference, (conference) => {
        const known = new Set(pictures(conference).map(({ source }) => source));
        for (const source of neededHere(conference).keys()) expect(known).toContain(source);
      }),
    );
  });
});

describe('what publishers are told', () => {
  /** Runs until nothing changes by itself. */
  function rest(before: Publishing, conference: Conference, now: number): Publishing {
    const next = publishingOf(before, conference, now);
    if (next.nextAt === undefined) return next;
    expect(next.nextAt).toBeGreaterThan(now);
    return rest(next, conference, next.nextAt);
  }

  it('comes to rest at what is watched', () => {
    fc.assert(
      fc.property(anyConference, anyConference, fc.nat({ max: 10_000 }), (first, then, after) => {
        const settled = rest(publishingOf(NOTHING_PUBLISHED, first, 0), then, after);
        const watched = neededHere(then);
        const expected = pictures(then).map(({ source }) => [source, watched.get(source) ?? []] as const);
        expect(settled.layers).toEqual(new Map<SourceId, readonly number[]>(expected));
      }),
    );
  });

  it('rises at once, whatever was before', () => {
    fc.assert(
      fc.property(anyConference, anyConference, fc.nat({ max: 10_000 }), (first, then, after) => {
        const { layers } = publishingOf(publishingOf(NOTHING_PUBLISHED, first, 0), then, after);
        for (const [source, watched] of neededHere(then)) {
          expect(layers.get(source)).toEqual(expect.arrayContaining([...watched]));
        }
      }),
    );
  });

  it('begins with everything, and stops what nobody has come for', () => {
    const { conference, wish } = aliceWithBob();
    const begun = publishingOf(NOTHING_PUBLISHED, conference, 0);
    expect([begun.layers.get(camera), begun.nextAt]).toEqual([[0, 1, 2], STOP_MS]);
    wish(0);
    const watched = publishingOf(begun, conference, 1_000);
    expect(watched.layers.get(camera)).toEqual([0, 1, 2]);
    const stopped = publishingOf(watched, conference, STOP_MS);
    expect([stopped.layers.get(camera), stopped.nextAt]).toEqual([[0], undefined]);
    wish();
    const dark = rest(stopped, conference, 20_000);
    expect(dark.layers.get(camera)).toEqual([]);
    // It is not taken for a new source now.
    expect(publishingOf(dark, conference, 60_000).layers.get(camera)).toEqual([]);
  });

  it('stops a layer five seconds after the last of the viewers and links has left it', () => {
    const { conference, wish, demand } = aliceWithBob();
    wish(1);
    demand(0, 2);
    const both = rest(NOTHING_PUBLISHED, conference, 0);
    expect(both.layers.get(camera)).toEqual([0, 1, 2]);
    demand();
    const near = publishingOf(both, conference, 30_000);
    expect([near.layers.get(camera), near.nextAt]).toEqual([[0, 1, 2], 30_000 + STOP_MS]);
    expect(publishingOf(near, conference, 30_000 + STOP_MS).layers.get(camera)).toEqual([0, 1]);
  });

  it('forgets a source that is gone, and begins anew with one that comes', () => {
    const { conference } = aliceWithBob();
    const dark = rest(NOTHING_PUBLISHED, conference, 0);
    conference.local.get(participantId('alice'))?.sources.clear();
    const gone = publishingOf(dark, conference, 10_000);
    expect(gone).toEqual({ asked: new Map(), layers: new Map(), nextAt: undefined });
  });
});
