import { useRef } from 'preact/hooks';
import type { BrowserConference } from '#client/call.ts';
import type { Joined } from '#client/conference/state.ts';
import { useSize } from '../lib/use-size.ts';
import { gridFor } from './layout.ts';
import { OwnTileView, RemoteTileView } from './tile.tsx';
import { type LayoutMode, largeTile, OWN_TILE, remoteTiles } from './tiles.ts';

const GAP = 12;

interface Props {
  readonly conference: BrowserConference;
  readonly joined: Joined<MediaStreamTrack>;
  readonly own: { readonly name: string; readonly camera?: MediaStreamTrack | undefined; readonly silent: boolean };
  readonly mode: LayoutMode;
  readonly chosen: string | undefined;
  readonly onChoose: (tile: string) => void;
}

/** The tiles, as a grid or as one large and a row of small ones. A tile keeps its element when the layout changes. */
export function Stage({ conference, joined, own, mode, chosen, onChoose }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const size = useSize(ref);
  const tiles = remoteTiles(joined.participants);
  const large = mode === 'focus' ? largeTile(tiles, chosen, joined.speaker) : undefined;
  const grid = gridFor(tiles.length + 1, size.width, size.height, GAP);
  const style = large === undefined ? { '--tile-width': `${grid.width}px`, '--tile-height': `${grid.height}px` } : {};
  return (
    <div ref={ref} class={large === undefined ? 'tiles grid' : 'tiles focus'} style={style}>
      {tiles.map((tile) => (
        <div key={tile.key} class={tile.key === large ? 'cell large' : 'cell'}>
          <RemoteTileView
            conference={conference}
            tile={tile}
            speaking={joined.speaker === tile.participant.participant}
            selected={tile.key === large}
            onSelect={() => onChoose(tile.key)}
          />
        </div>
      ))}
      <div key={OWN_TILE} class={large === OWN_TILE ? 'cell large' : 'cell'}>
        <OwnTileView
          conference={conference}
          joined={joined}
          name={own.name}
          camera={own.camera}
          silent={own.silent}
          selected={large === OWN_TILE}
          onSelect={() => onChoose(OWN_TILE)}
        />
      </div>
    </div>
  );
}
