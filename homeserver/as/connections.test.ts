import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionOperation } from '#signalling/connections.ts';
import { type TestPeople, testPeople } from '../testing/people.ts';
import { domain, user } from '../testing/world.ts';
import { mayReach } from './connections.ts';
import { blockersOf } from './sides.ts';

const alice = user('@alice@alpha.example');
const bob = user('@bob@alpha.example');
const carol = user('@carol@beta.example');
let people: TestPeople;

beforeEach(async () => {
  people = await testPeople({ teamMates: 'nobody' });
  for (const handle of ['alice', 'bob']) {
    await people.administration.add({ handle, name: `The ${handle}`, password: 'correct horse battery' });
  }
});
afterEach(() => people.close());

const act = (owner: typeof alice, operation: ConnectionOperation, peer = owner === alice ? bob : alice) =>
  people.connections.act(owner, peer, operation);
const seen = async (owner: typeof alice) => (await people.connections.list(owner)).map(({ state }) => state);
const told = () =>
  people.told.splice(0).map(({ owner, connection }) => `${owner === alice ? 'alice' : 'bob'} ${connection.state}`);

describe('a request', () => {
  test('connects both when it is accepted, and each is told of each step', async () => {
    const sent = await act(alice, 'request');
    expect(sent).toMatchObject({ user: bob, domain: 'alpha.example', name: 'The bob', state: 'sent' });
    expect(told()).toEqual(['alice sent', 'bob received']);
    expect(await people.connections.mayReach(alice, bob)).toBe(false);
    expect(await act(bob, 'accept')).toMatchObject({ user: alice, state: 'connected' });
    expect(told()).toEqual(['bob connected', 'alice connected']);
    expect([await seen(alice), await seen(bob)]).toEqual([['connected'], ['connected']]);
    expect(await people.connections.mayReach(alice, bob)).toBe(true);
    expect(await people.connections.mayReach(bob, alice)).toBe(true);
  });

  test('of both to each other connects them', async () => {
    await act(alice, 'request');
    expect(await act(bob, 'request')).toMatchObject({ state: 'connected' });
    expect(await seen(alice)).toEqual(['connected']);
  });

  test('that is sent again tells nobody again', async () => {
    await act(alice, 'request');
    told();
    await act(alice, 'request');
    expect(told()).toEqual([]);
  });

  test('that is taken back is gone on both sides', async () => {
    await act(alice, 'request');
    await act(alice, 'cancel');
    expect(told()).toEqual(['alice sent', 'bob received', 'alice none', 'bob none']);
    expect(await people.store.db.selectFrom('connections').selectAll().execute()).toEqual([]);
  });

  test('that is ignored waits for ever, as far as the one can see who sent it', async () => {
    await act(alice, 'request');
    told();
    await act(bob, 'ignore');
    expect(told()).toEqual(['bob ignored']);
    expect(await seen(alice)).toEqual(['sent']);
  });

  test('to somebody who blocks looks delivered, and is told to nobody', async () => {
    await act(bob, 'block');
    told();
    const answer = await act(alice, 'request');
    expect(answer).toMatchObject({ state: 'sent' });
    expect(told()).toEqual(['alice sent']);
    expect(await seen(bob)).toEqual(['blocked']);
    expect(await people.connections.mayReach(alice, bob)).toBe(false);
  });

  test('to nobody or to oneself is refused', async () => {
    await expect(act(alice, 'request', user('@nobody@alpha.example'))).rejects.toMatchObject({
      code: 'HOME_NOT_FOUND',
    });
    await expect(act(alice, 'request', alice)).rejects.toMatchObject({ code: 'HOME_FORBIDDEN' });
  });

  test('is limited: twenty in a row, then one a minute', async () => {
    for (let i = 0; i < 20; i++) await act(alice, 'request');
    await expect(act(alice, 'request')).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
    await act(bob, 'request');
    people.world.advance(60_000);
    await act(alice, 'request');
  });

  test('that was never sent is neither accepted nor ignored', async () => {
    for (const operation of ['accept', 'ignore'] as const) {
      await expect(act(bob, operation)).rejects.toMatchObject({ code: 'HOME_NO_REQUEST' });
    }
  });
});

describe('who may reach whom', () => {
  test('team mates without asking, but nobody who blocks', async () => {
    const { db } = people.store;
    expect(await mayReach(db, alice, bob, 'domain')).toBe(true);
    await act(bob, 'block');
    expect(await mayReach(db, alice, bob, 'domain')).toBe(false);
    expect(await mayReach(db, bob, alice, 'domain')).toBe(false);
    await act(bob, 'unblock');
    expect(await mayReach(db, alice, bob, 'domain')).toBe(true);
    expect(await mayReach(db, alice, bob, 'nobody')).toBe(false);
    expect(await mayReach(db, alice, alice, 'nobody')).toBe(true);
  });

  test('where nobody is a team mate, only who is connected', async () => {
    expect(await people.mayReach(alice, bob)).toBe(false);
    await act(alice, 'request');
    expect(await people.mayReach(bob, alice)).toBe(false);
    await act(bob, 'accept');
    expect(await people.mayReach(alice, bob)).toBe(true);
  });

  test('over the border everybody whom the allow list lets in, but nobody who blocks', async () => {
    expect(await people.mayReach(alice, carol)).toBe(true);
    expect(await people.mayReach(carol, alice)).toBe(true);
    await act(alice, 'block', carol);
    expect(await people.mayReach(alice, carol)).toBe(false);
    expect(await people.mayReach(carol, alice)).toBe(false);
    expect(await people.connections.list(alice)).toMatchObject([{ user: carol, name: 'carol', state: 'blocked' }]);
  });

  test('blocking ends a connection, and unblocking does not bring it back', async () => {
    await act(alice, 'request');
    await act(bob, 'accept');
    await act(bob, 'block');
    expect(await people.connections.mayReach(alice, bob)).toBe(false);
    expect(await seen(alice)).toEqual(['sent']);
    await expect(act(bob, 'request')).rejects.toMatchObject({ code: 'HOME_BLOCKED' });
    await act(bob, 'unblock');
    expect(await people.connections.mayReach(alice, bob)).toBe(false);
  });
});

test('two who act on each other at once end in one state', async () => {
  for (let i = 0; i < 10; i++) {
    await Promise.allSettled([act(alice, 'request'), act(bob, 'request'), act(alice, 'cancel'), act(bob, 'accept')]);
    const [one, other] = [(await seen(alice))[0], (await seen(bob))[0]];
    expect(one === 'connected').toBe(other === 'connected');
    people.world.advance(600_000);
    await Promise.allSettled([act(alice, 'cancel'), act(bob, 'cancel')]);
  }
});

test('of somebody who is gone nothing is left', async () => {
  await act(alice, 'request');
  await people.administration.remove('alice');
  expect(await people.store.db.selectFrom('connections').selectAll().execute()).toEqual([]);
});

test('whoever has blocked somebody is not rung by them, until the block is taken back', async () => {
  const { db } = people.store;
  await act(alice, 'request');
  expect([...(await blockersOf(db, alice))]).toEqual([]);
  await act(bob, 'block');
  await act(alice, 'block', carol);
  expect([...(await blockersOf(db, alice))]).toEqual([bob]);
  // Over the border too: it is the own homeserver that rings.
  expect([...(await blockersOf(db, carol))]).toEqual([alice]);
  await act(bob, 'unblock');
  expect([...(await blockersOf(db, alice))]).toEqual([]);
});

describe('what another domain is told of a person', () => {
  test('key packages go to whoever may reach them or is with them in a conversation, never to whom they block', async () => {
    expect(await people.mayClaim(alice, bob)).toBe(false);
    await act(alice, 'request');
    await act(bob, 'accept');
    expect(await people.mayClaim(alice, bob)).toBe(true);
    expect(await people.mayClaim(alice, alice)).toBe(true);
    expect(await people.mayClaim(carol, bob)).toBe(true);
    await act(bob, 'block', carol);
    await act(bob, 'block');
    expect([await people.mayClaim(carol, bob), await people.mayClaim(alice, bob)]).toEqual([false, false]);
  });

  test('where only the connected reach each other, a stranger gets key packages in a common conversation only', async () => {
    await people.close();
    let areTogether = false;
    people = await testPeople({ foreignPeople: 'connected', areTogether: async () => areTogether });
    await people.administration.add({ handle: 'bob', name: 'Bob', password: 'correct horse battery' });
    expect(await people.mayClaim(carol, bob)).toBe(false);
    areTogether = true;
    expect(await people.mayClaim(carol, bob)).toBe(true);
    await act(bob, 'block', carol);
    expect(await people.mayClaim(carol, bob)).toBe(false);
  });

  test('one that may find nobody finds out whom only who asked for a connection there', async () => {
    const beta = domain('beta.example');
    const nobody = user('@nobody@alpha.example');
    for (const policy of ['exact', 'full'] as const) {
      expect(await people.identify(beta, bob, policy)).toEqual({ user: bob, name: 'The bob' });
      await expect(people.identify(beta, nobody, policy)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    }
    for (const who of [bob, nobody]) {
      await expect(people.identify(beta, who, 'none')).rejects.toMatchObject({ code: 'FED_SCOPE' });
    }
    await act(bob, 'request', carol);
    expect(await people.identify(beta, bob, 'none')).toMatchObject({ name: 'The bob' });
    await expect(people.identify(domain('gamma.example'), bob, 'none')).rejects.toMatchObject({ code: 'FED_SCOPE' });
  });
});
