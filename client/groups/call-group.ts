/**
 * This device in the group of a call: its keys are those of the media. They are in memory only, and gone with the call: whoever comes back
 * comes in anew, in its own place, so that no key is ever counted with twice.
 */
import type { Credentials } from '#mls/credentials.ts';
import type { Engine } from '#mls/engine.ts';
import type { Group } from '#mls/group.ts';
import { Queue } from '#mls/queue.ts';
import { tickOf } from '#signalling/groups.ts';
import type { CallRoomId, GroupId, ParticipantId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import type { Device } from '../device/device.ts';
import { isOfEntry, leavesBehind } from '../messages/blame.ts';
import type { Epoch } from '../sframe/epochs.ts';
import { leafBitsOf } from '../sframe/key-id.ts';
import { MemoryVault } from '../vault/memory.ts';
import type { Authorities } from './authorities.ts';
import { type CallRoster, rosterOf } from './call-roster.ts';
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
  /** Who is in the epoch that is told next. */
  readonly onRoster: (roster: CallRoster) => void;
  /** An epoch whose media can be read from now on. */
  readonly onEpoch: (epoch: Epoch) => void;
  /** Whether all of them may hear this device: as `CallKeys`. */
  readonly mayHear: (roster: CallRoster) => boolean;
  readonly onHold: () => void;
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

/** From so many devices on it is worth a commit of one's own to make those of the others small. */
const LARGE = 32;

export class CallGroup {
  readonly #options: CallGroupOptions;
  readonly #group: ConversationGroup;
  readonly #looks = new Queue();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** The newest that was told. */
  #told: bigint | undefined;
  #closed = false;
  #isComing = false;
  /** Somebody has the keys who may not hear this device. */
  #isHeld = false;

  constructor(options: CallGroupOptions) {
    this.#options = options;
    this.#group = new ConversationGroup({ ...options, vault: new MemoryVault() });
  }

  /** Resolves when this device is in, and its keys are told. @throws HawserError as `ConversationGroup.ready` */
  async enter(): Promise<void> {
    const { members } = await this.#group.ready();
    await this.#look();
    // Whoever was let in has no keys of his own above his leaf, and each commit has to name him: 41 kB among 500, in place of 1.5.
    const { length } = members;
    if (length < LARGE) return;
    this.#later(tickOf(length) * (1 + this.#options.random() * length), () => {
      this.renew().catch(this.#options.onFault);
    });
  }

  /** Makes new keys for everybody: who had been listening with stolen ones, does so no longer. @throws HawserError as `ConversationGroup.update` */
  async renew(): Promise<void> {
    await this.#group.update();
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

  /** Sends again, where everybody may hear it now. */
  reconsider(): Promise<void> {
    return this.#looks.run(async () => {
      const group = await this.#group.loaded();
      if (!this.#isHeld || this.#closed || !group?.isMember || group.epoch !== this.#told) return;
      this.#isHeld = !this.#options.mayHear(await rosterOf(group));
      if (!this.#isHeld && this.#told !== undefined) this.#options.onSendWith(this.#told);
    });
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

  /**
   * It was taken out, and neither is the call over nor its person out of the conversation: for a while no SFT told of it, for instance. Not
   * waited for, because a Welcome comes by the queue, in its turn.
   */
  #comeBack(): void {
    if (this.#isComing) return;
    this.#isComing = true;
    const coming = this.#group.ready().then(() => this.#look());
    coming.catch(this.#options.onFault).finally(() => {
      this.#isComing = false;
    });
  }

  /** Tells of the epoch that there is, if it was not told yet. */
  #look(): Promise<void> {
    return this.#looks.run(async () => {
      const group = await this.#group.loaded();
      if (this.#closed) return;
      if (!group?.isMember) {
        if (this.#told === undefined) return;
        if (group === undefined) this.#options.onOut();
        else this.#comeBack();
        return;
      }
      const { epoch, roster } = await epochAndRosterOf(group);
      if (this.#closed || epoch.number === this.#told) return;
      const isFirst = this.#told === undefined;
      this.#told = epoch.number;
      const members = epoch.participants.size;
      // What comes with the new keys may be waiting already, and whoever hears it wants to know whose it is.
      this.#options.onRoster(roster);
      this.#options.onEpoch(epoch);
      this.#isHeld = !this.#options.mayHear(roster);
      // With the keys from before, somebody could hear it who is out.
      if (this.#isHeld) this.#options.onHold();
      // Others have to have the commit before they can read what is sent with it.
      else if (isFirst) this.#options.onSendWith(epoch.number);
      else this.#later(tickOf(members) / 2, () => this.#isHeld || this.#options.onSendWith(epoch.number));
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

/** Both of one epoch: where a commit comes in between, they are looked at once more. */
async function epochAndRosterOf(group: Group): Promise<{ readonly epoch: Epoch; readonly roster: CallRoster }> {
  for (;;) {
    const [epoch, roster] = await Promise.all([epochOf(group), rosterOf(group)]);
    if (epoch.number === roster.epoch) return { epoch, roster };
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
