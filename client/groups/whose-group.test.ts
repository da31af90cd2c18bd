import { expect, test } from 'vitest';
import type { ConversationId, DomainName, GroupId, UserId } from '#signalling/ids.ts';
import type { Entry } from '#signalling/queue.ts';
import { conversationIn, MAX_ASKED, whoseGroup } from './whose-group.ts';

const alpha = 'alpha.example' as DomainName;
const conversation = 'mimi://beta.example/r/AAAAAAAAAAAAAAAAAAAAAA' as ConversationId;
const far = 'mimi://beta.example/g/GGGGGGGGGGGGGGGGGGGGGG' as GroupId;
const near = 'mimi://alpha.example/g/GGGGGGGGGGGGGGGGGGGGGG' as GroupId;

const notice: Entry = {
  position: 9,
  kind: 'notice',
  group: far,
  at: 1,
  payload: Buffer.from(
    JSON.stringify({
      conversation,
      change: { type: 'left', who: { user: `mimi://${alpha}/u/bob` as UserId, name: 'Bob' } },
    }),
  ).toString('base64url'),
};

/** A list that has the conversation after so many fetches. */
function listThatHasItAfter(fetches: number, waiting: readonly Entry[] = []) {
  let fetched = 0;
  return {
    find: () => (fetched >= fetches ? conversation : undefined),
    refresh: async () => {
      fetched += 1;
    },
    inVault: async () => undefined,
    entries: async (after: number) => waiting.filter(({ position }) => position > after).slice(0, 1),
    own: alpha,
    asked: 0,
  };
}

test('the list is fetched where it does not have the conversation yet', async () => {
  expect(await whoseGroup(far, 5, listThatHasItAfter(0))).toBe(conversation);
  expect(await whoseGroup(far, 5, listThatHasItAfter(1))).toBe(conversation);
});

test('of another hub’s group it comes again, as long as nothing says that the person is out', async () => {
  await expect(whoseGroup(far, 5, listThatHasItAfter(9))).rejects.toMatchObject({ code: 'FED_UNREACHABLE' });
  const other: Entry = { ...notice, position: 7, group: `${far}X` as GroupId };
  await expect(whoseGroup(far, 5, listThatHasItAfter(9, [other]))).rejects.toMatchObject({ code: 'FED_UNREACHABLE' });
});

test('a hub that delivers what belongs to no conversation holds nobody for good', async () => {
  const known = { ...listThatHasItAfter(99), asked: MAX_ASKED };
  expect(await whoseGroup(far, 5, known)).toBeUndefined();
});

test('of whoever is out by now it is told further behind what it was about', async () => {
  const other: Entry = { ...notice, position: 7, kind: 'message', payload: '' };
  expect(await whoseGroup(far, 5, listThatHasItAfter(9, [other, notice]))).toBe(conversation);
});

test('of the own hub’s group whoever is not in the list has left', async () => {
  expect(await whoseGroup(near, 5, listThatHasItAfter(9))).toBeUndefined();
});

test('of the own hub’s group too it is told further behind what it was about, where the person came and went', async () => {
  const here = 'mimi://alpha.example/r/AAAAAAAAAAAAAAAAAAAAAA' as ConversationId;
  const change = { type: 'removed', who: { user: `mimi://${alpha}/u/bob` as UserId, name: 'Bob' } };
  const payload = Buffer.from(JSON.stringify({ conversation: here, change })).toString('base64url');
  const gone: Entry = { ...notice, group: near, payload };
  expect(await whoseGroup(near, 5, listThatHasItAfter(9, [gone]))).toBe(here);
});

test('of a conversation that was left what is here says', async () => {
  const known = { ...listThatHasItAfter(9), inVault: async () => conversation };
  expect(await whoseGroup(far, 5, known)).toBe(conversation);
});

test('a hub says nothing about conversations of another one', () => {
  expect(conversationIn(notice.payload, far)).toBe(conversation);
  expect(conversationIn(notice.payload, near)).toBeUndefined();
  expect(conversationIn('AAAA', far)).toBeUndefined();
});
