/** The records of this device's group of one room, in the vault. */
import type { Changes, GroupStore } from '#mls/journal.ts';
import { HawserError } from '#signalling/errors.ts';
import type { RoomId } from '#signalling/ids.ts';
import type { Vault } from '../vault/vault.ts';

/** The records of one group, until another takes its place. */
export class OwnStore implements GroupStore {
  readonly #vault: Vault;
  readonly #prefix: string;
  #isEnded = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(vault: Vault, room: RoomId) {
    this.#vault = vault;
    this.#prefix = groupPrefix(room);
  }

  save(changes: Changes, also: Changes): Promise<void> {
    if (this.#isEnded) return Promise.reject(new HawserError('MLS_NOT_SAVED', 'another group took its place'));
    const own = [...changes].map(([key, value]): [string, Uint8Array | undefined] => [`${this.#prefix}${key}`, value]);
    const saved = this.#vault.write(new Map([...own, ...also]));
    this.#last = saved.catch(() => undefined);
    return saved;
  }

  /** Resolves when the last write is done; there is none after it. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#last;
  }
}

export function groupPrefix(room: RoomId): string {
  return `group/${room}/`;
}
