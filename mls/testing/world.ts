/** Two domains, and devices with a store in memory: enough of the world to test a group in. */
import type { DeviceId, DomainName, GroupId } from '#signalling/ids.ts';
import { domainOf } from '#signalling/ids.ts';
import { Credentials } from '../credentials.ts';
import type { Engine } from '../engine.ts';
import { Group } from '../group.ts';
import type { Identity } from '../identity.ts';
import type { Changes, GroupStore } from '../journal.ts';
import { type DeviceKeys, makeKeyPackage, type OwnKeyPackage } from '../key-package.ts';
import type { Environment, Hub } from '../library.ts';
import type { Policy } from '../rules.ts';
import { TestDomain } from './authority.ts';

export const START = Date.now();
export const GROUP = 'mimi://alpha.example/g/AAECAwQFBgcICQoLDA0ODw' as GroupId;

export class MemoryStore implements GroupStore {
  records = new Map<string, Uint8Array>();
  /** Of the last `save`. */
  last: Changes = new Map();
  /** How the next calls end: 'before' fails with nothing written, 'after' with everything written. */
  failing: 'before' | 'after' | undefined;

  async save(changes: Changes): Promise<void> {
    await Promise.resolve();
    if (this.failing === 'before') throw new Error('the disk is full');
    for (const [key, value] of changes) {
      if (value === undefined) this.records.delete(key);
      else this.records.set(key, value.slice());
    }
    this.last = changes;
    if (this.failing === 'after') throw new Error('the disk says nothing');
  }

  copy(): Map<string, Uint8Array> {
    return new Map([...this.records].map(([key, value]) => [key, value.slice()]));
  }
}

export class World {
  now = START;
  readonly domains: ReadonlyMap<DomainName, TestDomain>;
  readonly credentials: Credentials;
  readonly policy: { -readonly [K in keyof Policy]: Policy[K] } = {
    admits: (_who: Identity) => true,
    mayRemove: (_by: Identity, _whom: Identity) => true,
  };
  readonly environment: Environment;

  private constructor(domains: ReadonlyMap<DomainName, TestDomain>, hub: Hub | undefined) {
    this.domains = domains;
    this.credentials = new Credentials((domain) => domains.get(domain)?.authority);
    this.environment = { credentials: this.credentials, policy: this.policy, hub, now: () => this.now };
  }

  static async make(hub?: Hub): Promise<World> {
    const names = ['alpha.example', 'beta.example'] as DomainName[];
    const domains = await Promise.all(names.map(async (name) => [name, await TestDomain.make(name, START)] as const));
    return new World(new Map(domains), hub);
  }

  domain(device: DeviceId): TestDomain {
    const domain = this.domains.get(domainOf(device));
    if (domain === undefined) throw new Error('no such domain');
    return domain;
  }

  /** `alice/laptop` is of alpha, `bob@beta/phone` of beta. */
  async device(short: string): Promise<TestDevice> {
    const [, user, domain = 'alpha', name] = /^(\w+)(?:@(\w+))?\/(\w+)$/.exec(short) ?? [];
    const id = `mimi://${domain}.example/u/${user}/d/${name}` as DeviceId;
    return new TestDevice(this, id, await this.domain(id).device(id));
  }

  async devices<T extends string[]>(...shorts: T): Promise<{ [K in keyof T]: TestDevice }> {
    const made = await Promise.all(shorts.map((short) => this.device(short)));
    return made as { [K in keyof T]: TestDevice };
  }

  /** A group of these devices, made by the first and joined by Welcome; all in one epoch. */
  async group(...devices: readonly TestDevice[]): Promise<void> {
    const [first, ...others] = devices;
    if (first === undefined) return;
    await first.create();
    if (others.length > 0) await first.addAll(others);
  }
}

let requests = 0;

export class TestDevice {
  readonly world: World;
  readonly id: DeviceId;
  keys: DeviceKeys;
  store = new MemoryStore();
  /** WebCrypto where it is left out. */
  engine: Engine | undefined;
  #group: Group | undefined;

  constructor(world: World, id: DeviceId, keys: DeviceKeys) {
    this.world = world;
    this.id = id;
    this.keys = keys;
  }

  get group(): Group {
    if (this.#group === undefined) throw new Error(`${this.id} has no group`);
    return this.#group;
  }

  set group(group: Group) {
    this.#group = group;
  }

  get env(): Environment {
    return { ...this.world.environment, engine: this.engine };
  }

  async create(): Promise<void> {
    this.store = new MemoryStore();
    this.group = await Group.create(GROUP, this.keys, this.store, this.env);
  }

  keyPackage(): Promise<OwnKeyPackage> {
    return makeKeyPackage(this.keys, this.world.now);
  }

  /** Adds by a commit that nobody contests; only this device and the added ones come to the new epoch. */
  async addAll(others: readonly TestDevice[], members: readonly TestDevice[] = []): Promise<void> {
    const packages = await Promise.all(others.map((other) => other.keyPackage()));
    const { id, commit, welcome } = await this.group.commit({ add: packages.map(({ bytes }) => bytes) }, request());
    await this.group.accepted(id);
    for (const member of members) await member.group.receive(commit);
    if (welcome === undefined) throw new Error('no Welcome');
    const tree = this.group.tree();
    for (const [index, other] of others.entries()) {
      const secrets = packages[index]?.secrets ?? new Uint8Array();
      other.store = new MemoryStore();
      other.group = await Group.join({ group: GROUP, welcome, tree, secrets }, other.store, other.env);
    }
  }

  async joinExternally(through: TestDevice): Promise<Uint8Array> {
    const groupInfo = await through.group.groupInfo();
    const id = request();
    this.store = new MemoryStore();
    const parts = { group: GROUP, groupInfo, tree: through.group.tree(), device: this.keys, id };
    this.group = await Group.joinExternally(parts, this.store, this.env);
    return this.group.pending?.commit ?? new Uint8Array();
  }

  reload(): void {
    this.group = Group.load(this.store.copy(), this.store, this.env);
  }
}

/** A request id that was not used before. */
export function request(): string {
  return `request-${++requests}`;
}

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
export const bytes = (content: string) => new TextEncoder().encode(content);
