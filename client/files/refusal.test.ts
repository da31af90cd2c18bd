import { describe, expect, it } from 'vitest';
import { ASSET_KINDS, type AssetPolicy } from '#signalling/assets.ts';
import { refusals } from './refusal.ts';

const policy: AssetPolicy = {
  maxBytes: 25_000_000,
  kinds: ASSET_KINDS.filter((kind) => kind !== 'program'),
  quotaBytes: 60_000_000,
  usedBytes: 20_000_000,
  maxPartBytes: 1_000_000,
};
const film = { name: 'film.mp4', size: 24_000_000, type: 'video/mp4' };
const codes = (...given: Parameters<typeof refusals>) => refusals(...given).map((each) => each?.code);

describe('chosen files', () => {
  it('are refused by size, kind and emptiness, each by itself and in words', () => {
    const files = [
      { ...film, size: 25_000_001 },
      { name: 'setup.exe', size: 1, type: '' },
      { name: 'nothing.txt', size: 0, type: 'text/plain' },
      film,
    ];
    expect(codes(files, policy)).toEqual(['HOME_ASSET_TOO_LARGE', 'HOME_ASSET_KIND', 'FILE_EMPTY', undefined]);
    expect(refusals(files, policy)[0]?.sentence).toBe('Your organisation does not accept files over 25 MB.');
  });

  it('are counted together against what is left of the room', () => {
    expect(codes([film, film], policy)).toEqual([undefined, 'HOME_ASSET_QUOTA']);
  });

  it('are not refused while nobody knows what is accepted', () => {
    expect(codes([film, { ...film, size: 1e12 }], undefined)).toEqual([undefined, undefined]);
  });
});
