/** Who a person knows, kept current: the list by HTTP, then what the homeserver tells of each change. */
import type { HomeEvent } from '#signalling/client-home.ts';
import { Connection, Connections as ConnectionList, type ConnectionOperation } from '#signalling/connections.ts';
import type { UserId } from '#signalling/ids.ts';
import type { Account } from './account.ts';
import type { Home } from './home.ts';
import { Store } from './store.ts';

export type ConnectionsState = readonly Connection[];

/** The state after a change: an ended connection is in no list. Pure. */
export function withConnection(state: ConnectionsState, connection: Connection): ConnectionsState {
  const others = state.filter(({ user }) => user !== connection.user);
  return connection.state === 'none' ? others : [...others, connection];
}

export class Connections {
  readonly store = new Store<ConnectionsState>([]);
  readonly #account: Pick<Account, 'call'>;
  readonly #stops: (() => void)[];

  /** Follows the home's events, and fetches the list whenever they begin anew. */
  constructor(account: Pick<Account, 'call'>, home: Pick<Home, 'store' | 'onEvent'>) {
    this.#account = account;
    let connected = false;
    const follow = () => {
      const before = connected;
      connected = home.store.state.connected;
      // What fails here is fetched again after the next reconnection.
      if (connected && !before) void this.refresh().catch(() => undefined);
    };
    this.#stops = [home.store.subscribe(follow), home.onEvent((event) => this.#hear(event))];
    follow();
  }

  async refresh(): Promise<void> {
    const call = { method: 'GET', path: 'connections', answer: ConnectionList } as const;
    const before = this.store.state;
    const { connections } = await this.#account.call(call);
    // What has changed since it was asked for may not be in it.
    if (this.store.state !== before) return this.refresh();
    this.store.set(connections);
  }

  /** @throws HawserError HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_NO_REQUEST, HOME_BLOCKED, HOME_SLOW_DOWN, FED_NOT_ALLOWED, FED_OLD_VERSION */
  async act(user: UserId, operation: ConnectionOperation): Promise<Connection> {
    const body = { user, operation };
    const connection = await this.#account.call({ method: 'POST', path: 'connections', body, answer: Connection });
    this.store.set(withConnection(this.store.state, connection));
    return connection;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
  }

  #hear(event: HomeEvent): void {
    if (event.type === 'connection') this.store.set(withConnection(this.store.state, event.connection));
  }
}
