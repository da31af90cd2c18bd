/** When this device came into the group of a conversation: kept apart from the group, which may be forgotten and joined anew. */
import type { Changes } from '#mls/journal.ts';
import { parseFramed } from '#mls/wire.ts';
import type { ConversationId, RoomId } from '#signalling/ids.ts';
import type { Vault } from '../vault/vault.ts';

const SINCE = 'since/';

export class JoinMarks {
  readonly #vault: Vault;
  readonly #since: string;
  readonly #stay: string;
  readonly #joined: string;
  readonly #making: string;

  constructor(vault: Vault, room: RoomId) {
    this.#vault = vault;
    this.#since = `${SINCE}${room}`;
    this.#stay = `stay/${room}`;
    this.#joined = `joined/${room}`;
    this.#making = `making/${room}`;
  }

  /** The first epoch that this device was in. Undefined until it is in. */
  async since(): Promise<bigint | undefined> {
    return numberIn(await this.#vault.get(this.#since));
  }

  /** Whether a message was encrypted before this device came in: the last time, where it was out in between. */
  async isOlder(message: Uint8Array): Promise<boolean> {
    return parseFramed(message).epoch < (numberIn(await this.#vault.get(this.#stay)) ?? 0n);
  }

  /**
   * It came in: the first time counts, since whoever comes back has what was said before.
   * @param isAnew whether it had been in and lost only the keys
   */
  async noteSince(epoch: bigint | undefined, isAnew: boolean): Promise<Changes> {
    if (epoch === undefined) return new Map();
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, epoch);
    const isFirst = (await this.since()) === undefined;
    return new Map([
      ...(isFirst ? [[this.#since, bytes] as const] : []),
      ...(isAnew && !isFirst ? [] : [[this.#stay, bytes] as const]),
    ]);
  }

  /** The own external commit that the hub took, until it comes by the queue: what stands there before it is of an earlier time. */
  async joinedBy(): Promise<string | undefined> {
    const bytes = await this.#vault.get(this.#joined);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** @param id undefined when the queue has come to it */
  noteJoined(id: string | undefined): Changes {
    return new Map([[this.#joined, id === undefined ? undefined : new TextEncoder().encode(id)]]);
  }

  /** Whether the group that is here was made by this device, and the hub has not answered yet whether it takes it. */
  async isMaking(): Promise<boolean> {
    return (await this.#vault.get(this.#making)) !== undefined;
  }

  noteMaking(isMaking: boolean): Changes {
    return new Map([[this.#making, isMaking ? new Uint8Array([1]) : undefined]]);
  }
}

function numberIn(bytes: Uint8Array | undefined): bigint | undefined {
  return bytes && new DataView(bytes.slice().buffer).getBigUint64(0);
}

/** Conversations in whose groups this device has ever been. */
export async function conversationsIn(vault: Vault): Promise<ConversationId[]> {
  return [...(await vault.list(SINCE)).keys()].map((key) => key.slice(SINCE.length) as ConversationId);
}
