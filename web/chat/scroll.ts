/**
 * Keeps the place in a list that grows at both ends: at the bottom one stays at the bottom, anywhere else what one reads stays
 * where it is. The browser's own anchoring is not used: not every browser has it, and it gives up when a page is let go.
 */

/** Nearer to the end than this counts as being there, CSS pixels. */
const NEAR = 48;

export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #list: HTMLElement;
  /** The first row that is seen, and where it stands. */
  #anchor: { readonly key: string; readonly top: number } | undefined;
  isAtEnd = true;

  /** @param list its children are the rows, each with a `data-key` */
  constructor(scroller: HTMLElement, list: HTMLElement) {
    this.#scroller = scroller;
    this.#list = list;
  }

  /** To be called when somebody has scrolled. */
  note(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    this.isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    let row = this.#rowAt(scrollTop);
    // A line between days is where the first message of the day is, and moves away from the others when an older one comes.
    while (row && isLine(row)) row = row.nextElementSibling as HTMLElement | null;
    this.#anchor = row ? { key: row.dataset.key ?? '', top: row.offsetTop - scrollTop } : undefined;
  }

  /** To be called when rows have changed, before the browser paints. @param hasEnd whether the newest is among them */
  keep(hasEnd: boolean): void {
    if (this.isAtEnd && hasEnd) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
      return;
    }
    const row = this.#anchor && this.row(this.#anchor.key);
    if (row && this.#anchor) this.#scroller.scrollTop = row.offsetTop - this.#anchor.top;
  }

  /** Brings a row into the middle. Whether it is there. */
  show(key: string): boolean {
    const row = this.row(key);
    if (!row) return false;
    this.#scroller.scrollTop = row.offsetTop - Math.max(0, (this.#scroller.clientHeight - row.offsetHeight) / 2);
    this.note();
    return true;
  }

  toEnd(): void {
    this.isAtEnd = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  row(key: string): HTMLElement | undefined {
    return rowsIn(this.#list).find((each) => each.dataset.key === key);
  }

  /** The key of the last row of which more than its beginning is seen. */
  get lastSeen(): string | undefined {
    const bottom = this.#scroller.scrollTop + this.#scroller.clientHeight;
    return this.#rowAt(bottom - NEAR)?.dataset.key ?? rowsIn(this.#list).at(-1)?.dataset.key;
  }

  /** The row at a height. Found by halving: measuring all of them with each step of a wheel would be seen. */
  #rowAt(height: number): HTMLElement | null {
    const rows = this.#list.children;
    let [low, high] = [0, rows.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = rows[middle] as HTMLElement;
      if (row.offsetTop + row.offsetHeight <= height) low = middle + 1;
      else high = middle;
    }
    return (rows[low] as HTMLElement | undefined) ?? null;
  }
}

function isLine({ dataset: { key = '' } }: HTMLElement): boolean {
  return key === 'new' || key.startsWith('day/');
}

function rowsIn(list: HTMLElement): HTMLElement[] {
  return [...list.children] as HTMLElement[];
}
