/** Files of others on this device: fetched when somebody wants them, kept as long as there is room, never stored. */
import type { AssetId } from '#signalling/ids.ts';
import type { Account } from '../account.ts';
import { download } from '../assets/download.ts';
import { shownType } from '../assets/kind.ts';
import type { Progress } from '../assets/upload.ts';
import type { StoredFile } from '../content/content.ts';
import { type Failure, failureOf } from '../failure.ts';
import { Store } from '../store.ts';
import { obstacleTo, sealedFile } from './stored-file.ts';

export type Fetched =
  | { readonly state: 'away' }
  | { readonly state: 'coming'; readonly progress: Progress }
  /** Whole and checked. Its type is one that a page may show, or that of mere bytes. */
  | { readonly state: 'here'; readonly blob: Blob }
  | { readonly state: 'failed'; readonly failure: Failure };

interface Entry {
  readonly store: Store<Fetched>;
  stop: AbortController | undefined;
  /** What an attempt that failed has left. */
  kept: Blob[];
}

/** Beyond it, what was not looked at for the longest is let go. Bytes. */
const ROOM = 256_000_000;
const AWAY: Fetched = { state: 'away' };

export class IncomingFiles {
  readonly #account: Pick<Account, 'call' | 'callRaw'>;
  readonly #room: number;
  /** The last one asked for is the last. */
  readonly #entries = new Map<AssetId, Entry>();

  constructor(account: Pick<Account, 'call' | 'callRaw'>, room = ROOM) {
    this.#account = account;
    this.#room = room;
  }

  /** How it is with a file. */
  of({ asset }: StoredFile): Store<Fetched> {
    return this.#entry(asset).store;
  }

  /** Fetches it, or goes on with what failed; does nothing where it is here or under way. Resolves when that is over. */
  async fetch(file: StoredFile, name: string): Promise<Fetched> {
    const entry = this.#entry(file.asset);
    // Looked at just now.
    this.#entries.delete(file.asset);
    this.#entries.set(file.asset, entry);
    const { store } = entry;
    if (store.state.state === 'here') return store.state;
    if (store.state.state === 'coming') return store.when(({ state }) => state !== 'coming');
    const stop = new AbortController();
    entry.stop = stop;
    store.set({ state: 'coming', progress: { done: 0, total: file.size } });
    const fetched = await this.#download(entry, file, name, stop.signal);
    if (entry.stop === stop) {
      entry.stop = undefined;
      store.set(fetched);
    }
    this.#makeRoom();
    return store.state;
  }

  /** Stops fetching it. What came of it is kept for the next time. */
  cancel({ asset }: StoredFile): void {
    const entry = this.#entries.get(asset);
    if (!entry?.stop) return;
    const { stop } = entry;
    entry.stop = undefined;
    entry.store.set(AWAY);
    stop.abort(new DOMException('given up', 'AbortError'));
  }

  close(): void {
    for (const { stop } of this.#entries.values()) stop?.abort(new DOMException('closed', 'AbortError'));
    this.#entries.clear();
  }

  async #download(entry: Entry, file: StoredFile, name: string, signal: AbortSignal): Promise<Fetched> {
    const obstacle = obstacleTo(file);
    if (obstacle) return { state: 'failed', failure: failureOf(obstacle) };
    try {
      const kept = entry.kept.length > 0 ? new Blob(entry.kept) : undefined;
      const parts: Blob[] = [...entry.kept];
      entry.kept = parts;
      const options = {
        account: this.#account,
        signal,
        onProgress: (progress: Progress) => !signal.aborted && entry.store.set({ state: 'coming', progress }),
        ...(kept && { kept }),
      };
      // A browser may put the content of a blob on disk, which it cannot with arrays.
      for await (const chunk of download(sealedFile(file, name), options)) parts.push(new Blob([chunk]));
      entry.kept = [];
      return { state: 'here', blob: new Blob(parts, { type: shownType(file.contentType) }) };
    } catch (error) {
      const failure = failureOf(error);
      // What is spoilt is no beginning.
      if (failure.code === 'FILE_DAMAGED') entry.kept = [];
      if (signal.aborted) return AWAY;
      return { state: 'failed', failure: failure.code === 'HOME_NOT_FOUND' ? GONE : failure };
    }
  }

  #entry(asset: AssetId): Entry {
    const known = this.#entries.get(asset);
    if (known) return known;
    const made: Entry = { store: new Store<Fetched>(AWAY), stop: undefined, kept: [] };
    this.#entries.set(asset, made);
    return made;
  }

  #makeRoom(): void {
    const sizeOf = ({ store: { state }, kept }: Entry) =>
      (state.state === 'here' ? state.blob.size : 0) + kept.reduce((sum, { size }) => sum + size, 0);
    let taken = [...this.#entries.values()].reduce((sum, each) => sum + sizeOf(each), 0);
    for (const entry of [...this.#entries.values()].slice(0, -1)) {
      if (taken <= this.#room) return;
      if (entry.stop) continue;
      taken -= sizeOf(entry);
      entry.kept = [];
      entry.store.set(AWAY);
    }
  }
}

const GONE: Failure = {
  code: 'HOME_NOT_FOUND',
  sentence: 'The file is not on the server any more: its time is over, or it was deleted.',
  retry: false,
};
