/** The events' WebSocket: one connection a client, which hears what happens to its person. */
import type { Server as HttpServer } from 'node:http';
import { CLIENT_HOME, EVENTS_PATH, type HomeEvent } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import { type DeviceId, type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { type Closing, Rpc, type Socket } from '#signalling/rpc.ts';
import { type Acceptor, acceptSockets } from '#signalling/websocket.ts';
import { type Holder, ownUserOf } from '../as/accounts.ts';
import type { Authenticated } from '../as/sessions.ts';
import { type Change, toldBy } from '../ds/changes.ts';
import type { Asker } from '../ds/group-office.ts';
import type { Away } from '../federation/contact.ts';
import type { Connection, Queues } from '../qs/queues.ts';

export interface EventsOptions {
  readonly domain: DomainName;
  /** Origin of the public URL; pages of others are not let in. Clients that are no browsers send none. */
  readonly origin: string;
  /** What is to be said above conversations with people of other organisations. */
  readonly foreignBanner?: string | undefined;
  readonly authenticate: (accessToken: string) => Promise<Authenticated>;
  readonly account: (user: UserId) => Promise<Holder | undefined>;
  readonly queues: Queues;
  readonly send: (asker: Asker, message: NewMessage) => Promise<SentMessage>;
  readonly onClosed: (closing: Closing) => void;
  readonly onFault: (error: unknown, id: string) => void;
}

type EventsRpc = Rpc<typeof CLIENT_HOME, 'acceptor'>;

/** Who is at the other end, as far as that was said. */
type Self = Partial<Asker> & { readonly isGuest?: boolean };

/** A listener that has said hello. */
interface Listener {
  readonly rpc: EventsRpc;
  readonly session: string;
  readonly device: DeviceId | undefined;
  /** Of a guest, who hears of his call alone. */
  readonly isGuest: boolean;
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

  /** Tells a person, on all devices or on one. */
  tell(user: UserId, event: HomeEvent, device?: DeviceId): void {
    for (const listener of this.#listeners.get(user) ?? []) {
      if (device === undefined || listener.device === device) tellOne(listener, event);
    }
  }

  /** Tells everybody but guests. */
  tellAll(event: HomeEvent): void {
    for (const listeners of this.#listeners.values()) {
      for (const listener of listeners) if (!listener.isGuest) tellOne(listener, event);
    }
  }

  #accept(socket: Socket): void {
    const { authenticate, account, domain, foreignBanner, queues, send, onClosed, onFault } = this.#options;
    let remove = () => {};
    let isGreeted = false;
    let self: Self = {};
    let connection: Connection | undefined;
    const rpc: EventsRpc = new Rpc({
      contract: CLIENT_HOME,
      side: 'acceptor',
      socket,
      limits: { messagesPerSecond: 60 },
      onFault,
      onClose: (closing) => {
        clearTimeout(timer);
        remove();
        connection?.end();
        onClosed(closing);
      },
      requests: {
        hello: async ({ accessToken }) => {
          if (isGreeted) throw new HawserError('SIG_ORDER', 'hello comes once');
          isGreeted = true;
          clearTimeout(timer);
          try {
            const { user, session, device, guest } = await authenticate(accessToken);
            const known = await account(user);
            if (!known) throw new HawserError('HOME_UNAUTHENTICATED');
            const isGuest = guest !== undefined;
            // From here on events are sent; those before it are in the list that the client fetches after the answer.
            if (rpc.isOpen) remove = this.#add(user, { rpc, session, device, isGuest, seq: 0 });
            self = { user, device, isGuest };
            return { user: ownUserOf(known, domain), ...(foreignBanner !== undefined && { foreignBanner }) };
          } catch (error) {
            // After the answer: whoever is not let in shall know why.
            if (error instanceof HawserError) setImmediate(() => rpc.close(error.code));
            throw error;
          }
        },
        receive: async ({ after }) => {
          const { device } = asDevice(self);
          connection?.end();
          connection = undefined;
          const made = await queues.connect(device, after, {
            deliver: (_, text) => rpc.notifyJson('delivery', `{"entries":${text}}`),
          });
          if (rpc.isOpen) connection = made;
          else made.end();
          return { queue: queues.id };
        },
        send: async (message) => {
          if (self.isGuest) throw new HawserError('HOME_FORBIDDEN', 'guest');
          return send(asDevice(self), message);
        },
      },
      notifications: {
        acknowledge: ({ position }) => {
          // What comes between two `receive` is about the one before.
          if (connection && !connection.acknowledge(position)) throw new HawserError('SIG_ORDER', 'not delivered yet');
        },
      },
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

function tellOne(listener: Listener, event: HomeEvent): void {
  listener.seq += 1;
  listener.rpc.notify('event', { seq: listener.seq, event });
}

export function organisationEvent(domain: DomainName, away: Away | undefined): HomeEvent {
  return { type: 'organisation', organisation: { domain, ...away } };
}

/** @throws HawserError SIG_ORDER before hello, HOME_NO_DEVICE where the session has no device */
function asDevice({ user, device }: Partial<Asker>): Asker {
  if (user === undefined) throw new HawserError('SIG_ORDER', 'hello comes first');
  if (device === undefined) throw new HawserError('HOME_NO_DEVICE');
  return { user, device };
}
