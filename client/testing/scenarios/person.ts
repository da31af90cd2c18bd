/** For tests: a device of somebody, as an application would have it, in Node or in a browser. */
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { Account } from '../../account.ts';
import { Connections } from '../../connections.ts';
import type { Content } from '../../content/content.ts';
import type { MessageId } from '../../content/message-id.ts';
import { Following } from '../../following.ts';
import type { Item, MessageItem } from '../../messages/view.ts';
import { Messenger } from '../../messenger.ts';
import { DyingVault } from '../../vault/testing/dying-vault.ts';
import type { Vault } from '../../vault/vault.ts';
import { type Environment, until } from './environment.ts';

export class ScenarioDevice {
  readonly account: Account;
  readonly storage: string;
  /** Codes of what failed without being asked for. */
  readonly faults: string[] = [];
  readonly messenger: Messenger;
  readonly following: Following;
  readonly connections: Connections;
  readonly vault: DyingVault;
  readonly #disk: Vault;
  readonly #onFault: (error: unknown) => void;

  private constructor(
    account: Account,
    storage: string,
    disk: Vault,
    vault: DyingVault,
    messenger: Messenger,
    faults: string[],
  ) {
    this.account = account;
    this.storage = storage;
    this.vault = vault;
    this.messenger = messenger;
    this.faults = faults;
    this.#disk = disk;
    this.#onFault = noteTo(faults);
    this.following = new Following(messenger, this.#onFault);
    this.connections = new Connections(account, messenger.home);
  }

  /**
   * Signs in and sets the device up, or finds it again in its storage.
   * @param storage its name
   * @param signedIn where the account is so already
   */
  static async open(
    environment: Environment,
    handle: string,
    storage: string,
    signedIn?: Account,
  ): Promise<ScenarioDevice> {
    const account = signedIn ?? (await signIn(environment, handle));
    const disk = await environment.openVault(storage);
    const faults: string[] = [];
    const vault = new DyingVault(disk);
    try {
      const messenger = await Messenger.open({ account, vault, deviceName: storage, onFault: noteTo(faults) });
      const device = new ScenarioDevice(account, storage, disk, vault, messenger, faults);
      await until(() => messenger.home.store.state.connected, `${handle} is connected`);
      return device;
    } catch (error) {
      await disk.close();
      throw error;
    }
  }

  get user(): UserId {
    return this.messenger.device.user;
  }

  /** Ends as a program does; what it has stays in its storage. */
  async close(): Promise<void> {
    this.following.close();
    this.connections[Symbol.dispose]();
    this.messenger.close();
    this.account[Symbol.dispose]();
    await this.#disk.close();
  }

  /** It is in the group, and can say and hear everything. */
  async joins(conversation: ConversationId): Promise<void> {
    await until(async () => {
      const known = this.messenger.home.store.state.conversations.some((each) => each.conversation === conversation);
      return known && (await (await this.messenger.messages(conversation)).group.loaded())?.isMember;
    }, `${this.storage} is in the group`);
  }

  say(conversation: ConversationId, said: string | Content): Promise<MessageId> {
    return this.messenger.say(conversation, typeof said === 'string' ? text(said) : said);
  }

  async items(conversation: ConversationId): Promise<readonly Item[]> {
    return (await this.messenger.messages(conversation)).timeline.items({ limit: 1_000 });
  }

  async texts(conversation: ConversationId): Promise<string[]> {
    return (await this.items(conversation)).map(textOf);
  }

  async shows(conversation: ConversationId, ...wanted: string[]): Promise<void> {
    const found = async () => JSON.stringify(await this.texts(conversation));
    const what = async () => `${this.storage} shows ${JSON.stringify(wanted)}, not ${await found()}`;
    await until(async () => (await found()) === JSON.stringify(wanted), await what());
  }

  async item(conversation: ConversationId, id: MessageId): Promise<MessageItem | undefined> {
    const items = await this.items(conversation);
    return items.filter((item) => item.kind === 'message').find((item) => item.id === id);
  }

  /** How an own message fares. */
  async delivery(conversation: ConversationId, id: MessageId, ...others: UserId[]): Promise<string | undefined> {
    const { timeline } = await this.messenger.messages(conversation);
    const message = timeline.message(id);
    return message && timeline.delivery(message, others).state;
  }

  /** Everything that was said is accepted. */
  async sent(conversation: ConversationId): Promise<void> {
    const messages = await this.messenger.messages(conversation);
    await until(() => !messages.isSending, `${this.storage} has sent everything`);
  }
}

export async function signIn({ origin, password }: Environment, handle: string): Promise<Account> {
  const account = new Account(origin);
  await account.signIn(handle, password);
  return account;
}

export const text = (said: string): Content => ({
  kind: 'message',
  body: { kind: 'text', text: { format: 'plain', text: said } },
});

function textOf(item: Item): string {
  if (item.kind === 'gap') return `(${item.reason})`;
  if (item.kind === 'notice') return `(${item.change.type})`;
  return item.body?.kind === 'text' ? item.body.text.text : `(${item.state})`;
}

function noteTo(faults: string[]): (error: unknown) => void {
  return (error) => void faults.push(error instanceof Error && 'code' in error ? `${error.code}` : `${error}`);
}
