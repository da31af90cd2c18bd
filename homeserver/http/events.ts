/** The events' WebSocket: one connection a client, which hears what happens to its person. */
import type { Server as HttpServer } from 'node:http';
import { CLIENT_HOME, EVENTS_PATH, type HomeEvent } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { type Closing, Rpc, type Socket } from '#signalling/rpc.ts';
import { type Acceptor, acceptSockets } from '#signalling/websocket.ts';
import { type Account, userOf } from '../as/accounts.ts';
import type { Authenticated } from '../as/sessions.ts';
import { type Change, toldBy } from '../ds/changes.ts';

export interface EventsOptions {
  readonly domain: DomainName;
  /** Origin of the public URL; pages of others are not let in. Clients that are no browsers send none. */
  readonly origin: string;
  readonly authenticate: (accessToken: string) => Promise<Authenticated>;
  readonly account: (user: UserId) => Promise<Account | undefined>;
  readonly onClosed: (closing: Closing) => void;
  readonly onFault: (error: unknown, id: string) => void;
}

type Connection = Rpc<typeof CLIENT_HOME, 'acceptor'>;

/** A listener that has said hello. */
interface Listener {
  readonly rpc: Connection;
  readonly session: string;
  seq: number;
}

const MAX_CONNECTIONS = 20_000;
/** Tabs and devices of one person. */
const MAX_LISTENERS = 32;
/** How long a connection may stay without saying whose it is, ms. */
const HELLO_MS = 5_000;

export class Events {
  readonly #options: EventsOptions;
  readonly #listeners = new Map<UserId, Set<Listener>>();
  readonly #acceptors: Acceptor[] = [];

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#acceptors.reduce((sum, { connections }) => sum + connections, 0);
  }

  attach(server: HttpServer): void {
    const acceptor = acceptSockets({
      server,
      path: EVENTS_PATH,
      contract: CLIENT_HOME,
      maxConnections: MAX_CONNECTIONS,
      allow: ({ headers }) => headers.origin === undefined || headers.origin === this.#options.origin,
      onSocket: (socket) => this.#accept(socket),
    });
    this.#acceptors.push(acceptor);
  }

  /** To be subscribed to the journal. */
  readonly changed = (change: Change): void => {
    for (const { user, event } of toldBy(change)) if (domainOf(user) === this.#options.domain) this.tell(user, event);
  };

  /** Tells one person of this domain, on each of their clients. */
  tell(user: UserId, event: HomeEvent): void {
    for (const listener of this.#listeners.get(user) ?? []) {
      listener.seq += 1;
      listener.rpc.notify('event', { seq: listener.seq, event });
    }
  }

  /** Somebody signed out: what listened in that session stops. */
  endSession(session: string): void {
    for (const listeners of this.#listeners.values()) {
      for (const { rpc, session: own } of listeners) if (own === session) rpc.close('HOME_UNAUTHENTICATED');
    }
  }

  close(): void {
    for (const listeners of this.#listeners.values()) {
      for (const { rpc } of [...listeners]) rpc.close('normal', 'homeserver stops');
    }
    for (const acceptor of this.#acceptors) acceptor.close();
  }

  #accept(socket: Socket): void {
    const { authenticate, account, domain, onClosed, onFault } = this.#options;
    let remove = () => {};
    let isGreeted = false;
    const rpc: Connection = new Rpc({
      contract: CLIENT_HOME,
      side: 'acceptor',
      socket,
      limits: { messagesPerSecond: 10 },
      onFault,
      onClose: (closing) => {
        clearTimeout(timer);
        remove();
        onClosed(closing);
      },
      requests: {
        hello: async ({ accessToken }) => {
          if (isGreeted) throw new HawserError('SIG_ORDER', 'hello comes once');
          isGreeted = true;
          clearTimeout(timer);
          try {
            const { user, session } = await authenticate(accessToken);
            const known = await account(user);
            if (!known) throw new HawserError('HOME_UNAUTHENTICATED');
            // From here on events are sent; those before it are in the list that the client fetches after the answer.
            if (rpc.isOpen) remove = this.#add(user, { rpc, session, seq: 0 });
            return { user: userOf(known, domain) };
          } catch (error) {
            // After the answer: whoever is not let in shall know why.
            if (error instanceof HawserError) setImmediate(() => rpc.close(error.code));
            throw error;
          }
        },
      },
      notifications: {},
    });
    const timer = setTimeout(() => rpc.close('SIG_TIMEOUT', 'no hello'), HELLO_MS);
  }

  #add(user: UserId, listener: Listener): () => void {
    const listeners = this.#listeners.get(user) ?? new Set();
    if (listeners.size >= MAX_LISTENERS) throw new HawserError('SIG_BUSY', 'too many connections of one person');
    this.#listeners.set(user, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(user);
    };
  }
}
