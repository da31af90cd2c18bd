/**
 * All conversations of a person at once: opens each, joins its group where this device is not in it yet, lets messages vanish
 * in time, and keeps in one value what a list of them shows. Searches in all of them.
 */
import type { Conversation } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import type { Settings } from './content/content.ts';
import type { MessageId } from './content/message-id.ts';
import { wordsOf } from './content/summary.ts';
import type { ConversationMessages } from './messages/conversation.ts';
import { currentBody } from './messages/message.ts';
import type { TimelineRecord } from './messages/records.ts';
import { SearchIndex } from './messages/search.ts';
import type { Unread } from './messages/unread.ts';
import type { Item } from './messages/view.ts';
import type { Messenger } from './messenger.ts';
import { isOwnConversation } from './own-conversation.ts';
import { Store } from './store.ts';

export interface Summary {
  readonly last?: Item;
  /** ms since 1970; 0 where nothing was said. */
  readonly lastAt: number;
  readonly unread: Unread;
  readonly settings: Pick<Settings, 'archived' | 'muted'>;
}

export type Summaries = ReadonlyMap<ConversationId, Summary>;

export interface Found {
  readonly conversation: ConversationId;
  readonly message: MessageId;
}

/** A Welcome is on its way to who was just added; whoever hears of a conversation otherwise joins by himself after this. ms */
const WELCOME_MS = 1_500;
/** After joining failed, and so much longer each time up to ten times. ms */
const JOIN_AGAIN_MS = 10_000;
/** `setTimeout` counts in 32 bits. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

interface Followed {
  readonly messages: ConversationMessages;
  readonly stop: () => void;
  timer?: ReturnType<typeof setTimeout>;
}

export class Following {
  readonly store = new Store<Summaries>(new Map());
  readonly #messenger: Messenger;
  readonly #fault: (error: unknown) => void;
  readonly #followed = new Map<ConversationId, Followed>();
  readonly #opening = new Set<ConversationId>();
  /** Whose group this device may still have to join. */
  readonly #toJoin = new Set<ConversationId>();
  readonly #stale = new Set<ConversationId>();
  readonly #where = new Map<MessageId, ConversationId>();
  readonly #stopHome: () => void;
  #index: SearchIndex | undefined;
  #work: Promise<void> = Promise.resolve();
  #joining: Promise<unknown> = Promise.resolve();
  readonly #closed = new AbortController();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #isTelling = false;
  #hasList = false;

  constructor(messenger: Messenger, onFault: (error: unknown) => void) {
    this.#messenger = messenger;
    this.#fault = (error) => {
      if (!this.#closed.signal.aborted) onFault(error);
    };
    this.#stopHome = messenger.home.store.subscribe(({ conversations }) => this.#follow(conversations));
    this.#follow(messenger.home.store.state.conversations);
  }

  /** The newest messages that have every word of the query, or words that begin with them. */
  search(query: string, limit = 50): readonly Found[] {
    return this.#searchable()
      .find(query, limit)
      .flatMap((message) => {
        const conversation = this.#where.get(message);
        return conversation === undefined ? [] : [{ conversation, message }];
      });
  }

  /** The messages of a conversation, where it is open already. */
  messages(conversation: ConversationId): ConversationMessages | undefined {
    return this.#followed.get(conversation)?.messages;
  }

  close(): void {
    this.#closed.abort();
    this.#stopHome();
    for (const { stop, timer } of this.#followed.values()) {
      stop();
      clearTimeout(timer);
    }
    this.#followed.clear();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #follow(conversations: readonly Conversation[]): void {
    const present = new Set(conversations.map(({ conversation }) => conversation));
    for (const conversation of this.#followed.keys()) if (!present.has(conversation)) this.#leave(conversation);
    // A device that is new has no Welcome to wait for.
    const wait = this.#hasList ? WELCOME_MS : 0;
    this.#hasList ||= this.#messenger.home.store.state.ready;
    for (const each of conversations) {
      if (this.#opening.has(each.conversation)) continue;
      this.#opening.add(each.conversation);
      // One after the other: what is on the screen must not wait for a thousand that are not.
      this.#work = this.#work.then(() => this.#open(each, wait)).catch(this.#fault);
    }
  }

  async #open(conversation: Conversation, wait: number): Promise<void> {
    if (this.#closed.signal.aborted || !this.#opening.has(conversation.conversation)) return;
    const { conversation: id } = conversation;
    const messages = await this.#messenger.messages(id);
    if (this.#closed.signal.aborted) return;
    this.#joinLater(id, messages, wait);
    if (isOwnConversation(conversation, this.#messenger.device.user)) return;
    const stop = messages.changed.subscribe((changes) => {
      if (changes.length === 0) {
        this.#indexAll(messages);
        // It may be out by what came, and its person in again: the list need never have said that he was not.
        this.#joinLater(id, messages, WELCOME_MS);
      }
      for (const { key, record } of changes) this.#indexOne(id, key, record);
      this.#note(id);
    });
    this.#followed.set(id, { messages, stop });
    this.#indexAll(messages);
    this.#note(id);
  }

  #leave(conversation: ConversationId): void {
    const followed = this.#followed.get(conversation);
    followed?.stop();
    clearTimeout(followed?.timer);
    this.#followed.delete(conversation);
    this.#opening.delete(conversation);
    for (const [message, where] of this.#where) {
      if (where !== conversation) continue;
      this.#where.delete(message);
      this.#index?.remove(message);
    }
    this.store.set(new Map([...this.store.state].filter(([each]) => each !== conversation)));
  }

  /** Many changes at once are told as one. */
  #note(conversation: ConversationId): void {
    this.#stale.add(conversation);
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      const next = new Map(this.store.state);
      for (const each of this.#stale) {
        const followed = this.#followed.get(each);
        if (!followed) continue;
        next.set(each, summaryOf(followed.messages));
        this.#vanish(followed);
      }
      this.#stale.clear();
      if (!this.#closed.signal.aborted) this.store.set(next);
    });
  }

  #vanish(followed: Followed): void {
    clearTimeout(followed.timer);
    followed.messages
      .expire()
      .then((next) => {
        if (next === undefined || this.#closed.signal.aborted) return;
        const wait = Math.min(LONGEST_TIMEOUT, Math.max(0, next - Date.now()));
        followed.timer = setTimeout(() => this.#vanish(followed), wait);
        if (typeof followed.timer === 'object') followed.timer.unref?.();
      })
      .catch(this.#fault);
  }

  #joinLater(id: ConversationId, { group }: ConversationMessages, wait: number): void {
    const { store } = this.#messenger.home;
    const { signal } = this.#closed;
    if (this.#toJoin.has(id)) return;
    this.#toJoin.add(id);
    const find = () => store.state.conversations.find((each) => each.conversation === id);
    const join = async (attempt: number): Promise<void> => {
      await store.when(({ connected }) => connected, signal);
      try {
        if (find()) await group.ready();
        this.#toJoin.delete(id);
      } catch (error) {
        if (!(error instanceof HawserError)) {
          this.#toJoin.delete(id);
          throw error;
        }
        // The hub cannot be reached, or others come first.
        this.#joinAfter(JOIN_AGAIN_MS * Math.min(attempt, 10), () => join(attempt + 1));
      }
    };
    const begin = async () => {
      if ((await group.loaded())?.isMember) {
        this.#toJoin.delete(id);
        return;
      }
      // Without a group there is nothing to miss: who says the first word makes it.
      await store.when(() => find() === undefined || find()?.group !== undefined, signal);
      this.#joinAfter(wait, () => join(1));
    };
    begin().catch((error: unknown) => {
      this.#toJoin.delete(id);
      this.#fault(error);
    });
  }

  /** One after the other. */
  #joinAfter(wait: number, join: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#joining = this.#joining.then(join).catch(this.#fault);
    }, wait);
    if (typeof timer === 'object') timer.unref?.();
    this.#timers.add(timer);
  }

  /** Made when it is asked for the first time, from what is there. */
  #searchable(): SearchIndex {
    if (this.#index) return this.#index;
    this.#index = new SearchIndex();
    for (const { messages } of this.#followed.values()) this.#indexAll(messages);
    return this.#index;
  }

  #indexAll({ id, timeline }: ConversationMessages): void {
    if (!this.#index) return;
    for (const record of timeline.records()) if (record.kind === 'message') this.#indexOne(id, '', record);
  }

  #indexOne(conversation: ConversationId, key: string, record: TimelineRecord | undefined): void {
    if (!this.#index) return;
    if (record === undefined) {
      const gone = key.startsWith('message/') ? (key.slice('message/'.length) as MessageId) : undefined;
      if (gone !== undefined && this.#index.remove(gone)) this.#where.delete(gone);
    } else if (record.kind === 'message') {
      const body = record.ending === undefined ? currentBody(record) : undefined;
      const isIn = body !== undefined && this.#index.add(record.id, wordsOf(body), record.at) !== undefined;
      if (isIn) this.#where.set(record.id, conversation);
      else if (this.#index.remove(record.id)) this.#where.delete(record.id);
    }
  }
}

function summaryOf({ timeline }: ConversationMessages): Summary {
  const last = timeline.items({ limit: 1 }).at(-1);
  return { ...(last && { last }), lastAt: last?.at ?? 0, unread: timeline.unread(), settings: timeline.settings() };
}
