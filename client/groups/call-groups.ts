/** The groups of the calls that this device is in: one, as a rule, and for a moment two while it goes from one to the next. */
import { HawserError } from '#signalling/errors.ts';
import type { CallRoomId, GroupId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import type { Epoch } from '../sframe/epochs.ts';
import { CallGroup, type CallGroupOptions } from './call-group.ts';
import type { CallRoster } from './call-roster.ts';

/** What encrypts the media of a call. */
export interface CallKeys {
  /** What is sent with it can be read from now on. */
  addEpoch(epoch: Epoch): void;
  /** Everything is sent with it from now on. */
  sendWith(number: bigint): void;
  /**
   * Whether everybody who has the keys may hear this device; asked in each epoch, and by `reconsider`. Where it is not so, `hold` is called in place of
   * `sendWith`.
   */
  mayHear?(roster: CallRoster): boolean;
  /** Nothing is sent until `sendWith` is called again. */
  hold?(): void;
  /** Who has the keys of the newest epoch. */
  onRoster?(roster: CallRoster): void;
  /** This device was taken out, or the call is over: its SFT says so too, and why. */
  onOut?(): void;
}

export class CallGroups {
  readonly #entered = new Map<CallRoomId, CallGroup>();
  readonly #groupOf: (room: CallRoomId) => GroupId | undefined;

  /** @param groupOf of a call that goes on, as the homeserver told last */
  constructor(groupOf: (room: CallRoomId) => GroupId | undefined) {
    this.#groupOf = groupOf;
  }

  /** The device is not in it before it enters. A former stay in the same call ends. */
  open(options: CallGroupOptions): CallGroup {
    this.leave(options.room);
    const group = new CallGroup(options);
    this.#entered.set(options.room, group);
    return group;
  }

  /** Makes new keys for the call. @throws HawserError HOME_NO_CALL where this device is not in it, and as `CallGroup.renew` */
  async renew(room: CallRoomId): Promise<void> {
    const group = this.#entered.get(room);
    if (!group) throw new HawserError('HOME_NO_CALL');
    await group.renew();
  }

  /** What `CallKeys.mayHear` says may have changed. */
  async reconsider(room: CallRoomId): Promise<void> {
    await this.#entered.get(room)?.reconsider();
  }

  /** Its keys are forgotten. The hub takes it out when its SFT says that it is gone. */
  leave(room: CallRoomId): void {
    this.#entered.get(room)?.close();
    this.#entered.delete(room);
  }

  /** Of a call that this device is not in any more it says nothing. @throws HawserError where it has to come once more */
  async take(entry: Entry & { readonly group: GroupId }): Promise<void> {
    for (const [room, group] of this.#entered) {
      if (this.#groupOf(room) === entry.group || (await group.id()) === entry.group) return group.take(entry);
    }
  }

  close(): void {
    for (const room of [...this.#entered.keys()]) this.leave(room);
  }
}
