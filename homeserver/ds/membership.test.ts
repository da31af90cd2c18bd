/** What people do about who is in a conversation, over HTTP, and what becomes of a call that goes on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Organisation, organise, type World } from '../testing/organisation.ts';
import type { Person } from '../testing/person.ts';
import { until } from '../testing/world.ts';

let world: World;
let alpha: Organisation;
let [alice, bob, carol]: Person[] = [];

beforeAll(async () => {
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  [alice, bob, carol] = [await alpha.person('alice'), await alpha.person('bob'), await alpha.person('carol')];
});
afterAll(() => world[Symbol.asyncDispose]());

/** Everybody, and a conversation of all. */
async function crew() {
  if (!alice || !bob || !carol) throw new Error('nobody is there');
  const { conversation } = await alice.create('Rigging', bob.id, carol.id);
  return { alice, bob, carol, conversation };
}

const refused = (status: number, code: string) => expect.objectContaining({ status, code });

test('members decide nothing, and every refusal has its code', async () => {
  const { alice, bob, carol, conversation } = await crew();
  await expect(bob.removeMember(conversation, carol.id)).rejects.toEqual(refused(403, 'HOME_FORBIDDEN'));
  await expect(bob.changeTitle(conversation, 'Mine')).rejects.toEqual(refused(403, 'HOME_FORBIDDEN'));
  await expect(bob.changeRole(conversation, bob.id, 'admin')).rejects.toEqual(refused(403, 'HOME_FORBIDDEN'));
  await expect(alice.changeRole(conversation, alice.id, 'member')).rejects.toEqual(refused(409, 'HOME_LAST_ADMIN'));
  await expect(alice.changeRole(conversation, bob.id, 'guest')).rejects.toEqual(refused(400, 'HOME_BAD_REQUEST'));
  await expect(alice.removeMember(conversation, alice.id)).rejects.toEqual(refused(409, 'HOME_REMOVE_SELF'));
  await expect(alice.changeTitle(conversation, ' \u202e ')).rejects.toEqual(refused(400, 'HOME_BAD_TITLE'));
  await expect(alice.changeTitle(conversation, 'x'.repeat(121))).rejects.toEqual(refused(400, 'HOME_BAD_REQUEST'));
});

test('administrators rename, promote and remove; whoever is out finds the conversation no more', async () => {
  const { alice, bob, carol, conversation } = await crew();
  expect((await alice.changeTitle(conversation, ' Masts  and spars')).title).toBe('Masts and spars');
  await alice.changeRole(conversation, bob.id, 'admin');
  const { members } = await bob.removeMember(conversation, carol.id);
  expect(members.map(({ user }) => user)).toEqual([alice.id, bob.id]);
  await until(() => carol.events.some((each) => each.type === 'conversationRemoved'), 'she is told');
  for (const ask of [
    () => carol.conversation(conversation),
    () => carol.addMember(conversation, carol.id),
    () => carol.changeTitle(conversation, 'Mine'),
    () => carol.leave(conversation),
    () => carol.call(conversation),
  ]) {
    await expect(ask()).rejects.toEqual(refused(404, 'HOME_NOT_FOUND'));
  }
  await alice.leave(conversation);
  expect((await bob.conversation(conversation)).members).toMatchObject([{ user: bob.id, role: 'admin' }]);
});

test('whoever is out is put out of the call, also where he comes with a ticket from before', async () => {
  const { alice, bob, conversation } = await crew();
  const { call, participant: first } = await alice.call(conversation);
  const [second, later] = [await bob.ticket(conversation), await bob.ticket(conversation)];
  alpha.sft.presence(call.conference, [first, second.participant]);
  await until(async () => (await alice.conversation(conversation)).call?.members.length === 2, 'both are there');
  await alice.removeMember(conversation, bob.id);
  await until(() => alpha.sft.removed.includes(second.participant), 'he is put out');
  expect((await alice.conversation(conversation)).call?.members.map(({ user }) => user)).toEqual([alice.id]);
  alpha.sft.presence(call.conference, [first, later.participant]);
  await until(() => alpha.sft.removed.includes(later.participant), 'and again');
  expect((await alice.conversation(conversation)).call?.members.map(({ user }) => user)).toEqual([alice.id]);
  await expect(bob.ticket(conversation)).rejects.toEqual(refused(404, 'HOME_NOT_FOUND'));
});
