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
  serveGroupInfo,
} from '#mls/public-group.ts';
import { type HubSigner, proposeRemoval } from '#mls/public-proposal.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Member } from '#signalling/federation.ts';
import type { GroupState, NewCommit, NewGroup, NewMessage, SentMessage, TakenCommit } from '#signalling/groups.ts';
import {
  type ConversationId,
  type DeviceId,
  type DomainName,
  domainOf,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
import { newestPosition } from '../qs/queue-table.ts';
import type { Queues } from '../qs/queues.ts';
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import type { Change } from './changes.ts';
import * as table from './group-table.ts';
import type { Journal } from './journal.ts';
import { nodeEngine } from './mls-crypto.ts';
import { load } from './repository.ts';
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

/** What is held of a group between two requests. */
interface Held {
  readonly conversation: ConversationId;
  readonly group: PublicGroup;
  readonly devices: ReadonlySet<DeviceId>;
  /** Messages of older epochs are refused: whoever was removed since has their keys. */
  readonly oldest: bigint;
  /** Members of the conversation, and those of them who are admins; follow the conversation. */
  users: ReadonlySet<UserId>;
  admins: ReadonlySet<UserId>;
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
  /** When a group was last searched for members who lapsed, ms since 1970. */
  readonly #looked = new Map<ConversationId, number>();

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /**
   * @throws HawserError HOME_NOT_FOUND where the asker is no member, HOME_GROUP_EXISTS, and what `beginPublicGroup` throws
   */
  create(asker: Asker, conversation: ConversationId, parts: NewGroup): Promise<GroupState> {
    const { domain, journal, queues, world } = this.#options;
    return this.#turn(conversation, async () => {
      const { users, admins } = await this.#people(conversation);
      if (!users.has(asker.user)) throw new HawserError('HOME_NOT_FOUND');
      if (domainOf(conversation) !== domain) throw new HawserError('HOME_NOT_FOUND', 'the hub is another domain');
      const uploaded = { groupInfo: bytesOf(parts.groupInfo), tree: bytesOf(parts.tree) };
      const group = await beginPublicGroup(uploaded, this.#environment({ users, admins }));
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
      this.#hold({ conversation, group, oldest: group.epoch, users, admins });
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
      const { state, plan } = await applyCommit(held.group, parts, this.#environment(held));
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
   * @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP, MLS_NOT_MEMBER, and what `checkApplication` throws
   */
  async send({ user, device }: Asker, { conversation, number, message }: NewMessage): Promise<SentMessage> {
    const { writer, queues, world } = this.#options;
    const { group, devices, oldest } = this.#held.get(conversation) ?? (await this.#heldFor(user, conversation));
    if (checkApplication(group, Buffer.from(message, 'base64url')) < oldest) throw new HawserError('MLS_EPOCH_PAST');
    if (!devices.has(device)) throw new HawserError('MLS_NOT_MEMBER');
    return writer.run(async (tx) => {
      const before = await tx
        .selectFrom('sent_numbers')
        .select(['number', 'position', 'at'])
        .where('device_id', '=', device)
        .where('conversation_id', '=', conversation)
        .executeTakeFirst();
      if (before && number <= before.number) return { position: before.position, at: before.at };
      // Looked at again, because whoever was removed since it was asked above must not write any more.
      const { users } = this.#held.get(conversation) ?? (await this.#people(conversation, tx));
      if (!users.has(user)) throw new HawserError('HOME_NOT_FOUND');
      const at = world.now();
      const { position } = await queues.append(tx, {
        audience: group.id,
        kind: 'message',
        sender: device,
        id: `${number}`,
        payload: message,
        at,
      });
      const sent = { number, position, at };
      await tx
        .insertInto('sent_numbers')
        .values({ device_id: device, conversation_id: conversation, ...sent })
        .onConflict((c) => c.columns(['device_id', 'conversation_id']).doUpdateSet(sent))
        .execute();
      return { position, at };
    });
  }

  /** Devices that are gone: their keys are taken out of every group of this hub. */
  async removeDevice(device: DeviceId): Promise<void> {
    const { db } = this.#options.store;
    for (const group of await table.groupsWith(db, device)) {
      const conversation = await table.conversationOfGroup(db, group);
      if (conversation) await this.#turn(conversation, () => this.#propose(conversation, [device]));
    }
  }

  /**
   * In the transaction of a change: whoever is no member any more gets nothing from this point on. His keys go with the next
   * commit, for which `changed` makes the proposals.
   */
  readonly changing = async (tx: Db, { before, after }: Change): Promise<void> => {
    const { group } = after;
    if (group === undefined) return;
    const gone = usersGone({ before, after });
    if (gone.size === 0) return;
    const newest = await newestPosition(tx);
    for (const device of await table.devicesOf(tx, group)) {
      if (gone.has(userOfDevice(device))) await this.#options.queues.unsubscribe(tx, device, group, newest);
    }
  };

  /** To be subscribed to the journal. */
  readonly changed = (change: Change): void => {
    const { conversation, members, group } = change.after;
    const held = this.#held.get(conversation);
    if (held) Object.assign(held, peopleOf(members));
    const gone = usersGone(change);
    if (gone.size === 0 || group === undefined) return;
    this.#turn(conversation, async () => {
      const devices = table.devicesIn((await this.#load(conversation)).group);
      await this.#propose(
        conversation,
        devices.filter((device) => gone.has(userOfDevice(device))),
      );
    }).catch(this.#options.onFault);
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

  #environment({ users, admins }: People): HubEnvironment {
    const { credentials, domain, signer, world } = this.#options;
    return {
      credentials,
      hub: { domain, signatureKey: signer.publicKey },
      policy: {
        admits: ({ user }) => users.has(user),
        mayRemove: (by, whom) => by.user === whom.user || admins.has(by.user),
      },
      engine: nodeEngine,
      now: world.now,
    };
  }

  /** @throws HawserError HOME_NOT_FOUND where the person is no member, HOME_NO_GROUP */
  async #heldFor(user: UserId, conversation: ConversationId): Promise<Held> {
    const held = this.#held.get(conversation);
    if (held) {
      if (!held.users.has(user)) throw new HawserError('HOME_NOT_FOUND');
      return held;
    }
    const { users } = await this.#people(conversation);
    if (!users.has(user)) throw new HawserError('HOME_NOT_FOUND');
    return this.#load(conversation);
  }

  /** @throws HawserError HOME_NO_GROUP */
  async #load(conversation: ConversationId): Promise<Held> {
    const held = this.#held.get(conversation);
    if (held) return held;
    const { db } = this.#options.store;
    const id = await table.groupOf(db, conversation);
    if (id === undefined) throw new HawserError('HOME_NO_GROUP');
    const group = await table.loadGroup(db, id);
    // A commit may have come while it was read.
    const now = this.#held.get(conversation);
    // What was removed before is not known any more: messages of former epochs have to be encrypted anew.
    return now ?? this.#hold({ conversation, group, oldest: group.epoch, ...(await this.#people(conversation)) });
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

interface People {
  readonly users: ReadonlySet<UserId>;
  readonly admins: ReadonlySet<UserId>;
}

function peopleOf(members: readonly Member[]): People {
  const admins = members.filter(({ role }) => role === 'admin');
  return { users: new Set(members.map(({ user }) => user)), admins: new Set(admins.map(({ user }) => user)) };
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
