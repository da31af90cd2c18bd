/** Which tiles there are, and which of them is large. Pure. */
import type { Participant, RemoteSource } from '#client/conference/participants.ts';
import type { ParticipantId } from '#signalling/ids.ts';

/** One picture of one remote person: the camera, or the screen as a tile of its own. */
export interface RemoteTile {
  readonly key: string;
  readonly participant: Participant<MediaStreamTrack>;
  readonly kind: 'camera' | 'screen';
  readonly source?: RemoteSource<MediaStreamTrack>;
}

export const OWN_TILE = 'me';

export type LayoutMode = 'grid' | 'focus';

export function remoteTiles(participants: readonly Participant<MediaStreamTrack>[]): readonly RemoteTile[] {
  return participants.flatMap((participant) => {
    const camera = participant.sources.find(({ kind }) => kind === 'camera');
    const screen = participant.sources.find(({ kind }) => kind === 'screen');
    const tile = (kind: 'camera' | 'screen', source?: RemoteSource<MediaStreamTrack>): RemoteTile => ({
      key: `${participant.participant}-${kind}`,
      participant,
      kind,
      ...(source && { source }),
    });
    return screen ? [tile('screen', screen), tile('camera', camera)] : [tile('camera', camera)];
  });
}

/**
 * The large tile: the one that was chosen, else a shared screen, else whoever spoke last, else the first. Absent where
 * nobody else is there.
 */
export function largeTile(
  tiles: readonly RemoteTile[],
  chosen: string | undefined,
  speaker: ParticipantId | undefined,
): string | undefined {
  if (chosen === OWN_TILE || tiles.some(({ key }) => key === chosen)) return chosen;
  const screen = tiles.find(({ kind }) => kind === 'screen');
  const speaking = tiles.find(({ participant, kind }) => kind === 'camera' && participant.participant === speaker);
  return (screen ?? speaking ?? tiles[0])?.key;
}
