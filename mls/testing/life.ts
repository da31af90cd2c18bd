/**
 * A group that lives: devices join, leave, come back, miss messages, lose races and their memory, while a hub orders what they do.
 * Everything follows from a seed. After each commit, whoever has processed it must have the exporter that everybody else has.
 */
import { type GroupInfo, type Proposal, proposeExternal, type RatchetTree } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import { Group } from '../group.ts';
import type { Hub } from '../library.ts';
import { membersOf } from '../members.ts';
import type { Received } from '../step.ts';
import { cipherSuite } from '../suite.ts';
import { leavesOf, messageBytes, parseGroupInfo, parseTree } from '../wire.ts';
import { toHex } from './hex.ts';
import { bytes, GROUP, request, type TestDevice, text, World } from './world.ts';

interface Delivery {
  readonly bytes: Uint8Array;
  /** What an application message says, and who sent it. */
  readonly says: string | undefined;
}

interface Person {
  readonly device: TestDevice;
  /** What the hub has for it. Kept while the device is away. */
  inbox: Delivery[];
  state: 'out' | 'in';
  away: boolean;
}

const NAMES = ['a/one', 'a/two', 'b@beta/one', 'b@beta/two', 'c/one', 'd@beta/one', 'e/one', 'f/one'];

/** Numbers from 0 to below 1, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export class Life {
  readonly #next: () => number;
  readonly #world: World;
  readonly #hubKey: Uint8Array;
  readonly #people: readonly Person[];
  /** The exporter of each epoch, from the device that reached it first. */
  readonly #exporters = new Map<bigint, string>();
  #epoch = 0n;
  #groupInfo: Uint8Array = new Uint8Array();
  #tree: Uint8Array = new Uint8Array();
  #messages = 0;
  #proposed = false;
  /** How often each thing happened. */
  readonly counts = new Map<string, number>();

  private constructor(seed: number, world: World, hubKey: Uint8Array, people: readonly Person[]) {
    this.#next = numbers(seed);
    this.#world = world;
    this.#hubKey = hubKey;
    this.#people = people;
  }

  static async begin(seed: number): Promise<Life> {
    const { signature } = await cipherSuite();
    const keys = await signature.keygen();
    const hub = { domain: 'alpha.example', signatureKey: keys.publicKey } as Hub;
    const world = await World.make(hub);
    const people = (await world.devices(...NAMES)).map(
      (device): Person => ({ device, inbox: [], state: 'out', away: false }),
    );
    const life = new Life(seed, world, keys.signKey, people);
    const [first] = people;
    if (first === undefined) throw new Error('nobody');
    await first.device.create();
    first.state = 'in';
    await life.#remember(first);
    life.#groupInfo = await first.device.group.groupInfo();
    life.#tree = first.device.group.tree();
    return life;
  }

  async step(): Promise<void> {
    this.#world.now += Math.floor(this.#next() * 5000);
    const dice = this.#next();
    if (dice < 0.3) await this.#talk();
    else if (dice < 0.42) await this.#commit('update');
    else if (dice < 0.54) await this.#commit('add');
    else if (dice < 0.62) await this.#commit('remove');
    else if (dice < 0.72) await this.#joinByItself();
    else if (dice < 0.8) await this.#race();
    else if (dice < 0.88) this.#reload();
    else if (dice < 0.93) this.#goAway();
    else if (dice < 0.97) await this.#propose();
    else await this.#failToSave();
    for (const person of this.#people) {
      if (person.away && this.#next() < 0.08) person.away = false;
      if (!person.away) await this.#catchUp(person);
    }
  }

  /** All come back, and all see the same. */
  async end(): Promise<void> {
    for (const person of this.#people) {
      person.away = false;
      await this.#catchUp(person);
    }
    const epochs = this.#in().map(({ device }) => device.group.epoch);
    if (epochs.some((epoch) => epoch !== this.#epoch))
      throw new Error(`not all came to epoch ${this.#epoch}: ${epochs}`);
  }

  async #talk(): Promise<void> {
    const sender = this.#pick(this.#in(true));
    if (sender === undefined || sender.device.group.hasProposals) return;
    const says = `message ${++this.#messages}`;
    const sent = await sender.device.group.send(bytes(says));
    for (const person of this.#in()) {
      // One in ten is lost for somebody; one in ten comes before what was sent earlier.
      if (person === sender || this.#next() < 0.1) continue;
      const delivery = { bytes: sent, says: `${sender.device.id}: ${says}` };
      if (this.#next() < 0.1) person.inbox.unshift(delivery);
      else person.inbox.push(delivery);
    }
    this.#count('message');
  }

  async #commit(kind: 'update' | 'add' | 'remove'): Promise<void> {
    const committer = this.#pick(this.#in(true));
    if (committer === undefined) return;
    const joiners =
      kind === 'add' ? this.#people.filter(({ state }) => state === 'out').slice(0, 1 + this.#below(2)) : [];
    const packages = await Promise.all(joiners.map(({ device }) => device.keyPackage()));
    // Also one who is away; one who was removed while away does not know it, and is not in the hub's tree.
    const others = membersOf(parseTree(this.#tree)).map(({ identity }) => identity.device);
    const leaving = this.#pick(kind === 'remove' ? others.filter((each) => each !== committer.device.id) : []);
    const wishes = { add: packages.map((each) => each.bytes), remove: leaving ? [leaving] : [] };
    const made = await this.#attempt(committer, () => committer.device.group.commit(wishes, request()));
    if (made === undefined) return;
    const tree = committer.device.group.tree('pending');
    await this.#accept(committer, made, tree);
    for (const [index, joiner] of joiners.entries()) {
      const secrets = packages[index]?.secrets ?? new Uint8Array();
      const { welcome = new Uint8Array() } = made;
      const { device } = joiner;
      device.store.records.clear();
      device.group = await Group.join({ group: GROUP, welcome, tree, secrets }, device.store, device.env);
      Object.assign(joiner, { state: 'in', away: false, inbox: [] });
      await this.#remember(joiner);
    }
    this.#count(kind);
  }

  /** Two commit at once; the hub takes the first, the second hears of it and tries again later. */
  async #race(): Promise<void> {
    const [winner, loser] = this.#shuffled(this.#in(true));
    if (winner === undefined || loser === undefined) return;
    const lost = await this.#attempt(loser, () => loser.device.group.commit({}, request()));
    const won = await this.#attempt(winner, () => winner.device.group.commit({}, request()));
    if (lost === undefined || won === undefined) {
      if (lost !== undefined) await loser.device.group.refused(lost.id);
      if (won !== undefined) await winner.device.group.refused(won.id);
      return;
    }
    // While it waits, the loser also talks, and maybe starts anew.
    if (!loser.device.group.hasProposals) await loser.device.group.send(bytes('nobody hears this'));
    if (this.#next() < 0.3) loser.device.reload();
    await this.#accept(winner, won, winner.device.group.tree('pending'));
    this.#count('race');
  }

  /** By an external commit: a device that was out, or one that lost everything it knew. */
  async #joinByItself(): Promise<void> {
    const joiner = this.#pick(this.#people);
    if (joiner === undefined || this.#in(true).length < 2) return;
    const { device } = joiner;
    device.store.records.clear();
    const parts = { group: GROUP, groupInfo: this.#groupInfo, tree: this.#tree, device: device.keys, id: request() };
    device.group = await Group.joinExternally(parts, device.store, device.env);
    const again = joiner.state === 'in';
    Object.assign(joiner, { state: 'in', away: false, inbox: [] });
    if (this.#next() < 0.3) device.reload();
    const made = device.group.pending;
    if (made === undefined) throw new Error('no external commit');
    await this.#accept(joiner, made, device.group.tree('pending'));
    this.#count(again ? 'come back' : 'join');
  }

  /** The hub proposes to remove somebody, which the next committer has to do. */
  async #propose(): Promise<void> {
    const { groupContext }: GroupInfo = parseGroupInfo(this.#groupInfo);
    const tree: RatchetTree = parseTree(this.#tree);
    const leaf = this.#pick(leavesOf(tree));
    if (leaf === undefined || leavesOf(tree).length < 4 || this.#proposed) return;
    const proposal: Proposal = { proposalType: 3, remove: { removed: leaf.leafIndex } };
    const info = { ...parseGroupInfo(this.#groupInfo), groupContext };
    const { hub } = this.#world.environment;
    const key = hub?.signatureKey ?? new Uint8Array();
    const message = await proposeExternal(info, proposal, key, this.#hubKey, await cipherSuite());
    for (const person of this.#in()) person.inbox.push({ bytes: messageBytes(message), says: undefined });
    this.#proposed = true;
    this.#count('proposal');
  }

  #reload(): void {
    this.#pick(this.#in())?.device.reload();
    this.#count('reload');
  }

  #goAway(): void {
    const person = this.#pick(this.#in(true));
    if (person === undefined || this.#in(true).length < 4) return;
    person.away = true;
    this.#count('away');
  }

  /** A store that fails changes nothing, whether or not it wrote; and what it was asked for can be asked again. */
  async #failToSave(): Promise<void> {
    const person = this.#pick(this.#in(true));
    if (person === undefined || person.device.group.hasProposals) return;
    const { group, store } = person.device;
    const before = group.epochAuthenticator;
    store.failing = this.#next() < 0.5 ? 'before' : 'after';
    const code = await group.send(bytes('x')).catch((error: unknown) => error instanceof HawserError && error.code);
    store.failing = undefined;
    if (code !== 'MLS_NOT_SAVED') throw new Error(`a failing store ended in ${code}`);
    if (toHex(before) !== toHex(group.epochAuthenticator)) throw new Error('a failing store changed the epoch');
    this.#count('failure');
  }

  async #accept(
    committer: Person,
    made: { id: string; commit: Uint8Array; groupInfo: Uint8Array },
    tree: Uint8Array,
  ): Promise<void> {
    this.#epoch++;
    this.#proposed = false;
    this.#groupInfo = made.groupInfo;
    this.#tree = tree;
    for (const person of this.#in()) {
      if (person !== committer) person.inbox.push({ bytes: made.commit, says: undefined });
    }
    // The own commit is settled by its name or, when the answer was lost, by its own bytes coming back.
    const { group } = committer.device;
    const received = await (this.#next() < 0.8 ? group.accepted(made.id) : group.receive(made.commit));
    await this.#see(committer, received, undefined);
  }

  async #catchUp(person: Person): Promise<void> {
    const inbox = person.inbox.splice(0);
    for (const delivery of inbox) {
      if (person.state === 'out') return;
      const received = await person.device.group.receive(delivery.bytes).catch((error: unknown) => {
        // A message, no commit, that was sent too long ago for a device that was away, or came too many epochs too early.
        const given =
          error instanceof HawserError && (error.code === 'MLS_EPOCH_PAST' || error.code === 'MLS_EPOCH_FUTURE');
        if (given && delivery.says !== undefined) return [];
        throw error;
      });
      await this.#see(person, received, delivery.says);
    }
  }

  async #see(person: Person, received: readonly Received[], says: string | undefined): Promise<void> {
    for (const event of received) {
      if (event.kind === 'dropped') throw new Error(`what had waited was dropped: ${event.code}`);
      if (event.kind === 'removed') person.state = 'out';
      if (event.kind === 'message') {
        const heard = `${event.sender.identity.device}: ${text(event.content)}`;
        if (says !== undefined && received.length === 1 && heard !== says)
          throw new Error(`heard "${heard}", not "${says}"`);
        this.#count('heard');
      }
      if (event.kind === 'commit') await this.#remember(person);
    }
  }

  /** The invariant: one exporter an epoch. */
  async #remember({ device }: Person): Promise<void> {
    const { epoch } = device.group;
    if (epoch === undefined) throw new Error('a member without an epoch');
    const exporter = toHex(await device.group.export('SFrame 1.0 Base Key', new Uint8Array(), 16));
    const known = this.#exporters.get(epoch);
    if (known === undefined) this.#exporters.set(epoch, exporter);
    else if (known !== exporter) throw new Error(`${device.id} has another exporter in epoch ${epoch}`);
  }

  async #attempt<T>({ device }: Person, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      // The hub proposed to remove this very device, or somebody whom it wanted to remove too.
      if (error instanceof HawserError && error.code === 'MLS_REFUSED' && device.group.hasProposals) return undefined;
      throw error;
    }
  }

  /** Members; those at hand are not away and know all that the hub knows. */
  #in(atHand = false): Person[] {
    return this.#people.filter(
      ({ state, away, device }) => state === 'in' && !(atHand && (away || device.group.epoch !== this.#epoch)),
    );
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#below(list.length)];
  }

  #below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  #shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((value) => ({ value, at: this.#next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
