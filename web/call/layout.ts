/** How tiles share the stage. Pure. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
}

const RATIO = 16 / 9;

/** The grid in which so many tiles of 16:9 are largest. @param gap between tiles, CSS pixels */
export function gridFor(count: number, width: number, height: number, gap: number): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(Math.max(1, count) / columns);
    const room = {
      width: (width - gap * (columns - 1)) / columns,
      height: (height - gap * (rows - 1)) / rows,
    };
    const tile = Math.max(0, Math.floor(Math.min(room.width, room.height * RATIO)));
    if (tile > best.width) best = { columns, rows, width: tile, height: Math.floor(tile / RATIO) };
  }
  return best;
}

/** Where a tile is, CSS pixels from the top left of the stage. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Places of so many tiles in a grid; a last row that is not full is centred. */
export function gridPlaces(count: number, width: number, height: number, gap: number): readonly Place[] {
  const grid = gridFor(count, width, height, gap);
  const used = grid.rows * grid.height + (grid.rows - 1) * gap;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / grid.columns);
    const inRow = Math.min(grid.columns, count - row * grid.columns);
    const rowWidth = inRow * grid.width + (inRow - 1) * gap;
    return {
      left: (width - rowWidth) / 2 + (index % grid.columns) * (grid.width + gap),
      top: (height - used) / 2 + row * (grid.height + gap),
      width: grid.width,
      height: grid.height,
    };
  });
}

const THUMBNAIL = { part: 0.18, least: 72, most: 136 };

/**
 * Places of so many tiles where one is large and the others stand in a row below it. More than fit go on to the right, out
 * of sight until one scrolls there.
 */
export function focusPlaces(
  count: number,
  large: number,
  width: number,
  height: number,
  gap: number,
): readonly Place[] {
  if (count <= 1) return [{ left: 0, top: 0, width, height }];
  const small = Math.round(Math.min(THUMBNAIL.most, Math.max(THUMBNAIL.least, height * THUMBNAIL.part)));
  const smallWidth = Math.round(small * RATIO);
  const row = (count - 1) * smallWidth + (count - 2) * gap;
  const begin = Math.max(0, (width - row) / 2);
  return Array.from({ length: count }, (_, index) => {
    if (index === large) return { left: 0, top: 0, width, height: Math.max(0, height - small - gap) };
    const place = index < large ? index : index - 1;
    return { left: begin + place * (smallWidth + gap), top: height - small, width: smallWidth, height: small };
  });
}
