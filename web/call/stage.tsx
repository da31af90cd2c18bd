import { useRef } from 'preact/hooks';
import type { BrowserConference } from '#client/call.ts';
import type { Reaction } from '#client/conference/reactions.ts';
import type { Joined } from '#client/conference/state.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { useSize } from '../lib/use-size.ts';
import { focusPlaces, gridPlaces, type Place } from './layout.ts';
import { OwnTileView, RemoteTileView } from './tile.tsx';
import { type LayoutMode, largeTile, OWN_TILE, remoteTiles } from './tiles.ts';

const GAP = 12;

interface Props {
  readonly conference: BrowserConference;
  readonly joined: Joined<MediaStreamTrack>;
  readonly own: { readonly name: string; readonly camera?: MediaStreamTrack | undefined; readonly silent: boolean };
  readonly reactions: readonly Reaction[];
  readonly mode: LayoutMode;
  readonly chosen: string | undefined;
  readonly onChoose: (tile: string) => void;
}

/** The tiles, as a grid or as one large and a row of small ones. A tile keeps its element when the layout changes. */
export function Stage({ conference, joined, own, reactions, mode, chosen, onChoose }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const size = useSize(ref);
  const tiles = remoteTiles(joined.participants);
  const large = mode === 'focus' ? largeTile(tiles, chosen, joined.speaker) : undefined;
  const keys = [...tiles.map(({ key }) => key), OWN_TILE];
  const { width, height } = size;
  const places =
    large === undefined
      ? gridPlaces(keys.length, width, height, GAP)
      : focusPlaces(keys.length, keys.indexOf(large), width, height, GAP);
  const cell = (index: number) => ({
    class: large !== undefined && keys[index] !== large ? 'cell small' : 'cell',
    style: inPixels(places[index]),
  });
  // Whoever is large because he speaks is so until another one does.
  const isPinned = (key: string) => large === key && chosen === key;
  const reactionsOf = (who: ParticipantId) => reactions.filter(({ participant }) => participant === who);
  return (
    <div ref={ref} class="tiles">
      {tiles.map((tile, index) => (
        <div key={tile.key} {...cell(index)}>
          <RemoteTileView
            conference={conference}
            tile={tile}
            speaking={joined.speaker === tile.participant.participant}
            reactions={reactionsOf(tile.participant.participant)}
            large={tile.key === large}
            pinned={isPinned(tile.key)}
            onSelect={() => onChoose(tile.key)}
          />
        </div>
      ))}
      <div key={OWN_TILE} {...cell(tiles.length)}>
        <OwnTileView
          joined={joined}
          name={own.name}
          camera={own.camera}
          silent={own.silent}
          reactions={reactionsOf(joined.me)}
          pinned={isPinned(OWN_TILE)}
          onSelect={() => onChoose(OWN_TILE)}
        />
      </div>
    </div>
  );
}

function inPixels(place: Place | undefined) {
  if (!place) return {};
  const { left, top, width, height } = place;
  return { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` };
}
