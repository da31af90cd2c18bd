/** Divides a limit of a peer among its conferences. Pure. */

export interface Share {
  /** What the peer states. */
  readonly stated: number;
  /** What is taken of it now. */
  readonly taken: number;
}

/**
 * How many each may have. Whoever has keeps it, so that nobody is sent away by a newcomer; where the limit fell, the last
 * ones give first; where there is room, the first ones are given first.
 */
export function allot(limit: number, shares: readonly Share[]): number[] {
  let room = limit;
  const kept = shares.map(({ stated, taken }) => {
    const keeps = Math.min(stated, taken, room);
    room -= keeps;
    return keeps;
  });
  return shares.map(({ stated }, i) => {
    const keeps = kept[i] ?? 0;
    const more = Math.min(stated - keeps, room);
    room -= more;
    return keeps + more;
  });
}
