/**
 * The homeserver's view of the world, kept current: the list of conversations by HTTP, then events by one WebSocket that is
 * dialled again for as long as the person is signed in. After each reconnect the whole list is fetched anew, so an event
 * that was missed does no harm.
 */
import type { GivenRole } from '#signalling/capabilities.ts';
import {
  CallTicket,
  CLIENT_HOME,
  Conversation,
  Conversations,
  EVENTS_PATH,
  FoundPeople,
  type HomeEvent,
  Organisations,
  type TicketWish,
  User,
} from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import type { ConversationId, ParticipantId, UserId } from '#signalling/ids.ts';
import { Rpc } from '#signalling/rpc.ts';
import type { Account } from './account.ts';
import { backoffMs } from './backoff.ts';
import { Moderating } from './calls/moderating.ts';
import { type Dial, dialWebSocket } from './dial.ts';
import { EMPTY_HOME, type HomeState, silenced, withEvent, withList, withOrganisations } from './home-state.ts';
import type { Inbox } from './inbox.ts';
import { Store } from './store.ts';

type Events = Rpc<typeof CLIENT_HOME, 'dialler'>;

export interface HomeOptions {
  readonly account: Account;
  /** Where this is a device: takes what waits for it. */
  readonly inbox?: Inbox;
  /** Told each event, after the state has taken it. */
  readonly onEvent?: (event: HomeEvent) => void;
  readonly dial?: Dial;
  readonly random?: () => number;
}

export class Home {
  readonly store = new Store<HomeState>(EMPTY_HOME);
  /** What is done in calls by whoever moderates them. */
  readonly moderating: Moderating;
  readonly #account: Account;
  readonly #inbox: Inbox | undefined;
  readonly #onEvent: (event: HomeEvent) => void;
  readonly #dial: Dial;
  readonly #random: () => number;
  readonly #closed = new AbortController();
  #rpc: Events | undefined;
  /** The same connection, once the server knows whose it is. */
  #greeted: Events | undefined;
  #wake: (() => void) | undefined;
  readonly #listeners = new Set<(event: HomeEvent) => void>();
  /** For each list that is being fetched, the events that came meanwhile: they are newer than it, or already in it. */
  readonly #early = new Set<HomeEvent[]>();

  /** Starts at once; `close` ends it. */
  constructor(options: HomeOptions) {
    this.#account = options.account;
    this.moderating = new Moderating(options.account);
    this.#inbox = options.inbox;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.#dial = options.dial ?? dialWebSocket;
    this.#random = options.random ?? Math.random;
    void this.#run();
  }

  /** @throws HawserError FED_UNREACHABLE, FED_NOT_ALLOWED, FED_NON_FEDERATING, HOME_NOT_FOUND */
  createConversation(title: string, members: readonly UserId[]): Promise<Conversation> {
    return this.#account.call({
      method: 'POST',
      path: 'conversations',
      body: { title, members },
      answer: Conversation,
    });
  }

  addMember(conversation: ConversationId, user: UserId): Promise<Conversation> {
    const path = `${conversationPath(conversation)}/members`;
    return this.#account.call({ method: 'POST', path, body: { user }, answer: Conversation });
  }

  /** @throws HawserError HOME_FORBIDDEN, HOME_REMOVE_SELF */
  removeMember(conversation: ConversationId, user: UserId): Promise<Conversation> {
    return this.#account.call({ method: 'DELETE', path: memberPath(conversation, user), answer: Conversation });
  }

  /** @throws HawserError HOME_FORBIDDEN, HOME_LAST_ADMIN, HOME_GUEST_ROLE */
  changeRole(conversation: ConversationId, user: UserId, role: GivenRole): Promise<Conversation> {
    const path = `${memberPath(conversation, user)}/role`;
    return this.#account.call({ method: 'PUT', path, body: { role }, answer: Conversation });
  }

  /** @throws HawserError HOME_FORBIDDEN, HOME_BAD_TITLE */
  changeTitle(conversation: ConversationId, title: string): Promise<Conversation> {
    const path = `${conversationPath(conversation)}/title`;
    return this.#account.call({ method: 'PUT', path, body: { title }, answer: Conversation });
  }

  /** Goes out of a conversation. Where nobody else administers it, whoever has been there longest does from then on. */
  async leave(conversation: ConversationId): Promise<void> {
    await this.#account.call({ method: 'DELETE', path: `${conversationPath(conversation)}/members/me` });
  }

  /** Looks up exactly one address: `@bob@beta.example`. @throws HawserError HOME_NOT_FOUND */
  findUser(address: string): Promise<User> {
    return this.#account.call({
      method: 'GET',
      path: `users?address=${encodeURIComponent(address)}`,
      answer: User,
    });
  }

  /**
   * At most twenty people whose name or handle begins with the text; in another organisation `@bo@beta.example`, as far as it lets
   * itself be searched: some let only whole handles be found. Nobody is no error.
   * @throws HawserError FED_SCOPE, FED_LIMIT, FED_UNREACHABLE, FED_NOT_ALLOWED
   */
  async searchPeople(text: string): Promise<readonly User[]> {
    const path = `people/search?text=${encodeURIComponent(text)}`;
    return (await this.#account.call({ method: 'GET', path, answer: FoundPeople })).people;
  }

  /** Starts the call of a conversation, or finds the one that goes on, and gets the ticket to it. Guests start none. */
  async startCall(conversation: ConversationId): Promise<CallTicket> {
    if (this.#account.isGuest) return this.callTicket(conversation);
    const path = `${conversationPath(conversation)}/call`;
    return this.#account.call({ method: 'POST', path, body: {}, answer: CallTicket });
  }

  /**
   * The ticket to the call that goes on.
   * @param participant under which name this device was in it when its connection broke: it keeps it
   * @throws HawserError HOME_NO_CALL
   */
  callTicket(conversation: ConversationId, participant?: ParticipantId): Promise<CallTicket> {
    const path = `${conversationPath(conversation)}/call/tickets`;
    const body: TicketWish = { ...(participant && { participant }) };
    return this.#account.call({ method: 'POST', path, body, answer: CallTicket });
  }

  /** Ends the call for everybody. @throws HawserError HOME_FORBIDDEN */
  async endCall(conversation: ConversationId): Promise<void> {
    await this.#account.call({ method: 'DELETE', path: `${conversationPath(conversation)}/call` });
  }

  /**
   * Sends an encrypted message over the connection.
   * @throws HawserError what the hub answered; SIG_CLOSED without a connection, and SIG_TIMEOUT: then it may have been taken
   */
  async send(message: NewMessage): Promise<SentMessage> {
    // Before the server knows whose the connection is, it would refuse for good.
    const rpc = this.#greeted;
    if (!rpc) throw new HawserError('SIG_CLOSED');
    try {
      return await rpc.request('send', message);
    } catch (cause) {
      // What the connection ended with is no answer, whatever its code.
      if (rpc.closing) throw new HawserError('SIG_CLOSED', undefined, { cause });
      throw cause;
    }
  }

  /** Makes the connection anew: after something could not be stored, for instance. */
  reconnect(): void {
    this.#inbox?.acknowledge();
    this.#rpc?.close('normal', 'again');
  }

  /** Stops the ringing of one call here; the call goes on. */
  decline(conversation: ConversationId): void {
    this.store.set(silenced(this.store.state, conversation));
  }

  /** Every event as it comes, for what is not in the store. Returns the function that stops listening. */
  onEvent(listener: (event: HomeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For instance when the device says that it is online again: does not wait for the rest of the back-off. */
  retryNow(): void {
    this.#wake?.();
  }

  close(): void {
    this.#closed.abort();
    this.#inbox?.acknowledge();
    this.#rpc?.close();
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      try {
        const { ended } = await this.#connect();
        failures = 0;
        await ended;
      } catch (error) {
        // The list and the events are fetched again below; the store says that they are not current. A session that was ended
        // elsewhere is found out by asking for a new token; then nobody is signed in here any more.
        if (isEnded(error)) await this.refresh().catch(() => undefined);
      }
      this.store.set({ ...this.store.state, connected: false });
      failures += 1;
      if (!this.#closed.signal.aborted) await this.#pause(backoffMs(failures, this.#random()));
    }
  }

  /** Resolves when everything is current, with the promise of the connection's end. */
  async #connect(): Promise<{ ended: Promise<void> }> {
    const url = eventsUrl(this.#account.origin);
    const accessToken = await this.#account.accessToken();
    const socket = await this.#dial(url, CLIENT_HOME, this.#closed.signal);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const rpc: Events = new Rpc({
      contract: CLIENT_HOME,
      side: 'dialler',
      socket,
      requests: {},
      notifications: {
        event: ({ event }) => this.#hear(event),
        delivery: ({ entries }) => this.#inbox?.take(entries, (position) => rpc.notify('acknowledge', { position })),
      },
      onClose: () => resolve(),
    });
    this.#rpc = rpc;
    this.#greeted = undefined;
    try {
      const { foreignBanner } = await rpc.request('hello', { accessToken });
      const { foreignBanner: _before, ...state } = this.store.state;
      this.store.set({ ...state, ...(foreignBanner !== undefined && { foreignBanner }) });
      this.#greeted = rpc;
      // Whom the organisation federates with is not told to guests.
      await Promise.all([this.refresh(), ...(this.#account.isGuest ? [] : [this.#refreshOrganisations()])]);
      await this.#inbox?.begin(async (after) => (await rpc.request('receive', { after })).queue);
      this.store.set({ ...this.store.state, connected: true });
    } catch (error) {
      rpc.close();
      throw error;
    }
    return { ended };
  }

  /** Fetches the whole list again. */
  async refresh(): Promise<void> {
    const early: HomeEvent[] = [];
    this.#early.add(early);
    try {
      const list = await this.#account.call({ method: 'GET', path: 'conversations', answer: Conversations });
      let state = withList(this.store.state, list.conversations);
      for (const event of early) state = withEvent(state, event);
      this.store.set(state);
    } finally {
      this.#early.delete(early);
    }
  }

  async #refreshOrganisations(): Promise<void> {
    const early: HomeEvent[] = [];
    this.#early.add(early);
    try {
      const { organisations } = await this.#account.call({
        ...{ method: 'GET', path: 'organisations', answer: Organisations },
      });
      const told = early.filter(({ type }) => type === 'organisation');
      this.store.set(told.reduce(withEvent, withOrganisations(this.store.state, organisations)));
    } finally {
      this.#early.delete(early);
    }
  }

  #hear(event: HomeEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
    for (const early of this.#early) early.push(event);
    this.store.set(withEvent(this.store.state, event));
    this.#onEvent(event);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function conversationPath(conversation: ConversationId): string {
  return `conversations/${encodeURIComponent(conversation)}`;
}

function memberPath(conversation: ConversationId, user: UserId): string {
  return `${conversationPath(conversation)}/members/${encodeURIComponent(user)}`;
}

function isEnded(error: unknown): boolean {
  return error instanceof HawserError && error.code === 'HOME_UNAUTHENTICATED';
}

function eventsUrl(origin: string): string {
  const base = origin || globalThis.location.origin;
  return `${base.replace(/^http/, 'ws')}${EVENTS_PATH}`;
}
