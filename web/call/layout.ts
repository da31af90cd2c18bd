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
