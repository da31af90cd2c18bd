import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { Operation } from '#signalling/federation.ts';
import type { ConferenceId, DomainName, ParticipantId, UserId } from '#signalling/ids.ts';
import type { Presence } from '../calls/attendance.ts';
import { Unreachable } from '../federation/errors.ts';
import type { Store } from '../store/store.ts';
import { domain, openTestStore, type TestWorld, testWorld, user } from '../testing/world.ts';
import type { Change } from './changes.ts';
import { Hub } from './hub.ts';
import { Journal } from './journal.ts';
import { load } from './repository.ts';

const [alpha, beta, gamma] = [domain('alpha.example'), domain('beta.example'), domain('gamma.example')];
const alice = user('@alice@alpha.example');
const bob = user('@bob@beta.example');
const carol = user('@carol@gamma.example');
const conference = 'c'.repeat(22) as ConferenceId;
const participant = 'p'.repeat(22) as ParticipantId;

let store: Store;
let world: TestWorld;
let hub: Hub;
let changes: Change[];
let asked: string[];
/** What the other domains answer; names in here cannot be reached. */
let down: Set<DomainName>;
/** `a>b`: a does not federate with b. */
let refusals: Set<string>;
/** Who has not accepted anybody. */
let unreachable: Set<UserId>;

beforeEach(async () => {
  store = await openTestStore();
  world = testWorld();
  [changes, asked, down, refusals, unreachable] = [[], [], new Set(), new Set(), new Set()];
  const journal = new Journal(store, alpha, world);
  journal.subscribe((change) => changes.push(change));
  hub = new Hub({
    db: store.db,
    domain: alpha,
    journal,
    world,
    mayReach: async (_from, to) => !unreachable.has(to),
    localPerson: async (who: UserId) => (who === alice ? { user: alice, name: 'Alice' } : undefined),
    others: {
      identify: async (of, handle) => {
        asked.push(`${of} ${handle}`);
        if (down.has(of)) throw new Unreachable([of]);
        if (handle === 'nobody') throw new HawserError('HOME_NOT_FOUND');
        return { user: user(`@${handle}@${of}`), name: handle };
      },
      refusedBy: async (of, domains) => {
        asked.push(`${of} about ${domains.join(' ')}`);
        if (down.has(of)) throw new Unreachable([of]);
        return domains.filter((one) => refusals.has(`${of}>${one}`));
      },
    },
  });
});
afterEach(() => store.close());

const outbox = async () =>
  (await store.db.selectFrom('outbox').select(['domain', 'seq']).orderBy('position').execute()).map(
    ({ domain: to, seq }) => `${to} ${seq}`,
  );
const conversationsOnDisk = () => store.db.selectFrom('conversations').selectAll().execute();

describe('creating', () => {
  test('looks people up, writes the conversation and what each domain has to be told, together', async () => {
    const state = await hub.create(alice, 'Ropes', [bob, carol]);
    expect(state.members.map(({ user: who }) => who)).toEqual([alice, bob, carol]);
    expect(await outbox()).toEqual(['beta.example 1', 'gamma.example 1']);
    expect(changes).toEqual([{ before: undefined, after: state }]);
  });

  test('asks both domains of each pair whether they federate', async () => {
    await hub.create(alice, 'Ropes', [bob, carol]);
    expect(asked).toContain('beta.example about gamma.example');
    expect(asked).toContain('gamma.example about beta.example');
    expect(asked.join()).not.toContain('about alpha.example');
  });

  test.each(['beta.example>gamma.example', 'gamma.example>beta.example'])(
    'is refused where one side does not federate, naming the pair (%s)',
    async (pair) => {
      refusals.add(pair);
      const creation = hub.create(alice, 'Ropes', [bob, carol]);
      const [one, other] = pair.split('>');
      await expect(creation).rejects.toMatchObject({ code: 'FED_NON_FEDERATING', detail: `${one} and ${other}` });
      expect(await conversationsOnDisk()).toEqual([]);
    },
  );

  test('is refused as a whole where domains cannot be reached, naming all of them', async () => {
    down = new Set([beta, gamma]);
    const creation = hub.create(alice, 'Ropes', [bob, carol]);
    await expect(creation).rejects.toMatchObject({ code: 'FED_UNREACHABLE', domains: [beta, gamma] });
    expect(await conversationsOnDisk()).toEqual([]);
    expect(await outbox()).toEqual([]);
    expect(changes).toEqual([]);
  });

  test('is refused where somebody does not exist, here or there', async () => {
    const there = hub.create(alice, 'Ropes', [user('@nobody@beta.example')]);
    await expect(there).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    const here = hub.create(alice, 'Ropes', [user('@nobody@alpha.example')]);
    await expect(here).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });
});

describe('somebody who has accepted nobody, or blocks', () => {
  const dora = user('@dora@beta.example');

  test('is in no new conversation', async () => {
    unreachable.add(bob);
    await expect(hub.create(alice, 'Ropes', [bob])).rejects.toMatchObject({ code: 'HOME_NOT_CONNECTED' });
    expect(await conversationsOnDisk()).toEqual([]);
  });

  test('is not added to one, whoever asks', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob]);
    unreachable.add(dora);
    const addition = hub.update(alpha, conversation, { type: 'addMember', actor: alice, user: dora });
    await expect(addition).rejects.toMatchObject({ code: 'HOME_NOT_CONNECTED' });
  });

  test('is not found where there is nobody, which is told first', async () => {
    const nobody = user('@nobody@beta.example');
    unreachable.add(nobody);
    await expect(hub.create(alice, 'Ropes', [nobody])).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });
});

describe('what other domains ask for', () => {
  test('a domain speaks for its own people only', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob]);
    const operations: Operation[] = [
      { type: 'startCall', actor: alice, conference },
      { type: 'endCall', actor: alice, conference },
      { type: 'addMember', actor: alice, user: carol },
      { type: 'removeMember', actor: alice, user: bob },
      { type: 'leave', actor: alice },
      { type: 'changeRole', actor: alice, user: bob, role: 'admin' },
      { type: 'changeTitle', actor: alice, title: 'Taken' },
      { type: 'presence', conference, seq: 1, participants: [{ participant, user: alice }] },
    ];
    for (const operation of operations) {
      await expect(hub.update(beta, conversation, operation)).rejects.toMatchObject({ code: 'FED_FOREIGN' });
    }
    expect(changes).toHaveLength(1);
  });

  test('a domain that is not in it learns nothing', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob]);
    const operations: Operation[] = [
      { type: 'startCall', actor: carol, conference },
      { type: 'addMember', actor: carol, user: carol },
      { type: 'presence', conference, seq: 1, participants: [] },
    ];
    for (const operation of operations) {
      await expect(hub.update(gamma, conversation, operation)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
    }
  });

  test('a follower’s person starts the call and its domain becomes the anchor; everybody is told', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob, carol]);
    const state = await hub.update(beta, conversation, { type: 'startCall', actor: bob, conference });
    expect(state.call?.anchor).toBe(beta);
    expect(await outbox()).toEqual(['beta.example 2', 'gamma.example 2']);
  });

  test('its people leave, and it is told that nobody of it is left', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob, carol]);
    const state = await hub.update(beta, conversation, { type: 'leave', actor: bob });
    expect(state.members.map(({ user: who }) => who)).toEqual([alice, carol]);
    expect(await outbox()).toEqual(['beta.example 2', 'gamma.example 2']);
    expect(changes.at(-1)?.by).toBe(bob);
    const again = hub.update(beta, conversation, { type: 'leave', actor: bob });
    await expect(again).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  });

  test('late and repeated statements about presence change nothing', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob]);
    await hub.update(beta, conversation, { type: 'startCall', actor: bob, conference });
    const there: Presence = { type: 'presence', conference, seq: 7, participants: [{ participant, user: bob }] };
    const state = await hub.update(beta, conversation, there);
    expect(state.call?.members).toHaveLength(1);
    expect(await hub.update(beta, conversation, there)).toEqual(state);
    expect(await hub.update(beta, conversation, { ...there, seq: 6, participants: [] })).toEqual(state);
    expect((await hub.update(beta, conversation, { ...there, seq: 8, participants: [] })).call).toBeUndefined();
  });

  test('presence in a call that is over is refused', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob]);
    const there: Presence = { type: 'presence', conference, seq: 1, participants: [] };
    await expect(hub.update(beta, conversation, there)).rejects.toMatchObject({ code: 'HOME_NO_CALL' });
  });

  test('two additions at the same time both stand', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', []);
    await Promise.all(
      [bob, carol].map((who) => hub.update(alpha, conversation, { type: 'addMember', actor: alice, user: who })),
    );
    expect(changes.at(-1)?.after.members).toHaveLength(3);
    expect(changes.map(({ after }) => after.seq)).toEqual([1, 2, 3]);
  });

  test('an addition asks the domains that are there about the new one', async () => {
    const { conversation } = await hub.create(alice, 'Ropes', [bob]);
    refusals.add('beta.example>gamma.example');
    const addition = hub.update(alpha, conversation, { type: 'addMember', actor: alice, user: carol });
    await expect(addition).rejects.toMatchObject({ code: 'FED_NON_FEDERATING' });
  });
});

test('a call that nobody comes to is swept away', async () => {
  const { conversation } = await hub.create(alice, 'Ropes', [bob]);
  await hub.update(beta, conversation, { type: 'startCall', actor: bob, conference });
  await hub.sweep();
  expect(changes.at(-1)?.after.call).toBeDefined();
  world.advance(60_000);
  await hub.sweep();
  expect(changes.at(-1)?.after.call).toBeUndefined();
});

test('a domain that was blocked leaves every call', async () => {
  const { conversation } = await hub.create(alice, 'Ropes', [bob]);
  await hub.update(alpha, conversation, { type: 'startCall', actor: alice, conference });
  const present = (who: UserId, letter: string): Presence => ({
    type: 'presence',
    conference,
    seq: 1,
    participants: [{ participant: letter.repeat(22) as ParticipantId, user: who }],
  });
  await hub.update(alpha, conversation, present(alice, 'a'));
  await hub.update(beta, conversation, present(bob, 'b'));
  await hub.drop(beta);
  expect(changes.at(-1)?.after.call?.members.map(({ user: who }) => who)).toEqual([alice]);
});

test('a call whose starter is taken out is another member’s, also for whoever hears of it later', async () => {
  const other = user('@berta@beta.example');
  const { conversation } = await hub.create(alice, 'Ropes', [bob, other, carol]);
  await hub.update(beta, conversation, { type: 'startCall', actor: bob, conference });
  const state = await hub.update(alpha, conversation, { type: 'removeMember', actor: alice, user: bob });
  expect(state.call).toMatchObject({ startedBy: other });
  expect(await load(store.db, conversation)).toEqual(state);
});

test('a domain that is let in again while a call goes on is heard of who is in it, from its first word on', async () => {
  const { conversation } = await hub.create(alice, 'Ropes', [bob]);
  await hub.update(alpha, conversation, { type: 'startCall', actor: alice, conference });
  const host = 'h'.repeat(22) as ParticipantId;
  const here: Presence = { type: 'presence', conference, seq: 1, participants: [{ participant: host, user: alice }] };
  await hub.update(alpha, conversation, here);
  const there: Presence = { type: 'presence', conference, seq: 3, participants: [{ participant, user: bob }] };
  await hub.update(beta, conversation, there);
  await hub.update(alpha, conversation, { type: 'removeMember', actor: alice, user: bob });
  await hub.update(alpha, conversation, { type: 'addMember', actor: alice, user: bob });
  const state = await hub.update(beta, conversation, { ...there, seq: 1 });
  expect(state.call?.members.map(({ user: who }) => who)).toEqual([alice, bob]);
  expect((await hub.update(alpha, conversation, { ...here, participants: [] })).call?.members).toHaveLength(2);
});
