/**
 * The application on one device: a messenger of the SDK on a vault in a file. It says what it is asked to, and notes what it
 * is told and what the hub accepted, each at that moment.
 */
import { Account } from '#client/account.ts';
import type { Content } from '#client/content/content.ts';
import type { ConversationMessages } from '#client/messages/conversation.ts';
import type { Change, GapRecord } from '#client/messages/records.ts';
import type { Item } from '#client/messages/view.ts';
import { Messenger } from '#client/messenger.ts';
import { FileVault } from '#client/vault/sqlite.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { Message, Shown, View, Written } from './checker.ts';

export interface AppOptions {
  /** `alice-1`: how its messages name it. */
  readonly label: string;
  readonly url: string;
  readonly handle: string;
  readonly password: string;
  /** Path of the vault. */
  readonly vault: string;
  /** Those that it is in already. */
  readonly conversations: readonly ConversationId[];
}

/** `told`: of another device. `accepted`: an own one. `fault`: something failed that has no code. */
export type Note = ({ readonly kind: 'told' | 'accepted' } & Shown) | { readonly kind: 'fault'; readonly what: string };

/** What it shows of a conversation in the end, and how its own messages stand. */
export interface AppView extends View {
  readonly own: readonly Written[];
}

/** A passphrase that is quick to try: how it is made slow is not what is tested here. */
const CHEAP = { memory: 8, passes: 1, lanes: 1 } as const;
const AGAIN_MS = 200;

export class App implements AsyncDisposable {
  readonly #label: string;
  readonly #messenger: Messenger;
  readonly #account: Account;
  readonly #vault: FileVault;
  readonly #note: (note: Note) => void;
  readonly #watched = new Set<ConversationId>();
  #isClosed = false;

  private constructor(
    label: string,
    account: Account,
    vault: FileVault,
    messenger: Messenger,
    note: (note: Note) => void,
  ) {
    this.#label = label;
    this.#account = account;
    this.#vault = vault;
    this.#messenger = messenger;
    this.#note = note;
  }

  /** Signs in, as soon as the server can be reached. @throws HawserError, and the reason of the signal */
  static async open(options: AppOptions, note: (note: Note) => void, signal: AbortSignal): Promise<App> {
    const { label, url, handle, password, conversations } = options;
    const vault = await FileVault.open({ path: options.vault, passphrase: label, ifMissing: 'create', cost: CHEAP });
    const account = new Account(url);
    let app: App | undefined;
    const onFault = (error: unknown) => {
      if (!(error instanceof HawserError) && app?.isClosed !== true) note({ kind: 'fault', what: traceOf(error) });
    };
    try {
      await whenReachable(() => account.signIn(handle, password), signal);
      const make = () => Messenger.open({ account, vault, deviceName: label, onFault });
      const messenger = await whenReachable(make, signal);
      app = new App(label, account, vault, messenger, note);
      await Promise.all(conversations.map((each) => app?.watch(each)));
      return app;
    } catch (error) {
      account[Symbol.dispose]();
      await vault.close();
      throw error;
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get user(): UserId {
    return this.#messenger.device.user;
  }

  async create(title: string, users: readonly UserId[]): Promise<ConversationId> {
    return (await this.#messenger.create(title, users)).conversation;
  }

  /** Notes from now on what is told of a conversation. */
  async watch(conversation: ConversationId): Promise<void> {
    if (this.#watched.has(conversation)) return;
    this.#watched.add(conversation);
    const messages = await this.#messenger.messages(conversation);
    messages.changed.subscribe((changes) => this.#hear(conversation, changes));
  }

  /** Resolves when this device is in the group and hears what is said there. */
  async join(conversation: string): Promise<void> {
    const id = conversation as ConversationId;
    await this.watch(id);
    await this.#messenger.home.store.when(({ conversations }) =>
      conversations.some((each) => each.conversation === id),
    );
    await (await this.#messenger.messages(id)).group.ready();
  }

  /** Resolves when it is stored. */
  async say({ conversation, number }: Message): Promise<void> {
    await this.#messenger.say(conversation as ConversationId, textOf(`${this.#label}/${number}`));
  }

  /** Makes a new epoch. Returns why it did not; undefined where it did. */
  async renewKeys(conversation: string): Promise<string | undefined> {
    try {
      await (await this.#messenger.messages(conversation as ConversationId)).group.update();
      return undefined;
    } catch (error) {
      if (error instanceof HawserError) return error.code;
      throw error;
    }
  }

  async view(conversation: string): Promise<AppView> {
    const { timeline } = await this.#messages(conversation);
    const items = timeline.items({ limit: Number.MAX_SAFE_INTEGER });
    const all = items.flatMap((item) => this.#read(conversation, item) ?? []);
    return {
      device: this.#label,
      conversation,
      shown: all.flatMap(({ order, ...message }) => (order === undefined ? [] : [{ ...message, order }])),
      unreadable: items.flatMap((item) => (item.kind === 'gap' ? [{ order: item.order, why: whyOf(item) }] : [])),
      own: all.filter(({ writer }) => writer === this.#label),
    };
  }

  /** Whether something waits to be sent. */
  async isSending(conversation: string): Promise<boolean> {
    return (await this.#messages(conversation)).isSending;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#messenger.close();
    this.#account[Symbol.dispose]();
    await this.#vault.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #messages(conversation: string): Promise<ConversationMessages> {
    return this.#messenger.messages(conversation as ConversationId);
  }

  #hear(conversation: ConversationId, changes: readonly Change[]): void {
    if (this.#isClosed) return;
    for (const { record } of changes) {
      if (record?.kind !== 'message' || record.order === undefined) continue;
      const named = record.body?.kind === 'text' ? namedIn(record.body.text.text) : undefined;
      if (!named) continue;
      const kind = record.device === this.#messenger.device.id ? 'accepted' : 'told';
      this.#note({ kind, conversation, ...named, order: record.order });
    }
  }

  #read(conversation: string, item: Item): Written | undefined {
    if (item.kind !== 'message') return undefined;
    const named = item.body?.kind === 'text' ? namedIn(item.body.text.text) : undefined;
    if (!named) return undefined;
    const { order, sending } = item;
    if (order !== undefined) return { conversation, ...named, order, state: 'accepted' };
    return { conversation, ...named, state: sending?.state === 'failed' ? 'failed' : 'stored' };
  }
}

function whyOf({ reason, code, sender }: GapRecord): string {
  return [reason, code, sender && `of ${sender}`].filter((word) => word !== undefined).join(' ');
}

function textOf(text: string): Content {
  return { kind: 'message', body: { kind: 'text', text: { format: 'plain', text } } };
}

function namedIn(text: string): { writer: string; number: number } | undefined {
  const [writer = '', number] = text.split('/');
  return number === undefined ? undefined : { writer, number: Number(number) };
}

async function whenReachable<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HawserError) || !error.retry) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
