/** A group with devices of two domains: the hub's real groups, and what comes of them in the queues of the other domain. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OutgoingCommit } from '#mls/commit.ts';
import { Group } from '#mls/group.ts';
import { TestHub } from '#mls/testing/hub.ts';
import { bytes, GROUP, MemoryStore, request, START, type TestDevice, text } from '#mls/testing/world.ts';
import type { Statement } from '#signalling/federation.ts';
import type { NewCommit } from '#signalling/groups.ts';
import { type ConversationId, type UserId, userOfDevice } from '#signalling/ids.ts';
import { isOutBy, parseNotice } from '#signalling/notice.ts';
import type { Entry } from '#signalling/queue.ts';
import { ALPHA, BETA, BOB, BOBS_PHONE, FeedPair } from '../federation/testing/feed-pair.ts';
import { testWorld, until } from '../testing/world.ts';
import { created } from './conversation.ts';
import type { Asker } from './group-office.ts';
import { Groups } from './groups.ts';
import { Journal } from './journal.ts';

const conversation = 'mimi://alpha.example/r/AAAAAAAAAAAAAAAA' as ConversationId;
const text64 = (data: Uint8Array) => Buffer.from(data).toString('base64url');
const fromText = (payload: string) => new Uint8Array(Buffer.from(payload, 'base64url'));

let pair: FeedPair;
let hub: TestHub;
let journal: Journal;
let groups: Groups;
let alice: TestDevice;
let bob: TestDevice;

beforeEach(async () => {
  pair = await FeedPair.open();
  hub = await TestHub.make();
  [alice, bob] = await hub.world.devices('alice/laptop', 'bob@beta/laptop');
  journal = new Journal(pair.hub.store, ALPHA, pair.world);
  groups = new Groups({
    ...pair.hub,
    ...{ journal, domain: ALPHA, credentials: hub.environment.credentials, followers: pair.hub.feeds },
    world: { ...testWorld(), now: () => START },
    signer: { ...hub.signer, publicKey: hub.environment.hub.signatureKey },
    onFault: (error) => pair.faults.push(error),
  });
  journal.join(groups.changing);
  journal.subscribe(groups.changed);
  await journal.change(conversation, () =>
    created({
      ...{ conversation, title: 'Ropes', creator: { user: userOfDevice(alice.id), name: 'Alice' } },
      others: [{ user: userOfDevice(bob.id), name: 'Bob' }],
    }),
  );
});
afterEach(async () => {
  await groups.close();
  await journal.idle();
  await pair[Symbol.asyncDispose]();
  expect(pair.faults).toEqual([]);
  expect(pair.dropped).toEqual([]);
});

const asker = ({ id }: TestDevice): Asker => ({ user: userOfDevice(id), device: id });

async function create(device: TestDevice): Promise<void> {
  await device.create();
  const parts = { group: GROUP, groupInfo: text64(await device.group.groupInfo()), tree: text64(device.group.tree()) };
  await groups.create(asker(device), conversation, parts);
}

async function hand(device: TestDevice, { id, commit, welcome, groupInfo }: OutgoingCommit): Promise<void> {
  const asked: NewCommit = {
    ...{ id, commit: text64(commit), groupInfo: text64(groupInfo) },
    ...(welcome && { welcome: text64(welcome) }),
  };
  await groups.commit(asker(device), conversation, asked);
  await device.group.accepted(id);
}

async function say(device: TestDevice, words: string, number = 1): Promise<void> {
  const message = text64(await device.group.send(bytes(words)));
  await groups.send(asker(device), { conversation, number, message });
}

const waits = (count: number, device = BOB) =>
  until(async () => {
    const entries = await pair.entries(device);
    return entries.length >= count && entries;
  }, `${count} entries`) as Promise<Entry[]>;

/** Alice adds Bob's device, which joins with what its own homeserver has for it. */
async function welcomeBob(): Promise<void> {
  const { bytes: add, secrets } = await bob.keyPackage();
  await hand(alice, await alice.group.commit({ add: [add] }, request()));
  const [welcome] = await waits(1);
  expect(welcome).toMatchObject({ kind: 'welcome', group: GROUP, id: '1' });
  const tree = fromText(
    await groups.tree({ user: userOfDevice(bob.id), device: bob.id }, conversation, Number(welcome?.id)),
  );
  bob.store = new MemoryStore();
  bob.group = await Group.join(
    { group: GROUP, welcome: fromText(welcome?.payload ?? ''), tree, secrets },
    bob.store,
    bob.env,
  );
}

const readBy = async (device: TestDevice, { payload }: Entry) => {
  const received = await device.group.receive(fromText(payload));
  return received.flatMap((each) => (each.kind === 'message' ? [text(each.content)] : []));
};

test('a device of another domain is added, joins by the Welcome that came to it, and reads what is said', async () => {
  await create(alice);
  await welcomeBob();
  await say(alice, 'hello');
  const [, message] = await waits(2);
  expect(message).toMatchObject({ kind: 'message', sender: alice.id, id: '1', group: GROUP });
  expect(message && (await readBy(bob, message))).toEqual(['hello']);
});

test('what it says comes back to its own homeserver with its number, and not to itself', async () => {
  await create(alice);
  await welcomeBob();
  await say(bob, 'here', 41);
  await until(() => pair.own.length === 1, 'it is back');
  expect(pair.own).toMatchObject([{ device: BOB, conversation, group: GROUP, number: 41 }]);
  expect(await pair.entries()).toHaveLength(1);
});

test('whoever is taken out gets the notice of it as the last entry, and his domain nothing more', async () => {
  await create(alice);
  await welcomeBob();
  const user = userOfDevice(bob.id);
  await journal.change(
    conversation,
    (before) => {
      if (!before) throw new Error('it is gone');
      const members = before.members.filter((member) => member.user !== user);
      return { ...before, members, seq: before.seq + 1 };
    },
    userOfDevice(alice.id),
  );
  await until(
    () => pair.requests.flatMap(({ entries }) => entries).some(({ kind }) => kind === 'notice'),
    'the notice',
  );
  const [, notice] = await waits(2);
  expect(notice && isOutBy(parseNotice(notice.payload), user)).toBe(true);
  // The hub proposes to remove his device, and Alice does it.
  const proposal = await until(async () => {
    const rows = await pair.hub.store.db.selectFrom('entries').selectAll().where('kind', '=', 'proposal').execute();
    return rows[0];
  }, 'the proposal');
  await alice.group.receive(fromText(proposal.payload));
  await hand(alice, await alice.group.commit({}, request()));
  await say(alice, 'alone');
  expect(await pair.entries()).toHaveLength(2);
  const { entries } = pair.requests.at(-1) ?? { entries: [] };
  expect(entries).toMatchObject([{ kind: 'notice', left: [BOB] }]);
  const open = await pair.hub.store.db.selectFrom('followings').selectAll().where('until', 'is', null).execute();
  expect(open).toEqual([]);
});

test('nobody is let in who is taken out while the commit is judged that adds him', async () => {
  await create(alice);
  const { bytes: add } = await bob.keyPackage();
  const commit = await alice.group.commit({ add: [add] }, request());
  const { writer } = pair.hub;
  const run: typeof writer.run = writer.run.bind(writer);
  const writing = vi.spyOn(writer, 'run').mockImplementationOnce(async (work) => {
    await journal.change(conversation, (before) => {
      if (!before) throw new Error('it is gone');
      const members = before.members.filter(({ user }) => user !== userOfDevice(bob.id));
      return { ...before, members, seq: before.seq + 1 };
    });
    return run(work);
  });
  await expect(hand(alice, commit)).rejects.toMatchObject({ code: 'MLS_NOT_ADMITTED' });
  expect(writing).toHaveBeenCalled();
  expect(await pair.hub.store.db.selectFrom('followings').selectAll().execute()).toEqual([]);
});

test('whoever is taken out and back before the hub has proposed to remove his device is proposed all the same', async () => {
  await create(alice);
  await welcomeBob();
  const commit = await alice.group.commit({}, request());
  const { writer } = pair.hub;
  const run: typeof writer.run = writer.run.bind(writer);
  vi.spyOn(writer, 'run').mockImplementationOnce(async (work) => {
    let all: Statement['members'] = [];
    await journal.change(conversation, (before) => {
      if (!before) throw new Error('it is gone');
      all = before.members;
      return { ...before, members: all.filter(({ user }) => user !== userOfDevice(bob.id)), seq: before.seq + 1 };
    });
    await journal.change(conversation, (before) => {
      if (!before) throw new Error('it is gone');
      return { ...before, members: all, seq: before.seq + 1 };
    });
    return run(work);
  });
  await hand(alice, commit);
  // Its queue has ended with the notice of that, and whoever sends now would send to nobody.
  const proposal = await until(async () => {
    const rows = await pair.hub.store.db.selectFrom('entries').selectAll().where('kind', '=', 'proposal').execute();
    return rows[0];
  }, 'the proposal');
  await alice.group.receive(fromText(proposal.payload));
  expect(alice.group.leaving.size).toBe(1);
});

test('one that joins by itself gets what follows; its domain follows until the last one is out', async () => {
  await create(alice);
  await welcomeBob();
  const [phone] = await hub.world.devices('bob@beta/phone');
  await phone.joinExternally(alice);
  const own = phone.group.pending;
  if (!own) throw new Error('no commit');
  await hand(phone, own);
  await alice.group.receive(own.commit);
  await say(alice, 'to both');
  const entries = await waits(2, BOBS_PHONE);
  expect(entries.map(({ kind, sender }) => ({ kind, sender }))).toEqual([
    { kind: 'commit', sender: BOBS_PHONE },
    { kind: 'message', sender: alice.id },
  ]);
  const [, message] = entries;
  expect(message && (await readBy(phone, message))).toEqual(['to both']);
  expect(await waits(3)).toHaveLength(3);

  await hand(alice, await alice.group.commit({ remove: [bob.id] }, request()));
  await say(alice, 'to the phone', 2);
  await waits(4, BOBS_PHONE);
  expect((await pair.entries()).map(({ kind }) => kind)).toEqual(['welcome', 'commit', 'message', 'commit']);
});

test('a device of another domain may make the group, and its domain follows it from the beginning', async () => {
  // Its homeserver has it read the group before it asks.
  await pair.follower.writer.run((tx) => pair.follower.queues.subscribe(tx, BOB, GROUP, 0));
  await create(bob);
  await alice.joinExternally(bob);
  const own = alice.group.pending;
  if (!own) throw new Error('no commit');
  await hand(alice, own);
  const [commit] = await waits(1);
  expect(commit).toMatchObject({ kind: 'commit', sender: alice.id });
  await bob.group.receive(fromText(commit?.payload ?? ''));
  await say(bob, 'welcome');
  await until(() => pair.own.length === 1, 'it is back');
});

test('at the follower the state of a conversation changes nothing of its group, which is the hub’s', async () => {
  const other = new Groups({
    ...pair.follower,
    ...{ journal, domain: BETA, credentials: hub.environment.credentials, followers: pair.hub.feeds },
    world: pair.world,
    signer: { ...hub.signer, publicKey: hub.environment.hub.signatureKey },
    onFault: (error) => pair.faults.push(error),
  });
  const state = await journal.change(conversation, (before) => {
    if (!before) throw new Error('it is gone');
    return { ...before, group: GROUP, seq: before.seq + 1 };
  });
  const change = { before: state, after: { ...state, members: [], seq: state.seq + 1 }, by: BOB as string as UserId };
  await pair.follower.store.transaction((tx) => other.changing(tx, change));
  other.changed(change);
  await other.close();
  expect(await pair.follower.store.db.selectFrom('entries').selectAll().execute()).toEqual([]);
});
