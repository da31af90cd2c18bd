import { afterEach, beforeEach, expect, test } from 'vitest';
import { email, type TestPeople, testPeople } from '../testing/people.ts';
import { user } from '../testing/world.ts';
import { MAX_OPEN } from './invitations.ts';

const alice = user('@alice@alpha.example');
const bob = user('@bob@alpha.example');
const dora = email('dora@mail.example');
let people: TestPeople;

beforeEach(async () => {
  people = await testPeople({ registration: { mode: 'invitation' } });
  for (const handle of ['alice', 'bob']) {
    await people.administration.add({ handle, name: handle, password: 'correct horse battery' });
  }
});
afterEach(() => people.close());

test('an invitation is listed to whoever made it until it expires, and its token to nobody', async () => {
  const { id, invitation, expiresAt } = await people.invitations.create(alice, dora);
  expect(await people.invitations.list(alice)).toEqual([{ id, email: dora, createdAt: people.world.now(), expiresAt }]);
  expect(await people.invitations.list(bob)).toEqual([]);
  expect(await people.invitations.list(undefined)).toEqual([]);
  const stored = JSON.stringify(await people.store.db.selectFrom('invitations').selectAll().execute());
  expect(stored).not.toContain(invitation);
  expect(stored).not.toContain(invitation.replaceAll('-', ''));
  people.world.advance(7 * 24 * 3_600_000);
  expect(await people.invitations.list(alice)).toEqual([]);
  await expect(people.invitations.find(invitation)).rejects.toMatchObject({ code: 'HOME_INVITATION_REFUSED' });
  await people.sweep();
  expect(await people.store.db.selectFrom('invitations').selectAll().execute()).toEqual([]);
});

test('it is sent where an address is given, in the name of who made it', async () => {
  const { invitation } = await people.invitations.create(alice, dora);
  const { text } = await people.mailTo(dora);
  expect(text).toContain(invitation);
  expect(text).toContain('@alice@alpha.example invites you');
  await people.administration.invite(dora);
  expect((await people.mailTo(dora, 2)).text).toContain('The administrator of alpha.example invites you');
});

test('only whoever made it takes it back, and then it is good for nothing', async () => {
  const { id, invitation } = await people.invitations.create(alice, undefined);
  await expect(people.invitations.takeBack(bob, id)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  await expect(people.invitations.takeBack(undefined, id)).rejects.toMatchObject({ code: 'HOME_NOT_FOUND' });
  await people.invitations.takeBack(alice, id);
  await expect(people.invitations.find(invitation)).rejects.toMatchObject({ code: 'HOME_INVITATION_REFUSED' });
});

test('a person has ten open ones at the most, an administrator as many as he likes', async () => {
  for (let i = 0; i < MAX_OPEN; i++) await people.invitations.create(alice, undefined);
  await expect(people.invitations.create(alice, undefined)).rejects.toMatchObject({ code: 'HOME_INVITATIONS_OPEN' });
  await people.invitations.create(bob, undefined);
  for (let i = 0; i <= MAX_OPEN; i++) await people.invitations.create(undefined, undefined);
});

test('nobody’s letter box is filled with them', async () => {
  for (const by of [alice, bob, alice]) await people.invitations.create(by, dora);
  await expect(people.invitations.create(bob, dora)).rejects.toMatchObject({ code: 'HOME_MAIL_LIMIT' });
  expect(await people.invitations.list(bob)).toHaveLength(1);
});

test('the invitations of somebody who is gone are good for nothing', async () => {
  const { invitation } = await people.invitations.create(alice, undefined);
  await people.administration.remove('alice');
  await expect(people.invitations.find(invitation)).rejects.toMatchObject({ code: 'HOME_INVITATION_REFUSED' });
});
