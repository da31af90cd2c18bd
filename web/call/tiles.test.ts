import { describe, expect, it } from 'vitest';
import type { Participant } from '#client/conference/participants.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { largeTile, OWN_TILE, remoteTiles } from './tiles.ts';

const person = (participant: string, ...kinds: string[]) =>
  ({
    participant,
    sources: kinds.map((kind) => ({ source: `${participant}-${kind}`, kind })),
  }) as unknown as Participant<never>;
const speaker = (id: string) => id as ParticipantId;

describe('tiles', () => {
  const tiles = remoteTiles([person('ann', 'camera', 'microphone'), person('ben'), person('cid', 'screen')]);

  it('are one for each person and one more for a shared screen', () => {
    expect(tiles.map(({ key }) => key)).toEqual(['ann-camera', 'ben-camera', 'cid-screen', 'cid-camera']);
    expect(tiles[1]).not.toHaveProperty('source');
  });

  it('show large what was chosen, else a screen, else who speaks, else the first', () => {
    expect(largeTile(tiles, 'ben-camera', speaker('ann'))).toBe('ben-camera');
    expect(largeTile(tiles, OWN_TILE, undefined)).toBe(OWN_TILE);
    expect(largeTile(tiles, 'gone', speaker('ann'))).toBe('cid-screen');
    const faces = remoteTiles([person('ann'), person('ben')]);
    expect(largeTile(faces, undefined, speaker('ben'))).toBe('ben-camera');
    expect(largeTile(faces, undefined, speaker('me'))).toBe('ann-camera');
    expect(largeTile([], undefined, undefined)).toBeUndefined();
  });
});
