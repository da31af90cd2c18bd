/**
 * This device in the group of one room, a conversation or the call in one: makes it, joins it, adds people to it, commits what the hub proposes, and
 * begins again when another commit was first. Nothing that a person wrote is touched by any of that.
 */
import type { CommitWishes } from '#mls/commit.ts';
import type { Credentials } from '#mls/credentials.ts';
import type { Engine } from '#mls/engine.ts';
import { Group, type Note } from '#mls/group.ts';
import type { Changes } from '#mls/journal.ts';
import type { DeviceKeys } from '#mls/key-package.ts';
import { Queue } from '#mls/queue.ts';
import { referencesIn } from '#mls/welcome.ts';
import { parseFramed } from '#mls/wire.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import type { Role } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { TakenCommit } from '#signalling/groups.ts';
import {
  conferenceIn,
  type DomainName,
  domainOf,
  type GroupId,
  groupIdOf,
  type ParticipantId,
  type RoomId,
  type UserId,
} from '#signalling/ids.ts';
import { isOutBy, parseNotice } from '#signalling/notice.ts';
import type { Entry } from '#signalling/queue.ts';
import { backoffMs } from '../backoff.ts';
import type { Device } from '../device/device.ts';
import type { Vault } from '../vault/vault.ts';
import { Admission } from './admission.ts';
import { Arrival } from './arrival.ts';
import type { Authorities } from './authorities.ts';
import type { ClaimedKeyPackage, FetchedGroup, GroupApi } from './group-api.ts';
import { HubTurn } from './hub-turn.ts';
import { JoinMarks } from './join-marks.ts';
import { groupPrefix, OwnStore } from './own-store.ts';
import { ignoreNoPending, isCode, isJoinRefusal, isRefusal } from './refusal.ts';
import { isJoining, isLeaving, isToCommit, waitToCommitMs } from './standing.ts';
import { Surroundings } from './surroundings.ts';

/** What the conversation says about its people, as the homeserver told last. */
export interface Membership {
  readonly group?: GroupId | undefined;
  readonly members: readonly { readonly user: UserId; readonly role: Role }[];
  /** Of all who may come, where `members` are not all. */
  readonly domains?: readonly DomainName[];
}

export interface ConversationGroupOptions {
  /** A conversation, or the call in one. */
  readonly room: RoomId;
  readonly device: Device;
  /** Under which name SFTs know this device, in a call. */
  readonly participant?: ParticipantId;
  readonly vault: Vault;
  readonly api: GroupApi;
  readonly authorities: Authorities;
  readonly credentials: Credentials;
  /** Where there is something quicker than WebCrypto. */
  readonly engine?: Engine;
  readonly membership: () => Membership;
  /** Asks the homeserver again, where what came does not fit to what it said. */
  readonly refreshMembership: () => Promise<void>;
  /** Resolves when everything that waits for this device at this moment is taken. @throws HawserError where that does not come to pass */
  readonly untilTaken?: () => Promise<void>;
  /** ms since 1970 */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
}

/** Lost races after which something else must be wrong. */
const MAX_RACES = 20;
/** After a lost race it waits up to this much, growing, so that of 50 who commit at once not all come again at once. ms */
const RACE_MS = 40;

const GROUP_ID_BYTES = 16;

export class ConversationGroup {
  readonly #options: ConversationGroupOptions;
  /** Between a group that goes and one that comes in its place nothing else may happen. */
  readonly #turn = new Queue();
  /** A device has one commit that waits for the hub. */
  readonly #commits = new Queue();
  #store: OwnStore;
  #group: Group | undefined;
  readonly #surroundings: Surroundings;
  #ready: Promise<Group> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #isBroken = false;
  /** This device asked the hub to make the group, and ended before it had an answer: perhaps there is another one. */
  #isUnanswered = false;
  /** The hub said that there is a group, whatever is known of the conversation. */
  #exists = false;
  /** Resolved while an entry of the queue waits for this device to join: what is behind it comes after that. */
  #entryWaits = Promise.withResolvers<void>();
  /** At the door of a call's group. */
  #arrival: Arrival | undefined;
  readonly #admission: Admission;
  readonly #hubTurn: HubTurn;
  readonly marks: JoinMarks;
  /** Times in a row that committing by itself failed. */
  #failures = 0;

  constructor(options: ConversationGroupOptions) {
    this.#options = options;
    this.#store = new OwnStore(options.vault, options.room);
    this.#surroundings = new Surroundings(options);
    this.#hubTurn = new HubTurn(options.api, options.room);
    this.marks = new JoinMarks(options.vault, options.room);
    this.#admission = new Admission({
      ...options,
      own: domainOf(options.device.user),
      add: (claimed) => this.#add(claimed),
      isIn: (user) => this.#isMember(user),
    });
  }

  /** The group, with this device in it: made or joined where need be. Callers at once share the work. */
  ready(): Promise<Group> {
    this.#ready ??= this.#join().finally(() => {
      this.#ready = undefined;
    });
    return this.#ready;
  }

  /** The group as far as it is on this device, without asking anybody. */
  async loaded(): Promise<Group | undefined> {
    return this.#group && !this.#isUnanswered ? this.#group : this.#turn.run(() => this.#loaded());
  }

  /** In its turn: two of one group would use a key twice, and what is read while a group goes would be of none. */
  async #loaded(): Promise<Group | undefined> {
    const group = this.#group ?? (await this.#load());
    const there = this.#options.membership().group;
    if (!group || !this.#isUnanswered || there === undefined || there === group.id) return group;
    // Somebody else made it: nobody has ever been in this one.
    await this.#forget();
    this.#isBroken = false;
    return undefined;
  }

  async #load(): Promise<Group | undefined> {
    const { vault, room } = this.#options;
    const prefix = groupPrefix(room);
    const records = await vault.list(prefix);
    if (records.size === 0) return undefined;
    const own = new Map([...records].map(([key, value]) => [key.slice(prefix.length), value]));
    const surroundings = await this.#surroundings.environment();
    const isAsked = (await this.marks.isMaking()) || (await this.marks.since()) === undefined;
    try {
      this.#group = Group.load(own, this.#store, surroundings);
    } catch (cause) {
      // What this device has written makes a group; something of it is missing.
      if (isCode(cause, 'MLS_STATE_UNREADABLE')) throw new HawserError('VAULT_DAMAGED', 'a group', { cause });
      throw cause;
    }
    // Where the hub has made it, its homeserver may have taken it for given up: it joins anew, and keeps what it has until then.
    this.#isUnanswered = this.#group.isMember && isAsked;
    if (this.#isUnanswered) this.#isBroken = true;
    // Proposed before this device was started, perhaps while nobody else is there; or the own commit had no answer when it ended.
    this.#commitSoon(this.#group);
    return this.#group;
  }

  /** The first epoch that this device was in: what was said before is not for it. Undefined until it is in. */
  since(): Promise<bigint | undefined> {
    return this.marks.since();
  }

  /** Whether this device cannot follow the others, and has to join anew. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Lets all devices of people in that are not in the group yet; those of organisations that cannot be asked now, later. */
  addPeople(users: readonly UserId[]): Promise<void> {
    return this.#admission.let(users);
  }

  async #add(claimed: readonly ClaimedKeyPackage[]): Promise<void> {
    // Of whoever is back already, the devices from before have to go first.
    await this.commitProposals();
    await this.#commit(async (group) => {
      const present = new Set(group.members.map(({ identity }) => identity.device));
      const missing = claimed.filter(({ device }) => !present.has(device));
      return missing.length > 0 ? { add: missing.map(({ keyPackage }) => keyPackage) } : undefined;
    });
  }

  /** Renews the keys of this device in the group; with it goes what the hub proposed. */
  update(): Promise<void> {
    return this.#commit(async () => ({}));
  }

  /** Shows the newest certificates of this device in the group, where it is in: those in the tree end. */
  async renew(): Promise<void> {
    const { certificates } = this.#options.device.keys;
    if (!(await this.loaded())?.isMember) return;
    await this.#commit(async (group) => (group.shows(certificates) ? undefined : { certificates }));
  }

  /**
   * The group, when what is sent now is read by nobody who should not: what the hub proposed is committed, and nobody is in it any more
   * whose certificate has ended or was taken back. Only the hub can propose to remove somebody whom this person may not remove.
   * @throws HawserError MLS_PROPOSALS_PENDING where somebody still has to go: to be tried again
   */
  async readyToSend(): Promise<Group> {
    let group = await this.ready();
    if (isLeaving(group)) {
      // Its leaf is to go, for instance because it was away until its certificate had ended; it may come back in its own place.
      await this.rejoin();
      group = await this.ready();
    }
    if (group.hasProposals) await this.commitProposals();
    if (!(await this.#surroundings.hasLapsed(group))) return group;
    const { api, room } = this.#options;
    await api.state(room); // whereupon the hub looks too, and proposes
    throw new HawserError('MLS_PROPOSALS_PENDING', 'a device that was removed is still in the group');
  }

  /** Commits what the hub proposed. Until somebody has, nobody sends. */
  commitProposals(): Promise<void> {
    return this.#commit(async (group) => (group.hasProposals ? {} : undefined));
  }

  /**
   * Takes an entry of the queue. What `note` makes of what came of it is stored together with the keys.
   * @throws HawserError of the MLS family where it cannot be read: the group has not changed then
   */
  take(entry: Entry, note: Note): Promise<void> {
    return this.#turn.run(() => this.#take(entry, note));
  }

  async #take(entry: Entry, note: Note): Promise<void> {
    const payload = fromBase64Url(entry.payload);
    if (!payload) throw new HawserError('MLS_MALFORMED', 'not base64url');
    if (entry.kind === 'welcome') return this.#takeWelcome(payload, entry, note);
    if (entry.kind === 'notice') return this.#takeNotice(entry, note);
    const group = await this.#loaded();
    if (!group) throw new HawserError('MLS_NOT_MEMBER');
    if (entry.kind === 'commit') await this.#takeCommit(group, payload, entry, note);
    else if (entry.sender === this.#options.device.id) await this.#store.save(new Map(), await note([]));
    else await this.#surroundings.withFresh(() => group.receive(payload, note, entry.at));
    if (group.hasProposals) this.#commitSoon(group);
  }

  async #takeNotice(entry: Entry, note: Note): Promise<void> {
    const notice = parseNotice(entry.payload);
    // That a call is over says nothing about the group of its conversation.
    const isForIt = notice.change.type !== 'callEnded' || this.#isOfCall;
    if (isForIt && isOutBy(notice, this.#options.device.user)) {
      const group = await this.#loaded();
      // Before the own external commit in the queue: of an earlier time. The hub says by its answer to that commit what is so now.
      const isOld = isJoining(group) || (await this.marks.joinedBy()) !== undefined;
      // Else its keys are of no use any more; whoever is let in again gets others.
      if (!isOld) {
        await this.#forget();
        this.#isBroken = false;
      }
    }
    await this.#store.save(new Map(), await note([]));
  }

  async #takeCommit(group: Group, payload: Uint8Array, { id = '', sender, at }: Entry, note: Note): Promise<void> {
    const joinedBy = await this.marks.joinedBy();
    // The queue has come to where this device joined.
    const noteIn: Note = async (received) => new Map([...(await note(received)), ...this.marks.noteJoined(undefined)]);
    if (group.pending?.id === id) {
      const epoch = isJoining(group) ? parseFramed(payload).epoch + 1n : undefined;
      const also = await this.marks.noteSince(epoch, this.#isBroken);
      if (await this.#accept(group, id, async (received) => new Map([...(await noteIn(received)), ...also]))) {
        if (epoch !== undefined) this.#isBroken = false;
        return;
      }
    }
    if (sender !== this.#options.device.id) {
      await this.#surroundings.withFresh(() => group.receive(payload, joinedBy === undefined ? note : noteIn, at));
      return;
    }
    // Its own, and nothing of it is here: the others go on without this device.
    const { epoch } = group;
    if (group.isMember && epoch !== undefined && parseFramed(payload).epoch >= epoch)
      throw new HawserError('MLS_REFUSED', 'an own commit that is not known here');
    await this.#store.save(new Map(), await (joinedBy === id ? noteIn : note)([]));
  }

  /**
   * The group is broken on this device: it joins anew. What it has stays until it does.
   * @param within whether an entry of the queue is taken only when this resolves, so that nothing behind it can be waited for
   */
  async rejoin(within?: 'entry'): Promise<void> {
    this.#isBroken = true;
    if (within) this.#entryWaits.resolve();
    try {
      // Whoever asked before may have found the group good.
      await this.#ready?.catch(() => undefined);
      await this.ready();
    } finally {
      if (within) this.#entryWaits = Promise.withResolvers<void>();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#admission.close();
  }

  async #join(): Promise<Group> {
    for (let races = 0; races < MAX_RACES; races++) {
      try {
        const fetched = await this.#fetchToJoin(races % 2 === 0);
        const group = await this.#turn.run(() => this.#joinInTurn(fetched));
        if (group) return group;
      } catch (error) {
        if (!isCode(error, 'HOME_GROUP_EXISTS', 'MLS_EPOCH_PAST', 'MLS_NOT_ADMITTED')) throw error;
        if (error.code === 'HOME_GROUP_EXISTS') this.#exists = true;
        await this.#options.refreshMembership();
        if (error.code === 'MLS_EPOCH_PAST' && !this.#isOfCall) await this.#hubTurn.take();
        else await this.#pause(races);
      }
    }
    throw new HawserError('MLS_EPOCH_PAST', 'too many others commit');
  }

  get #keys(): DeviceKeys {
    const { device, participant } = this.#options;
    return { ...device.keys, ...(participant && { participant }) };
  }

  get #isOfCall(): boolean {
    return conferenceIn(this.#options.room) !== undefined;
  }

  get #hasGroup(): boolean {
    return this.#exists || this.#options.membership().group !== undefined;
  }

  /**
   * What an external commit begins with, where there is to be one. Everything that the hub had told by then is taken: what is readable
   * with the keys from before is read, and what was said of an earlier stay does not hit the next one.
   */
  async #fetchToJoin(isToAsk: boolean): Promise<FetchedGroup | undefined> {
    const { api, room, untilTaken } = this.#options;
    const known = await this.loaded();
    const isIn = known?.isMember && !this.#isBroken;
    if (isIn || isJoining(known) || !this.#hasGroup) return undefined;
    // What waits in the queue is waited for by whoever follows it: a Welcome would not come to be taken.
    const fetched = await (this.#isOfCall && isToAsk && !this.#isBroken ? this.#arrive() : api.state(room));
    if (!fetched) return undefined;
    await Promise.race([untilTaken?.(), this.#entryWaits.promise]);
    return fetched;
  }

  /** What it comes in by itself with; or it was let in, or nobody did. */
  async #arrive(): Promise<FetchedGroup | undefined> {
    const { api, room, now } = this.#options;
    const arrival = await Arrival.make(this.#keys, now());
    this.#arrival = arrival;
    const fetched = await api.join(room, arrival.keyPackage);
    if (!fetched) await arrival.wait();
    return fetched;
  }

  /** Undefined where it has to begin again. */
  async #joinInTurn(fetched: FetchedGroup | undefined): Promise<Group | undefined> {
    // A Welcome may have come meanwhile.
    const known = await this.#loaded();
    if (known?.isMember && !this.#isBroken) return known;
    if (isJoining(known)) return (await this.#askToJoin(known)) && known;
    if (fetched) return this.#joinExternally(fetched);
    return this.#hasGroup ? undefined : this.#create();
  }

  async #create(): Promise<Group> {
    const { room, api } = this.#options;
    const random = toBase64Url(crypto.getRandomValues(new Uint8Array(GROUP_ID_BYTES)));
    const id = groupIdOf(room, random);
    const environment = await this.#surroundings.environment();
    await this.#forget();
    // First, so that whatever is left of it after a crash is known for what it is.
    await this.#options.vault.write(this.marks.noteMaking(true));
    const group = await Group.create(id, this.#keys, this.#store, environment);
    this.#group = group;
    try {
      await api.create(room, { group: id, groupInfo: await group.groupInfo(), tree: group.tree() });
    } catch (error) {
      // Perhaps it was taken and the answer was lost: then the group stands with this device in it, and joining replaces it.
      await this.#forget();
      throw error;
    }
    const since = await this.marks.noteSince(group.epoch, this.#isBroken);
    await this.#options.vault.write(new Map([...since, ...this.marks.noteMaking(false)]));
    this.#isBroken = false;
    return group;
  }

  async #joinExternally(fetched: FetchedGroup): Promise<Group | undefined> {
    const id = requestId();
    const environment = await this.#surroundings.environment();
    await this.#forget();
    const parts = { ...fetched, device: this.#keys, id };
    const group = await this.#surroundings.withFresh(() => Group.joinExternally(parts, this.#store, environment));
    this.#group = group;
    return (await this.#askToJoin(group)) && group;
  }

  /**
   * Asks the hub to take the external commit by which this device joins, and asks again where an answer was lost: the same commit is
   * answered the same. Until it is answered its keys stay, because it may be in the group by now.
   * @returns what it made
   * @throws HawserError why it was refused, and is forgotten; or where there was no answer
   */
  async #askToJoin(group: Group): Promise<TakenCommit> {
    const { room, api } = this.#options;
    const { pending } = group;
    if (!pending) throw new HawserError('MLS_NO_PENDING_COMMIT');
    let taken: TakenCommit;
    try {
      taken = await api.commit(room, pending);
    } catch (error) {
      if (isJoinRefusal(error)) await this.#forget();
      throw error;
    }
    const since = await this.marks.noteSince(BigInt(taken.epoch), this.#isBroken);
    const also = new Map([...since, ...this.marks.noteJoined(pending.id)]);
    await this.#accept(group, pending.id, () => also);
    this.#isBroken = false;
    return taken;
  }

  async #takeWelcome(welcome: Uint8Array, entry: Entry, note: Note): Promise<void> {
    const { room, device, api, membership } = this.#options;
    const epoch = BigInt(entry.id ?? 0);
    const also = await note([]);
    const known = await this.#loaded();
    const references = referencesIn(welcome);
    const atDoor = this.#arrival?.secretsFor(references);
    const own = atDoor ? { secrets: atDoor, used: new Map() } : await device.secretsFor(references);
    // Also of whoever is out by now: what was said to him in between comes behind it.
    const group = entry.group ?? membership().group;
    // Joined already, by an own commit or by this very Welcome before a crash; or it is for keys that are gone.
    if ((known?.isMember && !this.#isBroken) || !own || group === undefined) return this.#store.save(new Map(), also);
    if (isJoining(known)) {
      const taken = await this.#askToJoin(known).catch((error: unknown) => {
        if (!isJoinRefusal(error)) throw error;
      });
      // Its own commit took the place of the leaf that the Welcome is for.
      if (taken && BigInt(taken.epoch) > epoch) return this.#store.save(new Map(), also);
    }
    const tree = await api.tree(room, epoch);
    await this.#forget();
    const parts = { group, welcome, tree, secrets: own.secrets };
    const environment = await this.#surroundings.environment();
    const changes: Changes = new Map([...own.used, ...also, ...(await this.marks.noteSince(epoch, this.#isBroken))]);
    this.#group = await this.#surroundings.withFresh(() => Group.join(parts, this.#store, environment, changes));
    this.#isBroken = false;
    this.#arrival?.welcome();
  }

  /** Commits what is wanted, until it is in or not wanted any more. Whoever comes while another commit of this device is made waits. */
  #commit(wanted: (group: Group) => Promise<CommitWishes | undefined>): Promise<void> {
    return this.#commits.run(async () => {
      for (let races = 0; races < MAX_RACES; races++) {
        const group = await this.ready();
        try {
          if (await this.#tryCommit(group, wanted)) return;
        } catch (error) {
          // Another group took the place of the one that this was about.
          if (group !== this.#group && !this.#closed) continue;
          if (group.pending) this.#commitSoon(group);
          // Whom the hub let in may be no member any more.
          const isOfAdded = group.hasProposals && isCode(error, 'MLS_NOT_ADMITTED');
          if (!isOfAdded && !isCode(error, 'MLS_PROPOSALS_PENDING')) throw error;
          await this.#options.refreshMembership();
          await this.#pause(races);
        }
      }
      throw new HawserError('MLS_EPOCH_PAST', 'too many others commit');
    });
  }

  /** @returns whether what is wanted is in, or not wanted any more; else it is to be tried again */
  async #tryCommit(group: Group, wanted: (group: Group) => Promise<CommitWishes | undefined>): Promise<boolean> {
    const { room, api } = this.#options;
    // Of before the last start, or without an answer: it goes first.
    const isOlder = group.pending !== undefined;
    if (!isOlder) {
      const wishes = await wanted(group);
      if (!wishes) {
        await this.#hubTurn.end();
        return true;
      }
      await group.commit({ ...wishes, leaveOut: ({ user }) => !this.#isMember(user) }, requestId());
    }
    const { pending } = group;
    if (!pending) return false;
    try {
      await api.commit(room, pending);
    } catch (error) {
      if (isCode(error, 'MLS_EPOCH_PAST')) {
        // The one that won comes by the queue, and makes the own one void.
        await this.#untilOvertaken(group, pending.id);
        await this.#hubTurn.take();
        return false;
      }
      if (isRefusal(error)) await group.refused(pending.id).catch(ignoreNoPending);
      throw error;
    }
    this.#hubTurn.used();
    await this.#accept(group, pending.id);
    return !isOlder;
  }

  /** Resolves when the queue has brought the commit that won, or another group is in the place of this one. */
  async #untilOvertaken(group: Group, id: string): Promise<void> {
    // Not by the clock, which may be set.
    for (let waited = 0; group.pending?.id === id && this.#group === group; waited += LOOK_MS) {
      if (this.#closed || waited > OVERTAKEN_MS) throw new HawserError('SIG_TIMEOUT', 'the commit that won');
      await sleep(LOOK_MS);
    }
  }

  /** The hub took the commit. Its answer and its delivery come in any order, and either may be the first: false for the second. */
  async #accept(group: Group, id: string, note?: Note): Promise<boolean> {
    try {
      await group.accepted(id, note);
      return true;
    } catch (error) {
      ignoreNoPending(error);
      return false;
    }
  }

  /** What the hub proposed, and an own commit that has no answer: committed by itself, again and again until it is in. */
  #commitSoon(group: Group): void {
    if (this.#timer !== undefined || this.#closed || !isToCommit(group)) return;
    const again = this.#failures === 0 ? 0 : backoffMs(this.#failures, this.#options.random());
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (!isToCommit(group)) return;
        this.commitProposals().then(
          () => {
            this.#failures = 0;
          },
          () => {
            this.#failures += 1;
            this.#commitSoon(group);
          },
        );
      },
      again + waitToCommitMs(group, this.#isOfCall, this.#options.random()),
    );
    if (typeof this.#timer === 'object') this.#timer.unref?.();
  }

  async #forget(): Promise<void> {
    const { vault, room } = this.#options;
    this.#group = undefined;
    this.#isUnanswered = false;
    this.#surroundings.forget();
    // What still works on the group that goes cannot write any more.
    await this.#store.end();
    this.#store = new OwnStore(vault, room);
    const records = await vault.list(groupPrefix(room));
    const isMarked = (await this.marks.joinedBy()) !== undefined || (await this.marks.isMaking());
    const gone: Changes = new Map([...records.keys()].map((key) => [key, undefined]));
    const unmarked: Changes = new Map([...this.marks.noteJoined(undefined), ...this.marks.noteMaking(false)]);
    if (records.size > 0 || isMarked) await vault.write(new Map([...gone, ...unmarked]));
  }

  #isMember(user: UserId): boolean {
    return this.#options.membership().members.some((member) => member.user === user);
  }

  async #pause(races: number): Promise<void> {
    await sleep(this.#options.random() * RACE_MS * Math.min(races + 1, 8));
  }
}

/** How long the queue may take to bring a commit that the hub has, ms. */
const OVERTAKEN_MS = 30_000;
const LOOK_MS = 20;

function requestId(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
