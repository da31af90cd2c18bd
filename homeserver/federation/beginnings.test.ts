/** A device that makes the group of a conversation of another hub reads it from the beginning, and nobody else comes to read by that. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConversationId, GroupId } from '#signalling/ids.ts';
import { beginReading } from './beginnings.ts';
import { ALICE, ALPHA, BOB, BOBS_PHONE, FeedPair, GROUP, ROOM } from './testing/feed-pair.ts';

let pair: FeedPair;

beforeEach(async () => {
  pair = await FeedPair.open();
});
afterEach(() => pair[Symbol.asyncDispose]());

const begin = (device = BOB, conversation: ConversationId = ROOM, group: GroupId = GROUP) =>
  beginReading(pair.follower, device, conversation, group);
const said = { conversation: ROOM, group: GROUP, kind: 'message', at: 5, sender: ALICE, id: '1' } as const;
const take = (position: number, payload: string) =>
  pair.follower.taken.take(ALPHA, {
    ...{ order: 'one', after: position - 1, statements: [] },
    entries: [{ ...said, position, payload }],
  });

test('it gets the first entry, for which nobody let it in', async () => {
  await begin();
  await take(1, 'one');
  expect(await pair.got()).toEqual(['one']);
});

test('where the hub refuses it, it gets nothing, and asking again does not end what an entry began', async () => {
  const undo = await begin();
  const again = await begin();
  await again();
  expect(await pair.follower.queues.hubsOf(BOB)).toEqual([ALPHA]);
  await undo();
  expect(await pair.follower.queues.hubsOf(BOB)).toEqual([]);
  const late = await begin();
  await pair.follower.writer.run((tx) => pair.follower.queues.subscribe(tx, BOB, GROUP, 7));
  await late();
  expect(await pair.follower.queues.hubsOf(BOB)).toEqual([ALPHA]);
});

test('nobody reads what others say by naming their group, or one of another hub', async () => {
  await begin();
  await expect(begin(BOBS_PHONE)).rejects.toMatchObject({ code: 'HOME_GROUP_EXISTS' });
  const other = 'mimi://alpha.example/g/BBBBBBBBBBBBBBBB' as GroupId;
  await pair.follower.store.db.updateTable('conversations').set({ group_id: other }).execute();
  await expect(begin(BOBS_PHONE, ROOM, other)).rejects.toMatchObject({ code: 'HOME_GROUP_EXISTS' });
  const foreign = 'mimi://gamma.example/g/BBBBBBBBBBBBBBBB' as GroupId;
  await expect(begin(BOBS_PHONE, ROOM, foreign)).rejects.toMatchObject({ code: 'HOME_BAD_REQUEST' });
  expect(await pair.follower.queues.hubsOf(BOBS_PHONE)).toEqual([]);
});
