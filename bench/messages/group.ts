/** Groups of the benchmark: real MLS groups, of which only the device that changes them, and a few who follow, keep the state. */
import { Authorities } from '#client/groups/authorities.ts';
import { Credentials } from '#mls/credentials.ts';
import { Group } from '#mls/group.ts';
import type { Changes, GroupStore } from '#mls/journal.ts';
import type { Environment } from '#mls/library.ts';
import { toBase64Url } from '#signalling/base64.ts';
import { Conversation } from '#signalling/client-home.ts';
import { type ConversationId, type DomainName, domainOf, type GroupId } from '#signalling/ids.ts';
import type { BenchDevice } from './device.ts';

/** Key packages in one commit: a Welcome for more is larger than what waits in a queue may be. */
const ADDED_AT_ONCE = 50;

/** What is measured here is the server; what a device's store costs is measured where the store is. */
class NoStore implements GroupStore {
  async save(_changes: Changes): Promise<void> {}
}

/** A conversation with the group of it, from the side of the device that made both. */
export class BenchGroup {
  readonly conversation: ConversationId;
  readonly #group: Group;
  readonly #maker: BenchDevice;

  private constructor(conversation: ConversationId, group: Group, maker: BenchDevice) {
    this.conversation = conversation;
    this.#group = group;
    this.#maker = maker;
  }

  /** With the maker's device alone in the group, and all people in the conversation. */
  static async make(maker: BenchDevice, people: readonly BenchDevice[], environment: Environment): Promise<BenchGroup> {
    const body = { title: 'bench', members: people.map(({ user }) => user) };
    const { conversation } = await maker.api.call({
      ...{ method: 'POST', path: 'conversations', body, answer: Conversation },
    });
    const random = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
    const id = `mimi://${domainOf(conversation)}/g/${random}` as GroupId;
    const group = await Group.create(id, maker.keys, new NoStore(), environment);
    await maker.groups.create(conversation, { group: id, groupInfo: await group.groupInfo(), tree: group.tree() });
    return new BenchGroup(conversation, group, maker);
  }

  get id(): GroupId {
    return this.#group.id;
  }

  get epoch(): bigint {
    return this.#group.epoch ?? 0n;
  }

  /** Lets devices in. @param packages theirs @param onAdded told how many are in by now */
  async add(packages: readonly Uint8Array[], onAdded: (count: number) => void = () => undefined): Promise<void> {
    for (let at = 0; at < packages.length; at += ADDED_AT_ONCE) {
      await this.prepare({ add: packages.slice(at, at + ADDED_AT_ONCE) });
      await this.hand();
      onAdded(Math.min(packages.length, at + ADDED_AT_ONCE));
    }
  }

  /** Makes a commit, which waits on this device. */
  prepare(wishes: Parameters<Group['commit']>[0]): Promise<unknown> {
    return this.#group.commit(wishes, toBase64Url(crypto.getRandomValues(new Uint8Array(16))));
  }

  /** Gives it to the hub; `accept` follows. */
  async send(): Promise<void> {
    const { pending } = this.#group;
    if (!pending) throw new Error('no commit waits');
    await this.#maker.groups.commit(this.conversation, pending);
  }

  async accept(): Promise<void> {
    const { pending } = this.#group;
    if (pending) await this.#group.accepted(pending.id);
  }

  async hand(): Promise<void> {
    await this.send();
    await this.accept();
  }

  /** A message as it goes to the hub, base64url. @param bytes of content */
  async message(bytes: number): Promise<string> {
    return toBase64Url(await this.#group.send(crypto.getRandomValues(new Uint8Array(bytes))));
  }
}

/** One that joins by a Welcome and follows: what its owner's processor does for each change. */
export async function joinAsFollower(
  device: BenchDevice,
  group: BenchGroup,
  { welcome, secrets }: { readonly welcome: Uint8Array; readonly secrets: Uint8Array },
  environment: Environment,
): Promise<Group> {
  const tree = await device.groups.tree(group.conversation, group.epoch);
  return Group.join({ group: group.id, welcome, tree, secrets }, new NoStore(), environment);
}

/**
 * What all devices of a domain know, fetched once.
 * @param others domains of the people that they talk to, beside their own
 */
export async function environmentOf(device: BenchDevice, others: readonly DomainName[] = []): Promise<Environment> {
  const authorities = new Authorities(device.groups, Date.now);
  const domain = domainOf(device.user);
  await authorities.ensure([domain, ...others]);
  return {
    credentials: new Credentials(authorities.of),
    hub: await authorities.hub(domain),
    policy: { admits: () => true, mayRemove: () => true },
    now: Date.now,
  };
}
