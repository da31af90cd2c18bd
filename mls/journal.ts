/** Writes of a state what changed since it was last written. */
import { HawserError } from '#signalling/errors.ts';
import { type RecordParts, recordsOf } from './records.ts';
import type { GroupState } from './state.ts';

/** New values by key; undefined deletes. */
export type Changes = ReadonlyMap<string, Uint8Array | undefined>;

/**
 * Stores the records of one group. `save` resolves when all changes are durable, and makes all of them or none; the values hold secrets.
 */
export interface GroupStore {
  /** @param also what the caller keeps beside the group and must not be without; its keys are the caller's own */
  save(changes: Changes, also: Changes): Promise<void>;
}

export const NOTHING: Changes = new Map();

export class Journal {
  readonly #store: GroupStore;
  #written: RecordParts;
  /** Of writes that failed: what is in the store now is not known, so that they are written again with the next. */
  #doubtful = new Set<string>();

  /** @param written what the store holds already; nothing for a new group */
  constructor(store: GroupStore, written?: GroupState) {
    this.#store = store;
    this.#written = written === undefined ? new Map() : recordsOf(written);
  }

  /** @throws {HawserError} MLS_NOT_SAVED; then the state before it is still the one that counts */
  async save(state: GroupState, also: Changes = NOTHING): Promise<void> {
    const parts = recordsOf(state);
    const changes = new Map<string, Uint8Array | undefined>();
    for (const [key, { source, write }] of parts) {
      const before = this.#written.get(key);
      if (before === undefined || before.source !== source || this.#doubtful.has(key)) changes.set(key, write());
    }
    for (const key of [...this.#written.keys(), ...this.#doubtful]) if (!parts.has(key)) changes.set(key, undefined);
    if (changes.size === 0 && also.size === 0) return;
    try {
      await this.#store.save(changes, also);
    } catch (cause) {
      for (const key of changes.keys()) this.#doubtful.add(key);
      throw new HawserError('MLS_NOT_SAVED', undefined, { cause });
    }
    this.#written = parts;
    this.#doubtful = new Set();
  }
}
