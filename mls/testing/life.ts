/**
 * A group that lives: devices join, leave, come back, miss messages, lose races and their memory, while a hub orders what they do.
 * Everything follows from a seed. After each commit, whoever has processed it must have the exporter that everybody else has, and the
 * hub, which is no member, must see the very group that they see.
 */
import { encode } from 'ts-mls';
import { groupContextEncoder } from 'ts-mls/internal/groupContext.js';
import { nodeEngine } from '#mls/node-engine.ts';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { sameBytes } from '../bytes.ts';
import { Group } from '../group.ts';
import {
  applyCommit,
  beginPublicGroup,
  type CommitParts,
  checkApplication,
  type HubEnvironment,
  membersIn,
  type PublicGroup,
  pendingIn,
  serveGroupInfo,
} from '../public-group.ts';
import { type HubSigner, proposeRemoval } from '../public-proposal.ts';
import { readPublicGroup, writePublicGroup } from '../public-records.ts';
import type { Received } from '../step.ts';
import { cipherSuite } from '../suite.ts';
import { serialOf, type TestDomain } from './authority.ts';
import { toHex } from './hex.ts';
import { bytes, GROUP, request, type TestDevice, text, World } from './world.ts';

interface Delivery {
  readonly bytes: Uint8Array;
  /** What an application message says, and who sent it. */
  readonly says: string | undefined;
  /** When the hub accepted it. */
  readonly at: number;
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
export function numbers(seed: number): () => number {
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
  readonly #hub: HubEnvironment;
  readonly #signer: HubSigner;
  readonly #people: readonly Person[];
  /** The exporter of each epoch, from the device that reached it first. */
  readonly #exporters = new Map<bigint, string>();
  /** What the hub knows, and what its database holds of it. */
  #public: PublicGroup;
  #records = new Map<string, Uint8Array>();
  /** The GroupContext of each epoch, as the hub computed it. */
  readonly #contexts = new Map<bigint, Uint8Array>();
  #messages = 0;
  /** Serial numbers of certificates that were taken back. */
  readonly #revoked = new Map<TestDomain, readonly string[]>();
  /** How often each thing happened. */
  readonly counts = new Map<string, number>();

  private constructor(
    seed: number,
    world: World,
    hub: HubEnvironment,
    signer: HubSigner,
    people: readonly Person[],
    begun: PublicGroup,
  ) {
    this.#next = numbers(seed);
    this.#world = world;
    this.#hub = hub;
    this.#signer = signer;
    this.#people = people;
    this.#public = begun;
    this.#store(begun, undefined);
  }

  static async begin(seed: number): Promise<Life> {
    const { signature } = await cipherSuite();
    const keys = await signature.keygen();
    const hub = { domain: 'alpha.example' as DomainName, signatureKey: keys.publicKey };
    const world = await World.make(hub);
    const people = (await world.devices(...NAMES)).map(
      (device): Person => ({ device, inbox: [], state: 'out', away: false }),
    );
    // Most with the quicker engine, as on Node, and some with WebCrypto, as in browsers.
    for (const [index, { device }] of people.entries()) if (index % 4 !== 1) device.engine = nodeEngine;
    const [first] = people;
    if (first === undefined) throw new Error('nobody');
    await first.device.create();
    first.state = 'in';
    const environment = { ...world.environment, hub, engine: nodeEngine };
    const signer = { sign: (message: Uint8Array) => signature.sign(keys.signKey, message) };
    const { group } = first.device;
    const begun = await beginPublicGroup({ groupInfo: await group.groupInfo(), tree: group.tree() }, environment);
    const life = new Life(seed, world, environment, signer, people, begun);
    await life.#remember(first);
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
    else if (dice < 0.96) await this.#propose();
    else if (dice < 0.975) await this.#revoke();
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
    if (epochs.some((epoch) => epoch !== this.#public.epoch))
      throw new Error(`not all came to epoch ${this.#public.epoch}: ${epochs}`);
  }

  async #talk(): Promise<void> {
    const sender = this.#pick(this.#in(true));
    if (sender === undefined || sender.device.group.hasProposals) return;
    const says = `message ${++this.#messages}`;
    const sent = await sender.device.group.send(bytes(says));
    checkApplication(this.#public, sent);
    for (const person of this.#in()) {
      // One in ten is lost for somebody; one in ten comes before what was sent earlier.
      if (person === sender || this.#next() < 0.1) continue;
      const delivery = { bytes: sent, says: `${sender.device.id}: ${says}`, at: this.#world.now };
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
    const others = membersIn(this.#public).map(({ identity }) => identity.device);
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
    const late = await applyCommit(this.#public, lost, this.#hub).catch((error: unknown) => error);
    if (!(late instanceof HawserError) || late.code !== 'MLS_EPOCH_PAST') throw new Error(`the loser got ${late}`);
    this.#count('race');
  }

  /** By an external commit: a device that was out, or one that lost everything it knew. */
  async #joinByItself(): Promise<void> {
    const joiner = this.#pick(this.#people);
    if (joiner === undefined || this.#in(true).length < 2) return;
    const { device } = joiner;
    device.store.records.clear();
    const parts = { group: GROUP, ...serveGroupInfo(this.#public), device: device.keys, id: request() };
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
    const member = this.#pick(membersIn(this.#public));
    if (member === undefined || membersIn(this.#public).length < 4 || pendingIn(this.#public).length > 0) return;
    await this.#proposeAll([member.leafIndex]);
    this.#count('proposal');
  }

  /**
   * Somebody's device is revoked and set up anew: its old leaf stays until the next member commits. Until then others join beside it, and
   * it may come back in its own place.
   */
  async #revoke(): Promise<void> {
    const person = this.#pick(this.#in());
    const members = membersIn(this.#public);
    if (person === undefined || members.length < 4 || pendingIn(this.#public).length > 0) return;
    const { device } = person;
    const member = members.find(({ identity }) => identity.device === device.id);
    // One that was removed while away does not know it.
    if (member === undefined) return;
    const domain = this.#world.domain(device.id);
    const serials = [...(this.#revoked.get(domain) ?? []), serialOf(device.keys.certificates[0] ?? new Uint8Array())];
    this.#revoked.set(domain, serials);
    await domain.revoke(serials, this.#world.now);
    device.keys = await domain.device(device.id);
    Object.assign(person, { state: 'out', away: false, inbox: [] });
    await this.#proposeAll([member.leafIndex]);
    this.#count('revoke');
  }

  async #proposeAll(leafIndexes: readonly number[]): Promise<void> {
    const { state, messages } = await proposeRemoval(this.#public, leafIndexes, this.#signer, this.#hub);
    await this.#keep(state);
    for (const person of this.#in()) {
      person.inbox.push(...messages.map((each) => ({ bytes: each, says: undefined, at: this.#world.now })));
    }
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

  async #accept(committer: Person, made: CommitParts & { id: string }, tree: Uint8Array): Promise<void> {
    const { state, plan } = await applyCommit(this.#public, made, this.#hub);
    if (plan.by.identity.device !== committer.device.id)
      throw new Error('the hub took somebody else for the committer');
    if (!sameBytes(serveGroupInfo(state).tree, tree)) throw new Error('the hub has another tree than the committer');
    await this.#keep(state);
    for (const person of this.#in()) {
      if (person !== committer) person.inbox.push({ bytes: made.commit, says: undefined, at: this.#world.now });
    }
    // The own commit is settled by its name or, when the answer was lost, by its own bytes coming back.
    const { group } = committer.device;
    const received = await (this.#next() < 0.8 ? group.accepted(made.id) : group.receive(made.commit));
    await this.#see(committer, received, undefined);
    // An external commit cannot take out whom the hub proposed, and ends the proposal.
    if (plan.spared.length > 0) await this.#proposeAll(plan.spared.map(({ leafIndex }) => leafIndex));
  }

  /** Into the database, and now and then the process starts anew from there. */
  async #keep(state: PublicGroup): Promise<void> {
    this.#store(state, this.#public);
    this.#public = this.#next() < 0.1 ? await readPublicGroup(this.#records, nodeEngine) : state;
  }

  #store(state: PublicGroup, before: PublicGroup | undefined): void {
    for (const [key, value] of writePublicGroup(state, before)) {
      if (value === undefined) this.#records.delete(key);
      else this.#records.set(key, value);
    }
    this.#contexts.set(state.epoch, encode(groupContextEncoder, state.context));
  }

  async #catchUp(person: Person): Promise<void> {
    const inbox = person.inbox.splice(0);
    for (const delivery of inbox) {
      if (person.state === 'out') return;
      const received = await person.device.group
        .receive(delivery.bytes, undefined, delivery.at)
        .catch((error: unknown) => {
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

  /** The invariant: one exporter an epoch, and one GroupContext, in which tree hash and transcript hash stand, the hub's included. */
  async #remember({ device }: Person): Promise<void> {
    const { epoch } = device.group;
    if (epoch === undefined) throw new Error('a member without an epoch');
    const exporter = toHex(await device.group.export('SFrame 1.0 Base Key', new Uint8Array(), 16));
    const known = this.#exporters.get(epoch);
    if (known === undefined) this.#exporters.set(epoch, exporter);
    else if (known !== exporter) throw new Error(`${device.id} has another exporter in epoch ${epoch}`);
    const [own, hub] = [device.store.records.get(`epoch/${epoch}/context`), this.#contexts.get(epoch)];
    if (own === undefined || hub === undefined || !sameBytes(own, hub)) {
      throw new Error(`the hub sees another group than ${device.id} in epoch ${epoch}`);
    }
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
      ({ state, away, device }) => state === 'in' && !(atHand && (away || device.group.epoch !== this.#public.epoch)),
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
