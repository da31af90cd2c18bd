/**
 * This device in the group of one conversation: makes it, joins it, adds people to it, commits what the hub proposes, and
 * begins again when another commit was first. Nothing that a person wrote is touched by any of that.
 */

import type { CommitWishes } from '#mls/commit.ts';
import type { Credentials } from '#mls/credentials.ts';
import { Group, type Note } from '#mls/group.ts';
import type { Identity } from '#mls/identity.ts';
import type { Changes, GroupStore } from '#mls/journal.ts';
import type { Environment } from '#mls/library.ts';
import { Queue } from '#mls/queue.ts';
import type { Received } from '#mls/step.ts';
import { referencesIn } from '#mls/welcome.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { may, type Role } from '#signalling/capabilities.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { type ConversationId, domainOf, type GroupId, type UserId } from '#signalling/ids.ts';
import { isOutBy, parseNotice } from '#signalling/notice.ts';
import type { Entry } from '#signalling/queue.ts';
import type { Device } from '../device/device.ts';
import type { Vault } from '../vault/vault.ts';
import type { Authorities } from './authorities.ts';
import type { GroupApi } from './group-api.ts';

/** What the conversation says about its people, as the homeserver told last. */
export interface Membership {
  readonly group?: GroupId | undefined;
  readonly members: readonly { readonly user: UserId; readonly role: Role }[];
}

export interface ConversationGroupOptions {
  readonly conversation: ConversationId;
  readonly device: Device;
  readonly vault: Vault;
  readonly api: GroupApi;
  readonly authorities: Authorities;
  readonly credentials: Credentials;
  readonly membership: () => Membership;
  /** Asks the homeserver again, where what came does not fit to what it said. */
  readonly refreshMembership: () => Promise<void>;
  /** ms since 1970 */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
}

/** Lost races after which something else must be wrong. */
const MAX_RACES = 20;
/** After a lost race it waits up to this much, growing, so that of 50 who commit at once not all come again at once. ms */
const RACE_MS = 40;
/** What others than the first member wait before they commit what the hub proposed, ms. */
const OTHERS_COMMIT_MS = { from: 500, to: 3_000 } as const;

const GROUP_ID_BYTES = 16;

export class ConversationGroup {
  readonly #options: ConversationGroupOptions;
  /** Between a group that goes and one that comes in its place nothing else may happen. */
  readonly #turn = new Queue();
  #store: OwnStore;
  #group: Group | undefined;
  #environment: Environment | undefined;
  #ready: Promise<Group> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #hasTurn = false;
  /** Epoch and version of the lists at which nobody had lapsed: looking takes 15 ms in a group of 500. */
  #cleanAt: string | undefined;

  constructor(options: ConversationGroupOptions) {
    this.#options = options;
    this.#store = new OwnStore(options.vault, prefixOf(options.conversation));
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
    if (this.#group) return this.#group;
    const { vault, conversation } = this.#options;
    const prefix = prefixOf(conversation);
    const store = this.#store;
    const records = await vault.list(prefix);
    if (records.size === 0) return undefined;
    const own = new Map([...records].map(([key, value]) => [key.slice(prefix.length), value]));
    const surroundings = await this.#surroundings();
    try {
      // Others may have asked meanwhile, or put another group in its place. Two of one group would use a key twice: then nobody
      // can read the second message, and of two commits one is forgotten.
      if (this.#store === store) this.#group ??= Group.load(own, store, surroundings);
    } catch (cause) {
      // What this device has written makes a group; something of it is missing.
      if (isCode(cause, 'MLS_STATE_UNREADABLE')) throw new HawserError('VAULT_DAMAGED', 'a group', { cause });
      throw cause;
    }
    // Proposed before this device was started, perhaps while nobody else is there.
    if (this.#group?.hasProposals) this.#commitSoon(this.#group);
    return this.#group;
  }

  /** The first epoch that this device was in: what was said in those before is not for it. Undefined until it is in. */
  async since(): Promise<bigint | undefined> {
    const { vault, conversation } = this.#options;
    const bytes = await vault.get(sinceKey(conversation));
    return bytes && new DataView(bytes.slice().buffer).getBigUint64(0);
  }

  /** Lets all devices of people in that are not in the group yet. */
  async addPeople(users: readonly UserId[]): Promise<void> {
    const { api } = this.#options;
    const claimed = (await Promise.all(users.map((user) => api.claim(user)))).flat();
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
    if (!(await this.#hasLapsed(group))) return group;
    const { api, conversation } = this.#options;
    await api.state(conversation); // whereupon the hub looks too, and proposes
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
    if (entry.kind === 'welcome') return this.#takeWelcome(payload, BigInt(entry.id ?? 0), note);
    if (entry.kind === 'notice') {
      // Its keys are of no use any more; whoever is let in again gets others.
      if (isOutBy(parseNotice(entry.payload), this.#options.device.user)) await this.#forget();
      return this.#store.save(new Map(), await note([]));
    }
    const group = await this.loaded();
    if (!group) throw new HawserError('MLS_NOT_MEMBER');
    const isOwn = entry.id !== undefined && group.pending?.id === entry.id;
    const isTaken = isOwn && (await this.#accept(group, entry.id ?? '', note));
    if (!isTaken && entry.sender === this.#options.device.id) await this.#store.save(new Map(), await note([]));
    else if (!isTaken) await this.#withFreshAuthorities(() => group.receive(payload, note, entry.at));
    if (group.hasProposals) this.#commitSoon(group);
  }

  /** Whether the group is broken on this device: it cannot follow the others, and must join anew. */
  async rejoin(): Promise<void> {
    await this.#turn.run(() => this.#forget());
    await this.ready();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #join(): Promise<Group> {
    const group = await this.loaded();
    if (group?.isMember) return group;
    for (let races = 0; races < MAX_RACES; races++) {
      try {
        const { membership } = this.#options;
        const isNew = membership().group === undefined;
        return await this.#turn.run(() => (isNew ? this.#create() : this.#joinExternally()));
      } catch (error) {
        if (!isCode(error, 'HOME_GROUP_EXISTS', 'MLS_EPOCH_PAST', 'MLS_NOT_ADMITTED')) throw error;
        await this.#options.refreshMembership();
        if (error.code === 'MLS_EPOCH_PAST') await this.#turnAtHub();
        else await this.#pause(races);
      }
    }
    throw new HawserError('MLS_EPOCH_PAST', 'too many others commit');
  }

  async #create(): Promise<Group> {
    const { conversation, device, api } = this.#options;
    const random = toBase64Url(crypto.getRandomValues(new Uint8Array(GROUP_ID_BYTES)));
    const id = `mimi://${domainOf(conversation)}/g/${random}` as GroupId;
    const group = await Group.create(id, device.keys, this.#store, await this.#surroundings());
    this.#group = group;
    try {
      await api.create(conversation, { group: id, groupInfo: await group.groupInfo(), tree: group.tree() });
    } catch (error) {
      // Perhaps it was taken and the answer was lost: then the group stands with this device in it, and joining replaces it.
      await this.#forget();
      throw error;
    }
    await this.#options.vault.write(await this.#noteSince(group.epoch));
    return group;
  }

  async #joinExternally(): Promise<Group> {
    const { conversation, device, api } = this.#options;
    // A Welcome may have come meanwhile.
    const known = await this.loaded();
    if (known?.isMember) return known;
    await this.#forget();
    const fetched = await api.state(conversation);
    const id = requestId();
    const environment = await this.#surroundings();
    const parts = { ...fetched, device: device.keys, id };
    const group = await this.#withFreshAuthorities(() => Group.joinExternally(parts, this.#store, environment));
    const { pending } = group;
    if (!pending) throw new HawserError('MLS_NO_PENDING_COMMIT');
    this.#group = group;
    try {
      await api.commit(conversation, pending);
    } catch (error) {
      await this.#forget();
      throw error;
    }
    await this.#accept(group, id);
    await this.#options.vault.write(await this.#noteSince(group.epoch));
    return group;
  }

  async #takeWelcome(welcome: Uint8Array, epoch: bigint, note: Note): Promise<void> {
    const { conversation, device, api } = this.#options;
    const also = await note([]);
    const known = await this.loaded();
    const own = await device.secretsFor(referencesIn(welcome));
    const { group } = this.#options.membership();
    // Joined already, by an own commit or by this very Welcome before a crash; or it is for keys that are gone.
    if (known?.isMember || !own || group === undefined) return this.#store.save(new Map(), also);
    const tree = await api.tree(conversation, epoch);
    await this.#forget();
    const parts = { group, welcome, tree, secrets: own.secrets };
    const environment = await this.#surroundings();
    const changes: Changes = new Map([...own.used, ...also, ...(await this.#noteSince(epoch))]);
    this.#group = await this.#withFreshAuthorities(() => Group.join(parts, this.#store, environment, changes));
  }

  /** Once: whoever joins anew has what was said before. */
  async #noteSince(epoch: bigint | undefined): Promise<Changes> {
    if (epoch === undefined || (await this.since()) !== undefined) return new Map();
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, epoch);
    return new Map([[sinceKey(this.#options.conversation), bytes]]);
  }

  /** Commits what is wanted, until it is in or not wanted any more. */
  async #commit(wanted: (group: Group) => Promise<CommitWishes | undefined>): Promise<void> {
    const { conversation, api } = this.#options;
    for (let races = 0; races < MAX_RACES; races++) {
      const group = await this.ready();
      const waiting = group.pending;
      if (!waiting) {
        const wishes = await wanted(group);
        if (!wishes) return await this.#endTurn();
        await group.commit(wishes, requestId());
      }
      const { pending } = group;
      if (!pending) continue;
      try {
        await api.commit(conversation, pending);
        this.#hasTurn = false;
        await this.#accept(group, pending.id);
        if (!waiting) return;
      } catch (error) {
        // The one that won comes by the queue, and makes the own one void.
        if (isCode(error, 'MLS_EPOCH_PAST')) {
          await this.#untilOvertaken(group, pending.id);
          await this.#turnAtHub();
          continue;
        }
        if (isCode(error, 'MLS_PROPOSALS_PENDING')) await group.refused(pending.id).catch(ignoreNoPending);
        else {
          if (error instanceof HawserError && !error.retry) await group.refused(pending.id).catch(ignoreNoPending);
          throw error;
        }
        await this.#pause(races);
      }
    }
    throw new HawserError('MLS_EPOCH_PAST', 'too many others commit');
  }

  /** Resolves when the queue has brought the commit that won. */
  async #untilOvertaken(group: Group, id: string): Promise<void> {
    const end = this.#options.now() + OVERTAKEN_MS;
    while (group.pending?.id === id) {
      if (this.#closed || this.#options.now() > end) throw new HawserError('SIG_TIMEOUT', 'the commit that won');
      await sleep(20);
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

  #commitSoon(group: Group): void {
    if (this.#timer !== undefined || this.#closed || isLeaving(group)) return;
    const { leaving } = group;
    const first = group.isMember && group.members.find(({ leafIndex }) => !leaving.has(leafIndex));
    const isFirst = first && first.leafIndex === group.leafIndex;
    const { from, to } = OTHERS_COMMIT_MS;
    const wait = isFirst ? 0 : from + this.#options.random() * (to - from);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (group.isMember && group.hasProposals) this.commitProposals().catch(() => this.#commitSoon(group));
    }, wait);
    if (typeof this.#timer === 'object') this.#timer.unref?.();
  }

  /** Once more where a certificate was refused, with what the domains say now. */
  async #withFreshAuthorities<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { authorities, membership, refreshMembership } = this.#options;
      if (isCode(error, 'MLS_NOT_ADMITTED')) await refreshMembership();
      else if (isCode(error, 'MLS_CREDENTIAL_REFUSED', 'MLS_REVOCATION_UNKNOWN', 'MLS_CREDENTIAL_REVOKED')) {
        await authorities.renew(membership().members.map(({ user }) => domainOf(user)));
      } else throw error;
      return work();
    }
  }

  async #surroundings(): Promise<Environment> {
    if (this.#environment) return this.#environment;
    const { conversation, authorities, credentials, membership, now } = this.#options;
    const domains = membership().members.map(({ user }) => domainOf(user));
    await authorities.ensure(domains);
    const hub = await authorities.hub(domainOf(conversation));
    const roleOf = (who: Identity) => membership().members.find(({ user }) => user === who.user)?.role;
    this.#environment = {
      credentials,
      hub,
      policy: {
        admits: (who) => may(roleOf(who), 'receiveMessage'),
        mayRemove: (by, whom) => may(roleOf(by), by.user === whom.user ? 'removeOwnClient' : 'removeParticipant'),
      },
      now,
    };
    return this.#environment;
  }

  async #hasLapsed(group: Group): Promise<boolean> {
    const { authorities, membership } = this.#options;
    await authorities.ensure(membership().members.map(({ user }) => domainOf(user)));
    const seen = `${group.epoch} ${authorities.version}`;
    if (seen === this.#cleanAt) return false;
    if ((await group.lapsed()).length > 0) return true;
    this.#cleanAt = seen;
    return false;
  }

  async #forget(): Promise<void> {
    const { vault, conversation } = this.#options;
    this.#group = undefined;
    this.#cleanAt = undefined;
    // What still works on the group that goes cannot write any more.
    await this.#store.end();
    this.#store = new OwnStore(vault, prefixOf(conversation));
    const records = await vault.list(prefixOf(conversation));
    if (records.size > 0) await vault.write(new Map([...records.keys()].map((key) => [key, undefined])));
  }

  /** Others want to commit too: it waits until the hub says that it is its turn. */
  async #turnAtHub(): Promise<void> {
    const { api, conversation } = this.#options;
    try {
      await api.turn(conversation);
      this.#hasTurn = true;
    } catch (error) {
      if (!isCode(error, 'HOME_SLOW_DOWN')) throw error; // then it tries without
    }
  }

  /** What was wanted is so by now: the next one need not wait for this device. */
  async #endTurn(): Promise<void> {
    if (!this.#hasTurn) return;
    this.#hasTurn = false;
    const { api, conversation } = this.#options;
    // Without it the hub passes the turn on by itself, later.
    await api.endTurn(conversation).catch(() => undefined);
  }

  async #pause(races: number): Promise<void> {
    await sleep(this.#options.random() * RACE_MS * Math.min(races + 1, 8));
  }
}

/** The records of one group, until another takes its place. */
class OwnStore implements GroupStore {
  readonly #vault: Vault;
  readonly #prefix: string;
  #isEnded = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(vault: Vault, prefix: string) {
    this.#vault = vault;
    this.#prefix = prefix;
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

/** How long the queue may take to bring a commit that the hub has, ms. */
const OVERTAKEN_MS = 15_000;

function prefixOf(conversation: ConversationId): string {
  return `group/${conversation}/`;
}

/** Apart from the group, which may be forgotten and joined anew. */
function sinceKey(conversation: ConversationId): string {
  return `since/${conversation}`;
}

/** Whether the hub proposed to remove this device itself. */
function isLeaving(group: Group): boolean {
  return group.isMember && group.leaving.has(group.leafIndex);
}

function requestId(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isCode(error: unknown, ...codes: ErrorCode[]): error is HawserError {
  return error instanceof HawserError && codes.includes(error.code);
}

function ignoreNoPending(error: unknown): void {
  if (!isCode(error, 'MLS_NO_PENDING_COMMIT')) throw error;
}

export type { Received };
