/**
 * Where the bytes of files are. What stands behind it knows names, lengths and ciphertext; who may do what, and which file
 * is complete, is in the database.
 */
import type { Readable } from 'node:stream';

/** 32 hexadecimal digits: safe in every file system and URL, whatever it does with upper case. */
export type AssetName = string;

/** Bytes `from` to `to`, both of them included, as in HTTP. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

export interface Appended {
  /** How many bytes are on disk, synced, whatever went wrong after them. */
  readonly stored: number;
  /** What ended it early: the sender's connection, or the disk. */
  readonly failure?: unknown;
}

export interface Listed {
  readonly name: AssetName;
  /** ms since 1970 */
  readonly modified: number;
}

export interface AssetStore {
  /** @throws HawserError HOME_ASSET_NO_ROOM where so many more bytes have no room now */
  refuseFull(bytes: number): Promise<void>;
  /**
   * Writes what comes to an upload, from byte `offset` on, over whatever was there, with no more of it in memory than one
   * piece. Rejects only where nothing was written.
   * @throws HawserError HOME_ASSET_NO_ROOM
   */
  append(name: AssetName, offset: number, bytes: AsyncIterable<Uint8Array>): Promise<Appended>;
  /** Bytes of an upload or of a file; undefined where there is neither. */
  size(name: AssetName): Promise<number | undefined>;
  /**
   * Makes a file of an upload: checks its length and SHA-256 as they are on disk, and resolves when all of it would survive a
   * loss of power. Once done, doing it again does no harm.
   * @throws HawserError HOME_ASSET_INCOMPLETE, HOME_ASSET_HASH, HOME_ASSET_NO_ROOM, HOME_ASSET_STORE
   */
  finish(name: AssetName, expected: { readonly size: number; readonly sha256: string }): Promise<void>;
  /** Of a file. Destroying the stream lets go of everything. @throws HawserError HOME_NOT_FOUND, HOME_ASSET_STORE */
  read(name: AssetName, range: ByteRange): Promise<Readable>;
  /** Removes upload and file; nothing there is fine. */
  remove(name: AssetName): Promise<void>;
  /** Every upload and file, one at a time, so that what belongs to nothing can be swept. */
  list(): AsyncIterable<Listed>;
  /** Gives up what a `finish` before that time has left half done. @param before ms since 1970 */
  tidy(before: number): Promise<void>;
}

export const ASSET_NAME = /^[0-9a-f]{32}$/;
