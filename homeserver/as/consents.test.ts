/** Two homeservers that tell each other who wants to be connected, over a network that loses, repeats and delays. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionOperation } from '#signalling/connections.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConsentStatement } from '#signalling/federation-people.ts';
import { type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { pairOf, peopleOf } from '../federation/outbox-table.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld, user } from '../testing/world.ts';
import { deleteAccount, insertAccount } from './accounts.ts';
import { Connections, MAX_OF_DOMAIN } from './connections.ts';

const alice = user('@alice@alpha.example');
const bob = user('@bob@beta.example');
const OPERATIONS: readonly ConnectionOperation[] = ['request', 'accept', 'ignore', 'cancel', 'block', 'unblock'];

/** The homeserver of one of the two; the other is its peer. */
interface End {
  readonly self: UserId;
  readonly peer: UserId;
  readonly store: Store;
  readonly connections: Connections;
  readonly told: string[];
}

let ends: readonly [End, End];
let world: TestWorld;
/** Statements on their way, which anything may happen to. */
let network: ConsentStatement[] = [];
let send: (domain: DomainName, statement: ConsentStatement) => Promise<void>;
let foreignPeople: 'open' | 'connected' = 'open';

async function makeEnd(self: UserId, peer: UserId): Promise<End> {
  const store = await openTestStore();
  const told: string[] = [];
  const make = () =>
    new Connections({
      store,
      domain: domainOf(self),
      world: { now: () => world.now(), random: (n) => world.random(n) },
      teamMates: 'domain',
      foreignPeople,
      abroad: {
        lookUp: async (who) => ({ user: who, name: 'Looked up' }),
        tell: (to, statement) => send(to, statement),
        wake: () => undefined,
      },
      onChanged: (_, { state, name }) => told.push(`${state} ${name}`),
    });
  return {
    ...{ self, peer, store, told },
    get connections() {
      return make();
    },
  };
}

beforeAll(async () => {
  world = testWorld();
  ends = [await makeEnd(alice, bob), await makeEnd(bob, alice)];
});
afterAll(async () => {
  for (const { store } of ends) await store.close();
});
beforeEach(() => reset());

async function reset(): Promise<void> {
  network = [];
  send = async (_, statement) => void network.push(statement);
  foreignPeople = 'open';
  world.advance(3_600_000);
  for (const { store, self, told } of ends) {
    told.length = 0;
    for (const table of ['accounts', 'retired_handles', 'consents', 'outbox', 'connections'] as const) {
      await store.db.deleteFrom(table).execute();
    }
    const name = self === alice ? 'Alice' : 'Bob';
    await store.transaction((tx) =>
      insertAccount(tx, { user: self, name, password: 'x', email: undefined }, world.now()),
    );
  }
}

const act = ({ connections, self, peer }: End, operation: ConnectionOperation) =>
  connections.act(self, peer, operation);
const stateOf = async ({ connections, self }: End) => (await connections.list(self))[0]?.state ?? 'none';
const states = async () => [await stateOf(ends[0]), await stateOf(ends[1])];

/** What the outbox does, once; false where nothing lies in it. */
async function post({ store, connections }: End): Promise<boolean> {
  const entry = await store.db.selectFrom('outbox').selectAll().executeTakeFirst();
  if (!entry) return false;
  await connections.tell(entry.domain, entry.subject as ReturnType<typeof pairOf>);
  await store.db.deleteFrom('outbox').where('position', '=', entry.position).where('seq', '<=', entry.seq).execute();
  return true;
}

async function arrive(statement: ConsentStatement): Promise<void> {
  const receiver = statement.to === alice ? ends[0] : ends[1];
  await receiver.connections.hear(domainOf(statement.from), statement);
}

/** The network works again: what lies in the outboxes arrives. */
async function settle(): Promise<void> {
  send = (_, statement) => arrive(statement);
  while ((await post(ends[0])) || (await post(ends[1]))) {
    // until nothing is to be told
  }
}

describe('a request to somebody of another domain', () => {
  test('arrives with a name, and connects both when it is accepted', async () => {
    expect(await act(ends[0], 'request')).toMatchObject({
      user: bob,
      domain: 'beta.example',
      state: 'sent',
      name: 'Looked up',
    });
    expect(await states()).toEqual(['sent', 'none']);
    await settle();
    expect(ends[1].told).toEqual(['received Alice']);
    await act(ends[1], 'accept');
    await settle();
    expect(await states()).toEqual(['connected', 'connected']);
    expect(ends[0].told.at(-1)).toBe('connected Bob');
    expect(await ends[0].connections.list(alice)).toMatchObject([{ name: 'Bob' }]);
  });

  test('looks the same to whoever asked, whether the other one does nothing, ignores or blocks', async () => {
    const seen: unknown[] = [];
    for (const decision of [undefined, 'ignore', 'block', 'blocked before'] as const) {
      await reset();
      if (decision === 'blocked before') await act(ends[1], 'block');
      const answers = [await act(ends[0], 'request')];
      await settle();
      if (decision === 'ignore' || decision === 'block') await act(ends[1], decision);
      expect(await post(ends[1])).toBe(false);
      answers.push(await act(ends[0], 'request'));
      await settle();
      seen.push([answers.map(({ state, name }) => [state, name]), ends[0].told, await states().then(([own]) => own)]);
    }
    expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(1);
  });

  test('is made all the same while the other domain does not say who there is, and is over where there is nobody', async () => {
    const { store } = ends[1];
    await store.db.deleteFrom('accounts').execute();
    await act(ends[0], 'request');
    await settle();
    expect(await states()).toEqual(['none', 'none']);
    expect(ends[0].told).toEqual(['sent Looked up', 'none Looked up']);
  });

  test('that is not delivered is told again by whoever asks again, or when the domain is allowed again', async () => {
    await act(ends[0], 'request');
    await ends[0].store.db.deleteFrom('outbox').execute();
    await ends[0].connections.retell(domain('beta.example'));
    await settle();
    expect(await states()).toEqual(['sent', 'received']);
    await ends[0].connections.retell(domain('beta.example'));
    expect(await post(ends[0])).toBe(false);
  });
});

test('what comes twice, or after something newer, changes nothing', async () => {
  await act(ends[0], 'request');
  await post(ends[0]);
  await act(ends[0], 'cancel');
  await post(ends[0]);
  const [asked, taken] = network;
  if (!asked || !taken) throw new Error('nothing was told');
  expect([asked.wants, taken.wants, taken.seq > asked.seq]).toEqual([true, false, true]);
  for (const statement of [taken, asked, taken, asked]) await arrive(statement);
  expect(await states()).toEqual(['none', 'none']);
  expect(ends[1].told).toEqual([]);
});

test('whoever restored an old database is heard again', async () => {
  await act(ends[0], 'request');
  await settle();
  await ends[0].store.db.deleteFrom('consents').execute();
  world.advance(1_000);
  await act(ends[0], 'cancel');
  await settle();
  expect(await states()).toEqual(['none', 'none']);
});

test('a domain speaks for its own people and to ours only', async () => {
  const statement = { from: bob, to: alice, name: 'Bob', wants: true, seq: 1 };
  const { connections } = ends[0];
  await expect(connections.hear(domain('gamma.example'), statement)).rejects.toMatchObject({ code: 'FED_FOREIGN' });
  await expect(connections.hear(domain('alpha.example'), { ...statement, from: alice })).rejects.toMatchObject({
    code: 'FED_FOREIGN',
  });
  await expect(
    connections.hear(domain('beta.example'), { ...statement, to: user('@carol@gamma.example') }),
  ).rejects.toMatchObject({ code: 'FED_WRONG_DESTINATION' });
  await expect(
    connections.hear(domain('beta.example'), { ...statement, to: user('@nobody@alpha.example') }),
  ).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
});

test('one domain does not fill the table of a person', async () => {
  const rows = Array.from({ length: MAX_OF_DOMAIN }, (_, i) => ({
    owner: alice,
    peer: user(`@p${i}@beta.example`),
    ...{ told: 0, wants: 0 as const, known: 0, heard: 1, name: 'x', changed_at: 0 },
  }));
  for (let i = 0; i < rows.length; i += 250) {
    await ends[0].store.db
      .insertInto('consents')
      .values(rows.slice(i, i + 250))
      .execute();
  }
  const { connections } = ends[0];
  const statement = { from: bob, to: alice, name: 'Bob', wants: true, seq: 1 };
  await expect(connections.hear(domain('beta.example'), statement)).rejects.toMatchObject({ code: 'FED_LIMIT' });
  expect(await stateOf(ends[0])).toBe('none');
  const dave = user('@dave@gamma.example');
  await connections.hear(domain('gamma.example'), { ...statement, from: dave });
  expect(await stateOf(ends[0])).toBe('received');
  // They asked for nothing that is still there.
  world.advance(31 * 24 * 3_600_000);
  await connections.sweep();
  await connections.hear(domain('beta.example'), statement);
  expect((await connections.list(alice)).map(({ user: who }) => who)).toEqual([bob, dave]);
});

test('whoever deletes an account wants nobody any more, and nothing is left of it once that is told', async () => {
  await act(ends[0], 'request');
  await settle();
  await act(ends[1], 'accept');
  await settle();
  await ends[1].store.transaction(async (tx) => {
    await ends[1].connections.forget(tx, bob);
    await deleteAccount(tx, bob, world.now());
  });
  await settle();
  expect(await stateOf(ends[0])).toBe('sent');
  for (const table of ['consents', 'connections', 'outbox'] as const) {
    expect(await ends[1].store.db.selectFrom(table).selectAll().execute(), table).toEqual([]);
  }
});

describe('over the border', () => {
  test('only the connected reach each other where the site says so, as far as each side knows', async () => {
    foreignPeople = 'connected';
    const reach = async ({ connections }: End) => [
      await connections.mayReach(alice, bob),
      await connections.mayReach(bob, alice),
    ];
    await act(ends[0], 'request');
    await settle();
    expect([await reach(ends[0]), await reach(ends[1])]).toEqual([
      [false, false],
      [false, false],
    ]);
    await act(ends[1], 'accept');
    expect(await reach(ends[0])).toEqual([false, false]);
    await settle();
    expect([await reach(ends[0]), await reach(ends[1])]).toEqual([
      [true, true],
      [true, true],
    ]);
    await act(ends[1], 'block');
    await settle();
    expect([await reach(ends[0]), await reach(ends[1])]).toEqual([
      [false, false],
      [false, false],
    ]);
    // Two of other domains are not ours to judge.
    expect(await ends[0].connections.mayReach(user('@c@gamma.example'), bob)).toBe(true);
  });

  test('everybody reaches everybody but who blocks where it does not', async () => {
    expect(await ends[1].connections.mayReach(alice, bob)).toBe(true);
    await act(ends[1], 'block');
    expect(await ends[1].connections.mayReach(alice, bob)).toBe(false);
  });
});

test('whatever is decided, lost, repeated and delayed: in the end both sides show what both have decided last', async () => {
  const who = fc.constantFrom<0 | 1>(0, 1);
  const event = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(who, fc.constantFrom(...OPERATIONS)) },
    { weight: 3, arbitrary: fc.tuple(who, fc.constantFrom('sent', 'lost' as const)) },
    { weight: 3, arbitrary: fc.tuple(fc.nat(10), fc.constantFrom('arrives', 'arrives again' as const)) },
    { weight: 1, arbitrary: fc.tuple(who, fc.constant('time passes' as const)) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
      await reset();
      for (const [which, what] of events) {
        const end = ends[which === 0 ? 0 : 1];
        if (what === 'time passes') world.advance(60_000);
        else if (what === 'sent' || what === 'lost') {
          // The answer is lost, and perhaps the question too: it stays in the outbox.
          send = async (_, statement) => {
            if (what === 'sent') network.push(statement);
            throw new HawserError('FED_UNREACHABLE');
          };
          await post(end).catch(() => undefined);
        } else if (what === 'arrives' || what === 'arrives again') {
          const [statement] = network.splice(which % Math.max(1, network.length), 1);
          if (!statement) continue;
          if (what === 'arrives again') network.push(statement);
          await arrive(statement);
        } else await act(end, what).catch((error) => expect(error).toBeInstanceOf(HawserError));
      }
      await settle();
      // What was on its way all the time comes in at last.
      for (const statement of network) await arrive(statement);
      const decisions = await Promise.all(
        ends.map(async ({ store, self, peer }) => {
          const row = await store.db
            .selectFrom('connections')
            .select(['decision', 'is_wanted'])
            .where('owner', '=', self)
            .where('peer', '=', peer)
            .executeTakeFirst();
          return { wants: row?.decision === 'wanted', isWanted: row?.is_wanted === 1 };
        }),
      );
      const [one, two] = decisions;
      expect([one?.isWanted, two?.isWanted]).toEqual([two?.wants, one?.wants]);
      const [seen, seenThere] = await states();
      expect(seen === 'connected').toBe(one?.wants && two?.wants);
      expect(seenThere === 'connected').toBe(one?.wants && two?.wants);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('a pair says who it is of', () => {
  expect(peopleOf(pairOf(alice, bob))).toEqual({ owner: alice, peer: bob });
});
