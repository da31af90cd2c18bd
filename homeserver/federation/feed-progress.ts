/** How far a domain is with its feed, as it is known in memory. Pure: the database is asked by whoever holds it. */
import type { ErrorCode } from '#signalling/errors.ts';
import type { Pile } from './feed-table.ts';

export class FeedProgress {
  /** Everything for the domain up to here is there. */
  acknowledged: number;
  /** Messages up to here are not delivered any more. */
  dropped: number;
  /** Between `acknowledged` and here is nothing for it. */
  cursor: number;
  /** Of all that is for it. */
  newest: number;
  /** What is behind `acknowledged`: right where nobody writes meanwhile, and never far off. */
  waiting = 0;
  /** Characters of its payloads. */
  length = 0;
  /** Whether `acknowledged` is not written down yet. */
  isUnwritten = false;
  /** Since when every request failed, and with which code the last one did. */
  trouble: { readonly since: number; readonly code: ErrorCode } | undefined;

  constructor(acknowledged: number, dropped: number) {
    this.acknowledged = acknowledged;
    this.dropped = dropped;
    this.cursor = acknowledged;
    this.newest = acknowledged;
  }

  get isCaughtUp(): boolean {
    return this.newest <= this.acknowledged;
  }

  /** An entry for the domain is on disk, of a higher position than all before. */
  wrote(position: number, length: number): void {
    if (this.isCaughtUp) {
      [this.waiting, this.length] = [0, 0];
      this.cursor = Math.max(this.cursor, position - 1);
    }
    this.newest = Math.max(this.newest, position);
    this.waiting += 1;
    this.length += length;
  }

  /** The domain has everything up to a position: of what was sent last, so many entries. */
  received(position: number, entries: number, length: number): void {
    this.acknowledged = position;
    this.cursor = Math.max(this.cursor, position);
    this.isUnwritten = true;
    this.waiting = this.isCaughtUp ? 0 : Math.max(1, this.waiting - entries);
    this.length = this.isCaughtUp ? 0 : Math.max(0, this.length - length);
  }

  /** The domain has less than it said. To be followed by `counted`. */
  goBack(position: number): void {
    this.acknowledged = position;
    this.cursor = position;
    this.isUnwritten = true;
  }

  /** What the database says of what waits behind `acknowledged`. More may have come since. */
  counted({ count, length, oldest, newest }: Pile): void {
    this.newest = Math.max(this.newest, newest ?? 0);
    if (oldest !== undefined) this.cursor = Math.max(this.cursor, oldest - 1);
    [this.waiting, this.length] = [count, length];
  }

  /** Nothing was found up to a position: what was the newest is not for the domain any more. */
  foundNothing(upTo: number): void {
    this.cursor = Math.max(this.cursor, upTo);
    if (this.newest > upTo) return;
    this.newest = this.acknowledged;
    [this.waiting, this.length] = [0, 0];
  }
}
