import { describe, expect, it } from 'vitest';
import type { HomeEvent } from '#signalling/client-home.ts';
import type { Connection } from '#signalling/connections.ts';
import type { Account } from './account.ts';
import { Connections, withConnection } from './connections.ts';
import { EMPTY_HOME, type HomeState } from './home-state.ts';
import { Store } from './store.ts';

const bob = { user: 'mimi://alpha.example/u/bob', name: 'Bob', state: 'sent' } as Connection;
const carol = { ...bob, user: 'mimi://alpha.example/u/carol', state: 'connected' } as Connection;

describe('the list of connections', () => {
  it('replaces what changed, and leaves out what is over', () => {
    const list = withConnection([bob, carol], { ...bob, state: 'connected' });
    expect(list.map(({ user, state }) => `${user.slice(-3)} ${state}`)).toEqual(['rol connected', 'bob connected']);
    expect(withConnection(list, { ...bob, state: 'none' })).toEqual([carol]);
  });

  it('is fetched whenever the connection to the homeserver is there again', async () => {
    const store = new Store<HomeState>(EMPTY_HOME);
    const heard = new Set<(event: HomeEvent) => void>();
    const home = {
      store,
      onEvent: (listener: (event: HomeEvent) => void) => {
        heard.add(listener);
        return () => heard.delete(listener);
      },
    };
    let listed: Connection[] = [bob];
    let fetched = 0;
    const call: Account['call'] = async <A>() => {
      fetched += 1;
      return { connections: listed } as A;
    };
    const connections = new Connections({ call }, home);
    expect(fetched).toBe(0);
    store.set({ ...EMPTY_HOME, connected: true });
    store.set({ ...EMPTY_HOME, connected: true, ready: true });
    await connections.store.when((list) => list.length === 1);
    expect(fetched).toBe(1);
    for (const listener of heard) listener({ type: 'connection', connection: carol });
    expect(connections.store.state).toEqual([bob, carol]);
    store.set(EMPTY_HOME);
    listed = [];
    store.set({ ...EMPTY_HOME, connected: true });
    await connections.store.when((list) => list.length === 0);
    connections[Symbol.dispose]();
    expect(heard.size).toBe(0);
  });

  it('is asked for once more where something changes before it comes', async () => {
    const answers = [[], [bob, carol]];
    const call: Account['call'] = async <A>({ method }: { method: string }) => {
      if (method === 'POST') return bob as A;
      const listed = answers.shift();
      // Answered before the other was taken, and heard after it.
      if (listed?.length === 0) await connections.act(bob.user, 'request');
      return { connections: listed } as A;
    };
    const home = { store: new Store<HomeState>(EMPTY_HOME), onEvent: () => () => undefined };
    const connections = new Connections({ call }, home);
    await connections.refresh();
    expect(connections.store.state).toEqual([bob, carol]);
  });
});
