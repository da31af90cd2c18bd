/** For tests: people of one organisation or several, their devices, and the conversations that they make. */
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { MemoryVault } from '../vault/memory.ts';
import { TestDevice } from './test-device.ts';

export class Crew implements AsyncDisposable {
  readonly alpha: Organisation;
  /** With alpha first. */
  readonly organisations: readonly Organisation[];
  /** Those of the test of this moment. */
  readonly devices: TestDevice[] = [];
  readonly #world: World;
  readonly #accounts = new Map<string, Promise<unknown>>();

  private constructor(world: World, alpha: Organisation) {
    this.#world = world;
    this.alpha = alpha;
    this.organisations = world.organisations;
  }

  /** @param others organisations beside `alpha.example` */
  static async gather(...others: readonly string[]): Promise<Crew> {
    const world = await organise('alpha.example', ...others);
    return new Crew(world, world.organisations[0] as Organisation);
  }

  /** The second organisation. */
  get beta(): Organisation {
    const [, beta] = this.organisations;
    if (!beta) throw new Error('there is one organisation only');
    return beta;
  }

  /** A device that is connected: a new one of a person, whose account is made where it is missing, or the one that the vault knows. */
  async deviceOf(handle: string, vault = new MemoryVault(), organisation = this.alpha): Promise<TestDevice> {
    const make = () => organisation.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
    const key = `${handle}@${organisation.domain}`;
    const account = this.#accounts.get(key) ?? make();
    this.#accounts.set(key, account);
    await account;
    const device = await TestDevice.open(organisation.url, handle, PASSWORD, vault);
    this.devices.push(device);
    await until(() => device.home.store.state.connected, `${handle} is connected`);
    return device;
  }

  /** A conversation with a group, in which all devices are that these people have. */
  async converse(creator: TestDevice, ...others: TestDevice[]): Promise<ConversationId> {
    const users = [...new Set(others.map(({ device }) => device.user))];
    const { conversation } = await creator.home.createConversation('Rigging', users);
    await creator.home.refresh();
    await creator.group(conversation).ready();
    await creator.group(conversation).addPeople([...users, creator.device.user]);
    return conversation;
  }

  /** After a test: nothing of it goes on. */
  rest(): void {
    for (const device of this.devices.splice(0)) device.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world[Symbol.asyncDispose]();
  }
}
