/** Finding people, and knowing people of another organisation, as an application does it. */
import { expect, test } from 'vitest';
import { organise, PASSWORD } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import { addressOf } from '#signalling/ids.ts';
import { Account } from './account.ts';
import { Connections } from './connections.ts';
import { Home } from './home.ts';

test('somebody of another organisation is found, asked, and known on both sides', { timeout: 30_000 }, async () => {
  await using world = await organise('alpha.example', 'beta.example');
  const [alpha, beta] = world.organisations;
  if (!alpha || !beta) throw new Error('no organisations');
  using open = new DisposableStack();
  const enter = async (organisation: typeof alpha, handle: string, name: string) => {
    await organisation.homeserver.createAccount({ handle, name, password: PASSWORD });
    const account = new Account(organisation.url);
    await account.signIn(handle, PASSWORD);
    const home = open.use(new Home({ account }));
    return { home, connections: open.use(new Connections(account, home)) };
  };
  const alice = await enter(alpha, 'alice', 'Alice');
  const bob = await enter(beta, 'bob', 'Bob Miller');
  const knows = ({ connections }: typeof alice) =>
    connections.store.state.map(({ user, name, state }) => [addressOf(user), name, state]);

  expect(await bob.home.searchPeople('mil')).toEqual([]);
  expect(await alice.home.searchPeople('@bo@beta.example')).toEqual([]);
  const [found] = await alice.home.searchPeople('@bob@beta.example');
  if (!found) throw new Error('nobody was found');
  expect(found).toMatchObject({ name: 'Bob Miller', domain: 'beta.example', handle: 'bob' });
  await alice.connections.act(found.user, 'request');
  await until(() => knows(bob).length === 1, 'he is asked');
  const [asks] = bob.connections.store.state;
  expect(knows(bob)).toEqual([['@alice@alpha.example', 'Alice', 'received']]);
  if (asks) await bob.connections.act(asks.user, 'accept');
  await until(() => knows(alice)[0]?.[2] === 'connected', 'she is told');
  expect(knows(alice)).toEqual([['@bob@beta.example', 'Bob Miller', 'connected']]);
});
