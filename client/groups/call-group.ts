/**
 * This device in the group of a call: its keys are those of the media. They are in memory only, and gone with the call: whoever comes back
 * comes in anew, in its own place, so that no key is ever counted with twice.
 */
import type { Credentials } from '#mls/credentials.ts';
import type { Engine } from '#mls/engine.ts';
import type { Group } from '#mls/group.ts';
import { Queue } from '#mls/queue.ts';
import type { CallRoomId, GroupId, ParticipantId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import type { Device } from '../device/device.ts';
import { isOfEntry, leavesBehind } from '../messages/blame.ts';
import type { Epoch } from '../sframe/epochs.ts';
import { leafBitsOf } from '../sframe/key-id.ts';
import { MemoryVault } from '../vault/memory.ts';
import type { Authorities } from './authorities.ts';
import { ConversationGroup, type Membership } from './conversation-group.ts';
import type { GroupApi } from './group-api.ts';

export interface CallGroupOptions {
  readonly room: CallRoomId;
  /** Under which name the SFTs know this device. */
  readonly participant: ParticipantId;
  readonly device: Device;
  readonly api: GroupApi;
  readonly authorities: Authorities;
  readonly credentials: Credentials;
  readonly engine?: Engine;
  /** Of the conversation, with the group of the call. */
  readonly membership: () => Membership;
  readonly refreshMembership: () => Promise<void>;
  readonly untilTaken?: () => Promise<void>;
  /** An epoch whose media can be read from now on. */
  readonly onEpoch: (epoch: Epoch) => void;
  /** The epoch that is sent with from now on. */
  readonly onSendWith: (number: bigint) => void;
  /** This device is not in the group any more: it was taken out, or the call is over. */
  readonly onOut: () => void;
  readonly onFault: (error: unknown) => void;
  /** ms since 1970 */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
}

/** RFC 9605, section 5.2. The context is empty, so that a group is never used for two calls. */
const BASE_KEY = { label: 'SFrame 1.0 Base Key', bytes: 16 } as const;

/** By how many are in it: how long a commit takes to come to all of them, and the next one is not sooner. ms */
const TICKS = [
  { upTo: 50, ms: 250 },
  { upTo: 100, ms: 500 },
  { upTo: 500, ms: 1_000 },
] as const;
const LONGEST_TICK_MS = 2_000;

export class CallGroup {
  readonly #options: CallGroupOptions;
  readonly #group: ConversationGroup;
  readonly #looks = new Queue();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** The newest that was told. */
  #told: bigint | undefined;
  #closed = false;

  constructor(options: CallGroupOptions) {
    this.#options = options;
    this.#group = new ConversationGroup({ ...options, vault: new MemoryVault() });
  }

  /** Resolves when this device is in, and its keys are told. @throws HawserError as `ConversationGroup.ready` */
  async enter(): Promise<void> {
    await this.#group.ready();
    await this.#look();
  }

  /** Undefined until this device is in, or in the way of it. */
  async id(): Promise<GroupId | undefined> {
    return (await this.#group.loaded())?.id;
  }

  /** Takes an entry of the queue. Where this device cannot follow, it comes in anew. @throws HawserError where it has to come once more */
  async take(entry: Entry): Promise<void> {
    try {
      await this.#group.take(entry, () => new Map());
    } catch (error) {
      if (!isOfEntry(error)) throw error;
      if (this.#group.isBroken || leavesBehind(entry, error)) await this.#comeAnew();
    }
    await this.#look();
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#group.close();
  }

  /** Nothing is sent that whoever was taken out could read: until it is in, it sends with what it had. */
  async #comeAnew(): Promise<void> {
    try {
      await this.#group.rejoin('entry');
    } catch (error) {
      if (!isOfEntry(error)) throw error;
      this.#options.onFault(error);
    }
  }

  /** Tells of the epoch that there is, if it was not told yet. */
  #look(): Promise<void> {
    return this.#looks.run(async () => {
      const group = await this.#group.loaded();
      if (this.#closed) return;
      if (!group?.isMember) {
        if (this.#told !== undefined && group === undefined) this.#options.onOut();
        return;
      }
      const epoch = await epochOf(group);
      if (this.#closed || epoch.number === this.#told) return;
      const isFirst = this.#told === undefined;
      this.#told = epoch.number;
      const members = epoch.participants.size;
      this.#options.onEpoch(epoch);
      // Others have to have the commit before they can read what is sent with it.
      if (isFirst) this.#options.onSendWith(epoch.number);
      else this.#later(tickOf(members) / 2, () => this.#options.onSendWith(epoch.number));
    });
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
    if (typeof timer === 'object') timer.unref?.();
  }
}

/** Where a commit comes in between, it is looked at once more. */
async function epochOf(group: Group): Promise<Epoch> {
  for (;;) {
    const { epoch: number, leafIndex: leaf, participants, treeWidth } = group;
    const baseKey = await group.export(BASE_KEY.label, new Uint8Array(), BASE_KEY.bytes);
    if (number !== undefined && number === group.epoch)
      return { number, baseKey, leafBits: leafBitsOf(treeWidth), leaf, participants };
  }
}

function tickOf(members: number): number {
  return TICKS.find(({ upTo }) => members <= upTo)?.ms ?? LONGEST_TICK_MS;
}
