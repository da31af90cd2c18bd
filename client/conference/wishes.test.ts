import { describe, expect, it } from 'vitest';
import type { Roster } from '#signalling/client-sft.ts';
import type { SourceId } from '#signalling/ids.ts';
import type { Codec } from '#signalling/media-profile.ts';
import { layerFor, type Shown, wishesFor } from './wishes.ts';

const LAYERS = [0, 1, 2];

describe('layerFor', () => {
  it.each([
    [100, 0],
    [180, 0],
    [241, 0],
    [242, 1],
    [360, 1],
    [482, 1],
    [483, 2],
    [2160, 2],
  ])('%i lines want layer %i', (pixels, layer) => expect(layerFor(pixels, LAYERS)).toBe(layer));

  it('takes what there is', () => {
    expect(layerFor(1000, [0, 1])).toBe(1);
    expect(layerFor(50, [2])).toBe(2);
    expect(layerFor(50, [])).toBeUndefined();
  });
});

describe('wishesFor', () => {
  const source = (id: string, kind: 'camera' | 'microphone' | 'screen', layers = LAYERS) =>
    ({ source: id as SourceId, kind, codec: id === 'face' ? 'vp9' : 'vp8', layers, muted: false }) as const;
  const roster = {
    seq: 1,
    participants: [
      { participant: 'me', sources: [source('mine', 'camera')] },
      { participant: 'bob', sources: [source('voice', 'microphone', [0]), source('face', 'camera')] },
      { participant: 'cid', sources: [source('slides', 'screen', [0]), source('other', 'camera')] },
    ],
  } as unknown as Roster;
  const wishes = (shown: [string, Shown][], assumed: Shown = 240, decodes: (codec: Codec) => boolean = () => true) =>
    wishesFor(roster, 'me', new Map(shown as [SourceId, Shown][]), assumed, decodes).map(({ source, layer }) => [
      source,
      layer,
    ]);

  it('wishes for pictures of others only, at the assumed size until a tile says its own', () => {
    expect(wishes([])).toEqual([
      ['face', 0],
      ['slides', 0],
      ['other', 0],
    ]);
    expect(wishes([['face', 720]])).toContainEqual(['face', 2]);
  });

  it('wishes for nothing that this device does not decode', () => {
    expect(wishes([], 240, (codec) => codec !== 'vp9').map(([source]) => source)).toEqual(['slides', 'other']);
  });

  it('wishes for nothing that is not shown', () => {
    expect(wishes([['face', 'none']])).not.toContainEqual(['face', 0]);
    expect(wishes([], 'none')).toEqual([]);
  });
});
