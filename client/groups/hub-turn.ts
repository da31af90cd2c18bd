/** The turn to commit, which the hub gives to one device of a group after the other. */
import { HawserError } from '#signalling/errors.ts';
import type { RoomId } from '#signalling/ids.ts';
import type { GroupApi } from './group-api.ts';

export class HubTurn {
  readonly #api: Pick<GroupApi, 'turn' | 'endTurn'>;
  readonly #room: RoomId;
  #isHeld = false;

  constructor(api: Pick<GroupApi, 'turn' | 'endTurn'>, room: RoomId) {
    this.#api = api;
    this.#room = room;
  }

  /** Others want to commit too: it waits until the hub says that it is its turn. */
  async take(): Promise<void> {
    try {
      await this.#api.turn(this.#room);
      this.#isHeld = true;
    } catch (error) {
      if (!(error instanceof HawserError) || !error.retry) throw error; // it tries without
    }
  }

  /** A commit was taken, which ends it. */
  used(): void {
    this.#isHeld = false;
  }

  /** What was wanted is so by now: the next one need not wait for this device. */
  async end(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    // Without it the hub passes the turn on by itself, later.
    await this.#api.endTurn(this.#room).catch(() => undefined);
  }
}
