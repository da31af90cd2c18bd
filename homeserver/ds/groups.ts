/**
 * The hub's part for MLS groups: one group a conversation, one commit an epoch, messages in one order. The members of the
 * conversation and the devices of the group are one truth: only devices of members come in, and whoever is no member any
 * more is shut out here at once, and out of the keys with the next commit, which must contain what the hub proposed.
 */

import type { Credentials } from '#mls/credentials.ts';
import {
  applyCommit,
  beginPublicGroup,
  checkApplication,
  type HubEnvironment,
  lapsedMembers,
  membersIn,
  type PublicGroup,
  type PublicPlan,
  pendingIn,
  serveGroupInfo,
} from '#mls/public-group.ts';
import { type HubSigner, proposeRemoval } from '#mls/public-proposal.ts';
import { toBase64Url } from '#signalling/base64.ts';
import { type Capability, may, type Role } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Member } from '#signalling/federation.ts';
import {
  type GroupState,
  type NewCommit,
  type NewGroup,
  type NewMessage,
  type SentMessage,
  StaleCommit,
  type TakenCommit,
} from '#signalling/groups.ts';
import {
  type ConversationId,
  type DeviceId,
  type DomainName,
  domainOf,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
import type { Notice } from '#signalling/notice.ts';
import type { Queues } from '../qs/queues.ts';
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import type { Change } from './changes.ts';
import * as table from './group-table.ts';
import type { Journal } from './journal.ts';
import { nodeEngine } from './mls-crypto.ts';
import { noticesOf } from './notices.ts';
import { load } from './repository.ts';
import { Sending } from './sending.ts';
import { Turns } from './turns.ts';

export interface GroupsOptions {
  readonly store: Store;
  readonly writer: Writer;
  readonly world: World;
  readonly domain: DomainName;
  readonly journal: Journal;
  readonly queues: Queues;
  readonly credentials: Credentials;
  /** Proposes removals; its public key stands in every group. */
  readonly signer: HubSigner & { readonly publicKey: Uint8Array };
  readonly onFault: (error: unknown) => void;
}

/** A device of this domain that asks. */
export interface Asker {
  readonly user: UserId;
  readonly device: DeviceId;
}

/** Members of the conversation, with their roles; follow the conversation. */
interface People {
  roles: ReadonlyMap<UserId, Role>;
}

/** What is held of a group between two requests. */
interface Held extends People {
  readonly conversation: ConversationId;
  readonly group: PublicGroup;
  readonly devices: ReadonlySet<DeviceId>;
  /** Messages of older epochs are refused: whoever was removed since has their keys. */
  readonly oldest: bigint;
}

/** Groups that are held in memory: some 2 kB a device with its certificates. */
const MAX_HELD = 2_000;

/**
 * Not more often than this, because it takes 15 ms for a group of 500. Whoever is revoked is proposed at once; this finds whose time is
 * over, and what a crash has left undone. ms
 */
const LOOK_EVERY = 60_000;

export class Groups {
  readonly #options: GroupsOptions;
  readonly #held = new Map<ConversationId, Held>();
  /** The last thing that is done to a group: commits and proposals of one come one after the other. */
  readonly #last = new Map<ConversationId, Promise<unknown>>();
  readonly #turns = new Turns();
  readonly #sending: Sending;
  /** When a group was last searched for members who lapsed, ms since 1970. */
  readonly #looked = new Map<ConversationId, number>();
  /** Counts changes of who is where: what was read of that before may not be held after. */
  #moves = 0;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.#sending = new Sending(options);
  }

  /**
   * @throws HawserError HOME_NOT_FOUND where the asker is no member, HOME_FORBIDDEN, HOME_LOCAL_ONLY, HOME_GROUP_EXISTS, and what
   * `beginPublicGroup` throws
   */
  create(asker: Asker, conversation: ConversationId, parts: NewGroup): Promise<GroupState> {
    const { domain, journal, queues, world } = this.#options;
    return this.#turn(conversation, async () => {
      const people = await this.#people(conversation);
      permitIn(people, asker.user, 'sendMessage');
      const foreign = [conversation, ...people.roles.keys()].find((id) => domainOf(id) !== domain);
      if (foreign !== undefined) throw new HawserError('HOME_LOCAL_ONLY', domainOf(foreign));
      const uploaded = { groupInfo: bytesOf(parts.groupInfo), tree: bytesOf(parts.tree) };
      const group = await beginPublicGroup(uploaded, this.#environment(people));
      const devices = table.devicesIn(group);
      const isAlone = group.epoch === 0n && devices.length === 1 && devices[0] === asker.device;
      if (!isAlone || group.id !== parts.group)
        throw new HawserError('MLS_REFUSED', 'a new group begins with one device');
      await journal.change(conversation, async (before, tx) => {
        if (!before) throw new HawserError('HOME_NOT_FOUND');
        if (before.group !== undefined) throw new HawserError('HOME_GROUP_EXISTS');
        await table.insertGroup(tx, conversation, group, world.now());
        // Nothing was said in it yet, so that any point before its first entry will do.
        await queues.subscribe(tx, asker.device, group.id, 0);
        return { ...before, group: group.id, seq: before.seq + 1 };
      });
      this.#hold({ conversation, group, oldest: group.epoch, ...people });
      return stateOf(group);
    });
  }

  /**
   * What a device joins by itself with. Whoever lapsed is proposed for removal before: the one who joins commits it.
   * @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP
   */
  async state(user: UserId, conversation: ConversationId): Promise<GroupState> {
    await this.#heldFor(user, conversation);
    return this.#turn(conversation, async () => {
      await this.#proposeLapsed(conversation);
      return stateOf((await this.#load(conversation)).group);
    });
  }

  /** The tree to a Welcome, base64url. @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP */
  async tree(user: UserId, conversation: ConversationId, epoch: number): Promise<string> {
    const { group } = await this.#heldFor(user, conversation);
    if (group.epoch === BigInt(epoch)) return textOf(serveGroupInfo(group).tree);
    const kept = await table.keptTree(this.#options.store.db, group.id, epoch);
    if (kept === undefined) throw new HawserError('HOME_NOT_FOUND', 'tree');
    return kept;
  }

  /**
   * Takes the commit that makes the next epoch.
   * @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP, MLS_EPOCH_PAST where another commit was first, and what `applyCommit` throws
   */
  commit(asker: Asker, conversation: ConversationId, request: NewCommit): Promise<TakenCommit> {
    return this.#turn(conversation, async () => {
      const { store } = this.#options;
      const held = await this.#heldFor(asker.user, conversation);
      const known = await table.knownCommit(store.db, held.group.id, request.id);
      if (known) return known;
      const parts = {
        commit: bytesOf(request.commit),
        groupInfo: bytesOf(request.groupInfo),
        welcome: request.welcome === undefined ? undefined : bytesOf(request.welcome),
      };
      const environment = this.#environment(held);
      const { state, plan } = await applyCommit(held.group, parts, environment).catch(tellEpoch(held.group));
      if (plan.by.identity.device !== asker.device)
        throw new HawserError('HOME_FORBIDDEN', 'a commit of another device');
      const epoch = Number(state.epoch);
      const position = await this.#options.writer.run(async (tx) => {
        if (!(await table.updateGroup(tx, held.group, state))) throw new HawserError('MLS_EPOCH_PAST');
        return this.#tell(tx, held, state, plan, request, asker);
      });
      this.#hold({ ...held, group: state, oldest: hasLost(plan) ? state.epoch : held.oldest });
      this.#turns.done(conversation, asker.device);
      // They could not be in an external commit, and their proposals ended with the epoch.
      await this.#propose(
        conversation,
        plan.spared.map(({ identity }) => identity.device),
      );
      return { position, epoch };
    });
  }

  /** Resolves when it is the turn of a device that lost a race. @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP, HOME_SLOW_DOWN */
  async waitForTurn({ user, device }: Asker, conversation: ConversationId): Promise<void> {
    await this.#heldFor(user, conversation);
    await this.#turns.wait(conversation, device);
  }

  /** A device whose turn it is does not need it any more. */
  endTurn({ device }: Asker, conversation: ConversationId): void {
    this.#turns.done(conversation, device);
  }

  /**
   * Takes a message; one that was taken before is taken again without effect.
   * @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_NO_GROUP, MLS_NOT_MEMBER, and what `checkApplication` throws
   */
  async send(asker: Asker, message: NewMessage): Promise<SentMessage> {
    try {
      return await this.#send(asker, message);
    } catch (error) {
      // What was taken stays so, also where its writer had no answer and was removed since.
      const { db } = this.#options.store;
      const taken = error instanceof HawserError && (await this.#sending.taken(db, { ...message, ...asker }));
      if (taken) return taken;
      throw error;
    }
  }

  async #send({ user, device }: Asker, { conversation, number, message, quiet }: NewMessage): Promise<SentMessage> {
    const held = this.#held.get(conversation) ?? (await this.#heldFor(user, conversation));
    const { group, devices, oldest } = held;
    // First of all: whoever is out learns nothing more of the group.
    permitIn(held, user, 'sendMessage');
    if (checkApplication(group, Buffer.from(message, 'base64url')) < oldest) throw new HawserError('MLS_EPOCH_PAST');
    if (!devices.has(device)) throw new HawserError('MLS_NOT_MEMBER');
    return this.#sending.send({
      ...{ conversation, group: group.id, device, number, message, isQuiet: quiet === true },
      // Looked at again, because whoever was removed since it was asked above must not write any more.
      permit: async (tx) => {
        permitIn(this.#held.get(conversation) ?? (await this.#people(conversation, tx)), user, 'sendMessage');
      },
    });
  }

  /** Devices that are gone: their keys are taken out of every group of this hub. */
  async removeDevice(device: DeviceId): Promise<void> {
    const { db } = this.#options.store;
    const failures: unknown[] = [];
    for (const group of await table.groupsWith(db, device)) {
      const conversation = await table.conversationOfGroup(db, group);
      if (!conversation) continue;
      // One that fails holds no other.
      const propose = () => this.#unlessEnded(conversation, () => this.#propose(conversation, [device]));
      await this.#turn(conversation, propose).catch((error) => failures.push(error));
    }
    await table.forgetSender(db, device);
    if (failures.length > 0) throw failures[0];
  }

  /**
   * In the transaction of a change: tells the devices of it, those of whoever is out last. Nothing that comes later is for them.
   * Their keys go with the next commit, for which `changed` makes the proposals. The group goes with its last member.
   */
  readonly changing = async (tx: Db, change: Change): Promise<void> => {
    const { conversation } = change.after;
    const group = change.before?.group;
    if (group === undefined) return;
    const { queues, world } = this.#options;
    let newest: number | undefined;
    for (const told of noticesOf(change)) {
      const notice: Notice = { conversation, change: told };
      const payload = toBase64Url(new TextEncoder().encode(JSON.stringify(notice)));
      newest = (await queues.append(tx, { audience: group, kind: 'notice', payload, at: world.now() })).position;
    }
    const gone = usersGone(change);
    if (newest === undefined || gone.size === 0) return;
    for (const device of await table.devicesOf(tx, group)) {
      if (gone.has(userOfDevice(device))) await queues.unsubscribe(tx, device, group, newest);
    }
    if (change.after.group === undefined) await table.deleteGroup(tx, group, conversation);
  };

  /** To be subscribed to the journal. */
  readonly changed = (change: Change): void => {
    const { conversation, members, group } = change.after;
    if (change.before && change.before.members !== members) this.#moves += 1;
    const held = this.#held.get(conversation);
    if (held) Object.assign(held, peopleOf(members));
    if (group === undefined) this.#held.delete(conversation);
    else if (usersGone(change).size > 0) {
      this.#proposeSoon(conversation);
    }
  };

  /** To be called now and then. */
  sweep(): Promise<void> {
    return table.sweepTrees(this.#options.store.db, this.#options.world.now());
  }

  /** Resolves when everything that was begun is done. Nothing may be begun any more. */
  async close(): Promise<void> {
    this.#turns.close();
    await Promise.all(this.#last.values());
  }

  /** Writes who is told of a commit: its members, whom it lets in and whom it puts out. Returns the place of the commit. */
  async #tell(
    tx: Db,
    { group: { id: group } }: Held,
    after: PublicGroup,
    plan: PublicPlan,
    request: NewCommit,
    asker: Asker,
  ): Promise<number> {
    const { queues, world, domain } = this.#options;
    const [at, epoch] = [world.now(), Number(after.epoch)];
    const { position } = await queues.append(tx, {
      ...{ audience: group, kind: 'commit', sender: asker.device, id: request.id, payload: request.commit, at },
    } as const);
    for (const { identity } of plan.left) {
      if (identity.domain === domain) await queues.unsubscribe(tx, identity.device, group, position);
    }
    for (const { identity } of plan.joined) {
      if (identity.domain !== domain) continue;
      // Its own commit is the answer for a device that joined by itself and got none.
      await queues.subscribe(tx, identity.device, group, plan.external ? position - 1 : position);
      if (plan.external || request.welcome === undefined) continue;
      const welcome = { audience: identity.device, kind: 'welcome', group, payload: request.welcome, at } as const;
      await queues.append(tx, { ...welcome, id: `${epoch}` });
    }
    if (request.welcome !== undefined) await table.keepTree(tx, group, epoch, textOf(serveGroupInfo(after).tree), at);
    await table.rememberCommit(tx, group, epoch, request.id, position);
    return position;
  }

  /** Where it fails, whoever reads the group next finds the strangers again. */
  #proposeSoon(conversation: ConversationId): void {
    this.#turn(conversation, () => this.#proposeStrangers(conversation)).catch((error: unknown) => {
      this.#held.delete(conversation);
      this.#options.onFault(error);
    });
  }

  /** Proposes to remove the devices of whoever is no member any more. To be called in the turn of the conversation. */
  #proposeStrangers(conversation: ConversationId): Promise<void> {
    return this.#unlessEnded(conversation, async () => {
      // Meanwhile the person may be back.
      await this.#propose(conversation, strangersIn(await this.#load(conversation)));
    });
  }

  /** For work that nobody waits for: a group that goes meanwhile, with its last member, has nobody to take out. */
  async #unlessEnded(conversation: ConversationId, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if ((await table.groupOf(this.#options.store.db, conversation)) !== undefined) throw error;
    }
  }

  /** Proposes to remove devices that are in the group. To be called in the turn of the conversation. */
  async #propose(conversation: ConversationId, devices: readonly DeviceId[]): Promise<void> {
    const { writer, queues, signer, world } = this.#options;
    if (devices.length === 0) return;
    const wanted = new Set(devices);
    const held = await this.#load(conversation);
    const leaves = membersIn(held.group).filter(({ identity }) => wanted.has(identity.device));
    if (leaves.length === 0) return;
    const indexes = leaves.map(({ leafIndex }) => leafIndex);
    const { state, messages } = await proposeRemoval(held.group, indexes, signer, this.#environment(held));
    if (messages.length === 0) return; // proposed already
    await writer.run(async (tx) => {
      if (!(await table.updateGroup(tx, held.group, state))) throw new HawserError('MLS_EPOCH_PAST');
      for (const message of messages) {
        const [payload, at] = [textOf(message), world.now()];
        await queues.append(tx, { audience: state.id, kind: 'proposal', payload, at });
      }
    });
    this.#hold({ ...held, group: state });
  }

  /** To be called in the turn of the conversation. */
  async #proposeLapsed(conversation: ConversationId): Promise<void> {
    const now = this.#options.world.now();
    if (now - (this.#looked.get(conversation) ?? Number.NEGATIVE_INFINITY) < LOOK_EVERY) return;
    this.#looked.set(conversation, now);
    const held = await this.#load(conversation);
    const lapsed = await lapsedMembers(held.group, this.#environment(held));
    await this.#propose(
      conversation,
      lapsed.map(({ identity }) => identity.device),
    );
  }

  #environment({ roles }: People): HubEnvironment {
    const { credentials, domain, signer, world } = this.#options;
    return {
      credentials,
      hub: { domain, signatureKey: signer.publicKey },
      policy: {
        admits: ({ user }) => may(roles.get(user), 'receiveMessage'),
        mayRemove: (by, whom) =>
          may(roles.get(by.user), by.user === whom.user ? 'removeOwnClient' : 'removeParticipant'),
      },
      engine: nodeEngine,
      now: world.now,
    };
  }

  /** @throws HawserError HOME_NOT_FOUND where the person is no member, HOME_NO_GROUP */
  async #heldFor(user: UserId, conversation: ConversationId): Promise<Held> {
    permitIn(this.#held.get(conversation) ?? (await this.#people(conversation)), user, 'receiveMessage');
    return this.#load(conversation);
  }

  /** @throws HawserError HOME_NO_GROUP */
  async #load(conversation: ConversationId): Promise<Held> {
    const held = this.#held.get(conversation);
    if (held) return held;
    const { db } = this.#options.store;
    const id = await table.groupOf(db, conversation);
    if (id === undefined) throw new HawserError('HOME_NO_GROUP');
    const moves = this.#moves;
    const people = await this.#people(conversation);
    const group = await table.loadGroup(db, id);
    // A commit may have come while it was read.
    const now = this.#held.get(conversation);
    if (now) return now;
    if (moves !== this.#moves) return this.#load(conversation);
    // What was removed before is not known any more: messages of former epochs have to be encrypted anew.
    const fresh = this.#hold({ conversation, group, oldest: group.epoch, ...people });
    // Where this process ended between a removal and its proposal.
    if (strangersIn(fresh).length > 0) {
      this.#proposeSoon(conversation);
    }
    return fresh;
  }

  #hold(group: Omit<Held, 'devices'>): Held {
    const held = { ...group, devices: new Set(table.devicesIn(group.group)) };
    this.#held.delete(held.conversation);
    this.#held.set(held.conversation, held);
    const oldest = this.#held.keys().next().value;
    if (this.#held.size > MAX_HELD && oldest !== undefined) {
      this.#held.delete(oldest);
      this.#looked.delete(oldest);
    }
    return held;
  }

  async #people(conversation: ConversationId, db: Db = this.#options.store.db): Promise<People> {
    const state = await load(db, conversation);
    if (!state) throw new HawserError('HOME_NOT_FOUND');
    return peopleOf(state.members);
  }

  #turn<T>(conversation: ConversationId, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(conversation) ?? Promise.resolve()).then(work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(conversation, settled);
    settled.finally(() => {
      if (this.#last.get(conversation) === settled) this.#last.delete(conversation);
    });
    return turn;
  }
}

/** Whether somebody is out who knows the keys of the epoch before; a device in its own place is not. */
function hasLost({ by, left }: PublicPlan): boolean {
  return left.some(({ identity }) => identity.device !== by.identity.device);
}

function peopleOf(members: readonly Member[]): People {
  return { roles: new Map(members.map(({ user, role }) => [user, role])) };
}

/** @throws HawserError HOME_NOT_FOUND of whoever is no member, HOME_FORBIDDEN naming the capability */
function permitIn({ roles }: People, user: UserId, capability: Capability): void {
  if (!roles.has(user)) throw new HawserError('HOME_NOT_FOUND');
  if (!may(roles.get(user), capability)) throw new HawserError('HOME_FORBIDDEN', capability);
}

/** Devices in the group of people who are not in the conversation, and whom nobody has proposed to remove yet. */
function strangersIn({ group, roles }: Held): DeviceId[] {
  const proposed = new Set(pendingIn(group).map(({ identity }) => identity.device));
  return table.devicesIn(group).filter((device) => !proposed.has(device) && !roles.has(userOfDevice(device)));
}

/** Of a commit that lost: what the device has to catch up with. */
function tellEpoch({ epoch }: PublicGroup) {
  return (error: unknown): never => {
    throw error instanceof HawserError && error.code === 'MLS_EPOCH_PAST' ? new StaleCommit(Number(epoch)) : error;
  };
}

function usersGone({ before, after }: Change): ReadonlySet<UserId> {
  const staying = new Set(after.members.map(({ user }) => user));
  return new Set(before?.members.map(({ user }) => user).filter((user) => !staying.has(user)));
}

function stateOf(group: PublicGroup): GroupState {
  const { groupInfo, tree } = serveGroupInfo(group);
  return { group: group.id, epoch: Number(group.epoch), groupInfo: textOf(groupInfo), tree: textOf(tree) };
}

function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  // Node skips what it does not understand.
  if (bytes.toString('base64url') !== text) throw new HawserError('MLS_MALFORMED', 'not base64url');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
