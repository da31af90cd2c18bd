/**
 * The hub's part for MLS groups: one group a room, which is a conversation or the call in it; one commit an epoch, messages in one order. The members of the
 * conversation and the devices of the group are one truth: only devices of members come in, and whoever is no member any
 * more is shut out here at once, and out of the keys with the next commit, which must contain what the hub proposed.
 */

import type { Credentials } from '#mls/credentials.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import { devicesNamed, participantsIn } from '#mls/participant.ts';
import {
  applyCommit,
  beginPublicGroup,
  checkApplication,
  type HubEnvironment,
  type PublicGroup,
  type PublicPlan,
  pendingIn,
  serveGroupInfo,
} from '#mls/public-group.ts';
import { type HubSigner, ownerOf } from '#mls/public-proposal.ts';
import { may } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import {
  type GroupState,
  type NewCommit,
  type NewGroup,
  type NewMessage,
  StaleCommit,
  type TakenCommit,
  type TakenMessage,
} from '#signalling/groups.ts';
import {
  callRoomOf,
  conversationIn,
  type DeviceId,
  type DomainName,
  domainOf,
  type GroupId,
  type RoomId,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
import type { Feeds } from '../federation/feed.ts';
import type { Queues } from '../qs/queues.ts';
import type { Db, Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import type { Change } from './changes.ts';
import { Ghosts } from './ghosts.ts';
import type { Asker, GroupOffice } from './group-office.ts';
import * as table from './group-table.ts';
import {
  type Held,
  HeldGroups,
  isTakenFrom,
  type People,
  peopleOf,
  permitIn,
  policyOf,
  stolenNamesIn,
  strangersIn,
} from './held-groups.ts';
import type { Journal } from './journal.ts';
import { Proposals } from './proposals.ts';
import { load, loadInCall } from './repository.ts';
import { absentIn, groupIn, requireRoom, roomsOf, withGroup } from './rooms.ts';
import { type Chain, digestOf, Sending } from './sending.ts';
import { Telling, usersGone } from './telling.ts';
import { Ticks } from './ticks.ts';
import { Turns } from './turns.ts';

export interface GroupsOptions {
  readonly store: Store;
  readonly writer: Writer;
  readonly world: World;
  readonly domain: DomainName;
  readonly journal: Journal;
  readonly queues: Queues;
  /** Other domains that have devices in groups. */
  readonly followers: Pick<Feeds, 'follow' | 'tell'>;
  readonly credentials: Credentials;
  /** What speaks for devices of other domains; before they are judged it has to be here. */
  readonly foreign?: ForeignKeys;
  /** Proposes removals; its public key stands in every group. */
  readonly signer: HubSigner & { readonly publicKey: Uint8Array };
  readonly onFault: (error: unknown) => void;
}

export interface ForeignKeys {
  /** Fetches what is not known yet, as far as that can be had. */
  ensure(domains: readonly DomainName[]): Promise<void>;
  /** Fetches anew, once, where a credential was refused. */
  renew(domains: readonly DomainName[]): Promise<void>;
  /** @throws HawserError FED_KEY_WAITS where one of them has keys that an administrator has to confirm */
  refuseWaiting(domains: readonly DomainName[]): void;
}

/** A message, and the device that sends it, which may be one of another domain. */
export interface HandedIn {
  readonly asker: Asker;
  readonly message: NewMessage;
  /** It was taken, and was not before. */
  readonly onNew?: () => void;
}

export class Groups implements GroupOffice {
  readonly #options: GroupsOptions;
  readonly #held = new HeldGroups((room) => this.#proposals.forget(room));
  /** The last thing that is done to a group: commits and proposals of one come one after the other. */
  readonly #last = new Map<RoomId, Promise<unknown>>();
  readonly #turns = new Turns();
  readonly #sending: Sending;
  readonly #telling: Telling;
  readonly #proposals: Proposals;
  readonly #ghosts = new Ghosts();
  readonly #ticks = new Ticks((room) => {
    this.#turn(room, () => this.#unlessEnded(room, () => this.#proposeTick(room))).catch(this.#options.onFault);
  });
  /** Counts changes of who is where: what was read of that before may not be held after. */
  #moves = 0;
  #isClosed = false;

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.#sending = new Sending(options);
    this.#telling = new Telling(options);
    this.#proposals = new Proposals({
      ...options,
      held: this.#held,
      load: (room) => this.#load(room),
      environment: (people) => this.#environment(people),
      judge: (people, work) => this.#judge(people, work),
      isClosed: () => this.#isClosed,
    });
  }

  /**
   * The homeserver of a device of another domain has it read what goes to the group before it asks: this tells nobody where it begins.
   * @throws HawserError HOME_NOT_FOUND where the asker is no member, HOME_FORBIDDEN,
   * HOME_GROUP_EXISTS, and what `beginPublicGroup` throws
   */
  create(asker: Asker, room: RoomId, parts: NewGroup): Promise<GroupState> {
    const { domain, journal, queues, followers, world } = this.#options;
    return this.#turn(room, async () => {
      const people = await this.#people(room);
      permitIn(people, asker.user, 'sendMessage');
      const uploaded = { groupInfo: bytesOf(parts.groupInfo), tree: bytesOf(parts.tree) };
      const group = await this.#judge(people, () => beginPublicGroup(uploaded, this.#environment(people)));
      const devices = table.devicesIn(group);
      const isAlone = group.epoch === 0n && devices.length === 1 && devices[0] === asker.device;
      if (!isAlone || group.id !== parts.group)
        throw new HawserError('MLS_REFUSED', 'a new group begins with one device');
      await journal.change(conversationIn(room), async (before, tx) => {
        if (!before) throw new HawserError('HOME_NOT_FOUND');
        const after = withGroup(before, room, group.id);
        await table.insertGroup(tx, room, group, world.now());
        // Nothing was said in it yet, so that any point before its first entry will do.
        const home = domainOf(asker.device);
        if (home === domain) await queues.subscribe(tx, asker.device, group.id, 0);
        else await followers.follow(tx, home, group.id, room);
        return after;
      });
      this.#held.put({ room, group, putOut: new Set(), oldest: group.epoch, ...people });
      return stateOf(group);
    });
  }

  /**
   * What a device joins by itself with. Whoever lapsed is proposed for removal before: the one who joins commits it.
   * @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP
   */
  async state({ user }: Asker, room: RoomId): Promise<GroupState> {
    await this.#heldFor(user, room);
    return this.#turn(room, () => this.#stateInTurn(room));
  }

  async #stateInTurn(room: RoomId): Promise<GroupState> {
    await this.#proposals.removeLapsed(room);
    return stateOf((await this.#load(room)).group);
  }

  /**
   * A device wants to come into the group of a call. It comes by itself, with the state that it is given; where others come or go in the same
   * moment, or many are in it, they are let in together by the commit of a member, and its Welcome comes by its queue.
   * @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP, HOME_FORBIDDEN where the key package is of another device, and what `proposeAddition` throws
   */
  join(asker: Asker, room: RoomId, keyPackage: string): Promise<GroupState | undefined> {
    return this.#turn(room, async () => {
      const held = await this.#heldFor(asker.user, room);
      // Back in its own place, which only itself can give up.
      if (held.devices.has(asker.device)) return this.#stateInTurn(room);
      const bytes = bytesOf(keyPackage);
      const { device, participant } = ownerOf(bytes);
      if (device !== asker.device) throw new HawserError('HOME_FORBIDDEN');
      // Its owner waits until whoever took it is out.
      const isTaken = isTakenFrom(held, asker.user, participant);
      if (!isTaken) await this.#proposals.judgeAddition({ ...held, group: { ...held.group, pending: {} } }, bytes);
      // Where all who are in it are to go, nobody is left to let others in.
      const isLeft = pendingIn(held.group).length === held.devices.size;
      const isQuiet = !isTaken && (isLeft || !isProposed(held.group));
      const waits = !this.#ticks.come(room, asker.device, bytes, { size: held.devices.size, isQuiet });
      return waits ? undefined : this.#stateInTurn(room);
    });
  }

  /**
   * The tree to a Welcome, base64url. Whoever stands in it may have it though he is out by now: what was said to him in between waits
   * for his device.
   * @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP
   */
  async tree({ user, device }: Asker, room: RoomId, epoch: number): Promise<string> {
    const { roles } = this.#held.get(room) ?? (await this.#people(room));
    const isIn = may(roles.get(user), 'receiveMessage');
    const { group } = await this.#load(room).catch((error: unknown) => {
      throw isIn ? error : new HawserError('HOME_NOT_FOUND');
    });
    const tree =
      group.epoch === BigInt(epoch)
        ? textOf(serveGroupInfo(group).tree)
        : await table.keptTree(this.#options.store.db, group.id, epoch);
    if (tree === undefined || (!isIn && !table.devicesInTree(tree).includes(device)))
      throw new HawserError('HOME_NOT_FOUND', 'tree');
    return tree;
  }

  /**
   * Takes the commit that makes the next epoch.
   * @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP, MLS_EPOCH_PAST where another commit was first, and what `applyCommit` throws
   */
  commit(asker: Asker, room: RoomId, request: NewCommit): Promise<TakenCommit> {
    return this.#turn(room, async () => {
      const { store } = this.#options;
      const held = await this.#heldFor(asker.user, room);
      const known = await table.knownCommit(store.db, held.group.id, request.id);
      if (known) return known;
      const parts = {
        commit: bytesOf(request.commit),
        groupInfo: bytesOf(request.groupInfo),
        welcome: request.welcome === undefined ? undefined : bytesOf(request.welcome),
      };
      const environment = this.#environment(held);
      const applying = this.#judge(held, () => applyCommit(held.group, parts, environment));
      const { state, plan } = await applying.catch(tellEpoch(held.group));
      if (plan.by.identity.device !== asker.device)
        throw new HawserError('HOME_FORBIDDEN', 'a commit of another device');
      const epoch = Number(state.epoch);
      const devices = table.devicesIn(state);
      const position = await this.#options.writer.run(async (tx) => {
        if (!(await table.updateGroup(tx, held.group, state))) throw new HawserError('MLS_EPOCH_PAST');
        // Looked at again: whoever was taken out while the commit was judged has had his last entry.
        const { roles } = await this.#people(room, tx);
        if (plan.joined.some(({ identity }) => !may(roles.get(identity.user), 'receiveMessage')))
          throw new HawserError('MLS_NOT_ADMITTED', 'somebody who was taken out meanwhile');
        const done = { room, by: asker.device, plan, devices, epoch, request };
        const at = await this.#telling.commit(tx, held.group.id, done);
        if (request.welcome !== undefined)
          await table.keepTree(tx, state.id, epoch, textOf(serveGroupInfo(state).tree), this.#options.world.now());
        await table.rememberCommit(tx, state.id, epoch, request.id, at);
        return at;
      });
      const putOut = held.putOut.difference(new Set(plan.joined.map(({ identity }) => identity.device)));
      this.#held.put({ ...held, group: state, putOut, oldest: hasLost(plan) ? state.epoch : held.oldest });
      this.#turns.done(room, asker.device);
      this.#ticks.done(
        room,
        plan.joined.map(({ identity }) => identity.device),
        devices.length,
      );
      // They could not be in an external commit, and their proposals ended with the epoch.
      await this.#proposals.remove(
        room,
        plan.spared.map(({ identity }) => identity.device),
      );
      return { position, epoch };
    });
  }

  /** Resolves when it is the turn of a device that lost a race. @throws HawserError HOME_NOT_FOUND, HOME_NO_GROUP, HOME_SLOW_DOWN */
  async waitForTurn({ user, device }: Asker, room: RoomId): Promise<void> {
    await this.#heldFor(user, room);
    await this.#turns.wait(room, device);
  }

  /** A device whose turn it is does not need it any more. */
  async endTurn({ device }: Asker, room: RoomId): Promise<void> {
    this.#turns.done(room, device);
  }

  /**
   * Takes a message; one that was taken before is taken again without effect.
   * @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_NO_GROUP, MLS_NOT_MEMBER, and what `checkApplication` throws
   */
  async send(asker: Asker, message: NewMessage): Promise<TakenMessage> {
    return (await this.#begin(asker, message, {})).done;
  }

  /**
   * Takes messages in order, together. Behind one that is refused no later one of that device to that conversation is taken.
   * @returns what became of each: its place, or it throws as `send`, and FED_EQUIVOCATED where a device of another domain has said something
   * else under this number before
   */
  async sendAll(messages: readonly HandedIn[]): Promise<(() => TakenMessage)[]> {
    const chains = new Map<string, Chain>();
    const outcomes: Promise<() => TakenMessage>[] = [];
    for (const { asker, message, onNew } of messages) {
      const key = `${asker.device} ${message.conversation}`;
      const chain = chains.get(key) ?? {};
      chains.set(key, chain);
      const { done } = await this.#begin(asker, message, chain, onNew);
      const outcome = done.then(
        (taken) => () => taken,
        (error: unknown) => () => {
          throw error;
        },
      );
      outcomes.push(outcome);
    }
    return Promise.all(outcomes);
  }

  /** Resolves when it is in the line of those that are written, or refused: the next one comes behind it. */
  async #begin(
    asker: Asker,
    message: NewMessage,
    chain: Chain,
    onNew?: () => void,
  ): Promise<{ readonly done: Promise<TakenMessage> }> {
    const { user, device } = asker;
    const { conversation, number } = message;
    const digest = domainOf(user) === this.#options.domain ? {} : { digest: digestOf(message.message) };
    const asked = { conversation, device, number, ...digest };
    try {
      const held = this.#held.get(conversation) ?? (await this.#heldFor(user, conversation));
      if (chain.refusal) throw chain.refusal;
      const group = this.#check(held, asker, message.message);
      const done = this.#sending.send({
        ...{ ...asked, group, message: message.message, isQuiet: message.quiet === true, chain, onNew },
        // Looked at again, because whoever was removed since it was asked above must not write any more.
        permit: async (tx) => {
          permitIn(this.#held.get(conversation) ?? (await this.#people(conversation, tx)), user, 'sendMessage');
        },
      });
      return { done };
    } catch (error) {
      const done = this.#takenBefore(asked, error);
      await done.catch((refusal: unknown) => {
        if (refusal instanceof HawserError) chain.refusal ??= refusal;
      });
      return { done };
    }
  }

  /** What was taken stays so, also where its writer had no answer and was removed since. @throws what it was refused with otherwise */
  async #takenBefore(asked: Parameters<Sending['taken']>[1], error: unknown): Promise<TakenMessage> {
    const taken = error instanceof HawserError && (await this.#sending.taken(this.#options.store.db, asked));
    if (taken) return taken;
    throw error;
  }

  /** @throws HawserError where the device may not send this message now */
  #check(held: Held, { user, device }: Asker, message: string): GroupId {
    const { group, devices, oldest } = held;
    // First of all: whoever is out learns nothing more of the group.
    permitIn(held, user, 'sendMessage');
    if (checkApplication(group, Buffer.from(message, 'base64url')) < oldest) throw new HawserError('MLS_EPOCH_PAST');
    if (!devices.has(device)) throw new HawserError('MLS_NOT_MEMBER');
    return group.id;
  }

  /** Devices that are gone: their keys are taken out of every group of this hub. */
  async removeDevice(device: DeviceId): Promise<void> {
    const { db } = this.#options.store;
    const failures: unknown[] = [];
    for (const group of await table.groupsWith(db, device)) {
      const room = await table.roomOf(db, group);
      if (!room) continue;
      // One that fails holds no other.
      const propose = () => this.#unlessEnded(room, () => this.#proposals.remove(room, [device]));
      await this.#turn(room, propose).catch((error) => failures.push(error));
    }
    await table.forgetSender(db, device);
    if (failures.length > 0) throw failures[0];
  }

  /** To be joined to the journal. The group goes with its last member. */
  readonly changing = (tx: Db, change: Change): Promise<void> => this.#telling.change(tx, change);

  /** To be subscribed to the journal. */
  readonly changed = (change: Change): void => {
    const { before, after } = change;
    if (!before || domainOf(after.conversation) !== this.#options.domain) return;
    if (before.members !== after.members || before.call !== after.call) this.#moves += 1;
    const gone = usersGone(change);
    for (const { room, group } of roomsOf(before)) {
      const held = this.#held.get(room);
      if (held) {
        const out = [...held.devices].filter((device) => gone.has(userOfDevice(device)));
        Object.assign(held, peopleOf(after, room), { putOut: held.putOut.union(new Set(out)) });
      }
      if (groupIn(after, room) !== group) {
        this.#held.delete(room);
        this.#ticks.end(room);
      } else if (gone.size > 0) this.#proposeSoon(room);
      this.#ticks.go(room, new Set([...absentIn(room, change), ...(held ? stolenNamesIn(held) : [])]));
    }
  };

  /**
   * Resolves when it is proposed to remove every device of whoever is no member, where this is the hub. Begins with what an earlier process
   * left undone; rejects where something is left, unless this is being closed.
   */
  proposeGone(room: RoomId): Promise<void> {
    return this.#turn(room, () => this.#proposeStrangers(room));
  }

  /** To be called now and then. */
  sweep(): Promise<void> {
    return table.sweepTrees(this.#options.store.db, this.#options.world.now());
  }

  /** Takes devices out of calls that no SFT tells of. To be called every few seconds. */
  async sweepCalls(): Promise<void> {
    const rooms = new Set<RoomId>();
    for (const { conversation, call } of await loadInCall(this.#options.store.db)) {
      if (domainOf(conversation) !== this.#options.domain || !call?.group) continue;
      const room = callRoomOf(conversation, call.conference);
      rooms.add(room);
      const look = async () => {
        const held = await this.#load(room);
        const gone = this.#ghosts.look(room, participantsIn(held.group.hashed.tree).values(), held.callers);
        this.#ticks.go(room, gone.union(new Set(stolenNamesIn(held))));
      };
      await this.#turn(room, () => this.#unlessEnded(room, look));
    }
    this.#ghosts.keepOnly(rooms);
  }

  /** Resolves when everything that was begun is done. Nothing may be begun any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#turns.close();
    this.#ticks.close();
    await Promise.all(this.#last.values());
  }

  /** Where it fails, whoever reads the group next finds the strangers again. */
  #proposeSoon(room: RoomId): void {
    this.#turn(room, () => this.#proposeStrangers(room)).catch((error: unknown) => {
      this.#held.delete(room);
      // Whoever is just reading the group may have begun before some were proposed.
      this.#moves += 1;
      this.#options.onFault(error);
    });
  }

  /** Whoever went out of a call, or vanished, is out of its keys with the next commit; with it come those who came meanwhile. */
  async #proposeTick(room: RoomId): Promise<void> {
    const { group } = await this.#load(room);
    // A commit that is made just now would not have it: once that is in, there is a next tick.
    if (isProposed(group)) return;
    const { come, gone } = this.#ticks.take(room);
    await this.#proposals.remove(room, devicesNamed(group.hashed.tree, gone));
    await this.#proposals.add(room, come);
  }

  /** To be called in the turn of the conversation. */
  #proposeStrangers(room: RoomId): Promise<void> {
    return this.#unlessEnded(room, () => this.#proposals.removeStrangers(room));
  }

  /** For work that nobody waits for: a group that goes meanwhile, with its last member, has nobody to take out. */
  async #unlessEnded(room: RoomId, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if ((await table.groupOf(this.#options.store.db, room)) !== undefined) throw error;
    }
  }

  /** Judges credentials with what the members' domains say of their devices; once more with what they say now, where one is refused. */
  async #judge<T>({ roles }: People, work: () => Promise<T>): Promise<T> {
    const { foreign, domain } = this.#options;
    const others = [...new Set([...roles.keys()].map(domainOf))].filter((other) => other !== domain);
    if (!foreign || others.length === 0) return work();
    await foreign.ensure(others);
    try {
      return await work();
    } catch (error) {
      if (!isOfCredentials(error)) throw error;
      await foreign.renew(others);
      return await work().catch((again: unknown) => {
        if (isOfCredentials(again)) foreign.refuseWaiting(others);
        throw again;
      });
    }
  }

  #environment(people: People): HubEnvironment {
    const { credentials, domain, signer, world } = this.#options;
    return {
      credentials,
      hub: { domain, signatureKey: signer.publicKey },
      policy: policyOf(people),
      engine: nodeEngine,
      now: world.now,
    };
  }

  /** @throws HawserError HOME_NOT_FOUND where the person is no member, HOME_NO_GROUP */
  async #heldFor(user: UserId, room: RoomId): Promise<Held> {
    permitIn(this.#held.get(room) ?? (await this.#people(room)), user, 'receiveMessage');
    return this.#load(room);
  }

  /** @throws HawserError HOME_NO_GROUP */
  async #load(room: RoomId): Promise<Held> {
    const held = this.#held.get(room);
    if (held) return held;
    const { db } = this.#options.store;
    const id = await table.groupOf(db, room);
    if (id === undefined) throw new HawserError('HOME_NO_GROUP');
    const moves = this.#moves;
    const people = await this.#people(room);
    const group = await table.loadGroup(db, id);
    const putOut = await table.putOutOf(db, id);
    // A commit may have come while it was read.
    const now = this.#held.get(room);
    if (now) return now;
    if (moves !== this.#moves) return this.#load(room);
    // What was removed before is not known any more: messages of former epochs have to be encrypted anew.
    const fresh = this.#held.put({ room, group, putOut, oldest: group.epoch, ...people });
    // Where this process ended between a removal and its proposal.
    if (strangersIn(fresh).length > 0) this.#proposeSoon(room);
    return fresh;
  }

  async #people(room: RoomId, db: Db = this.#options.store.db): Promise<People> {
    const state = await load(db, conversationIn(room));
    if (!state) throw new HawserError('HOME_NOT_FOUND');
    requireRoom(state, room);
    return peopleOf(state, room);
  }

  #turn<T>(room: RoomId, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(room) ?? Promise.resolve()).then(work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(room, settled);
    settled.finally(() => {
      if (this.#last.get(room) === settled) this.#last.delete(room);
    });
    return turn;
  }
}

/** Whether something waits for the next commit. */
function isProposed({ pending }: PublicGroup): boolean {
  return Object.keys(pending).length > 0;
}

/** Whether somebody is out who knows the keys of the epoch before; a device in its own place is not. */
function hasLost({ by, left }: PublicPlan): boolean {
  return left.some(({ identity }) => identity.device !== by.identity.device);
}

/** Perhaps only what is known of a domain is too old. */
function isOfCredentials(error: unknown): boolean {
  return (
    error instanceof HawserError &&
    (error.code.startsWith('MLS_CREDENTIAL_') || error.code === 'MLS_REVOCATION_UNKNOWN')
  );
}

/** Of a commit that lost: what the device has to catch up with. */
function tellEpoch({ epoch }: PublicGroup) {
  return (error: unknown): never => {
    throw error instanceof HawserError && error.code === 'MLS_EPOCH_PAST' ? new StaleCommit(Number(epoch)) : error;
  };
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
