/** What the examples have in common: an account, a device, and an end in order. How they are started: docs/guides/bots.md. */
import { Account } from '#client/account.ts';
import { Messenger } from '#client/messenger.ts';
import { FileVault } from '#client/vault/sqlite.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import type { Conversation } from '#signalling/client-home.ts';

export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name} in the environment.`);
  return value;
}

export class Bot implements AsyncDisposable {
  readonly messenger: Messenger;
  /** Aborted when the program is to end, or the session was ended. */
  readonly stop: AbortSignal;
  readonly #account: Account;
  readonly #vault: FileVault;

  private constructor(account: Account, vault: FileVault, messenger: Messenger, stop: AbortSignal) {
    this.#account = account;
    this.#vault = vault;
    this.messenger = messenger;
    this.stop = stop;
  }

  /** @param hears whether what others write is kept until `messenger.heard` gave it */
  static async open(deviceName: string, hears = false): Promise<Bot> {
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    const account = new Account(setting('HAWSER_URL'));
    const vault = await FileVault.open({
      path: setting('BOT_VAULT'),
      passphrase: setting('BOT_PASSPHRASE'),
      ifMissing: 'create',
    });
    await account.signIn(setting('BOT_HANDLE'), setting('BOT_PASSWORD'));
    account.store.subscribe(({ phase }) => phase === 'signedOut' && stop.abort());
    const messenger = await Messenger.open({ account, vault, deviceName, hears, engine: nodeEngine });
    return new Bot(account, vault, messenger, stop.signal);
  }

  /** Resolves with the conversation of a title, as soon as the bot is in it. */
  async conversation(title: string): Promise<Conversation> {
    const isIt = (each: Conversation) => each.title === title;
    const { store } = this.messenger.home;
    const { conversations } = await store.when((state) => state.conversations.some(isIt), this.stop);
    return conversations.find(isIt) as Conversation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.messenger.close();
    await this.#account.signOut().catch(() => undefined);
    this.#account[Symbol.dispose]();
    await this.#vault.close();
  }
}
