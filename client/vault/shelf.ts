/** What a vault needs of a database: sealed records by name, in the order of the names. It sees no key and no value in the clear. */

export interface ShelfRow {
  readonly name: string;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

export interface ShelfRange {
  /** The lowest name, itself included; '' is below all. */
  readonly from: string;
  /** The name above the highest. */
  readonly below: string;
  readonly limit: number;
  readonly reverse: boolean;
}

/** Above all names, which begin with a letter of lower case. */
export const ABOVE_ALL = '~';

/** The vault calls one method after the other, never two at once. */
export interface Shelf {
  get(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  range(range: ShelfRange): Promise<readonly ShelfRow[]>;
  /** All or none, durable when it resolves; undefined deletes. */
  write(changes: ReadonlyMap<string, Uint8Array<ArrayBuffer> | undefined>): Promise<void>;
  /** Deletes what it keeps, and closes. */
  destroy(): Promise<void>;
  close(): Promise<void>;
}
