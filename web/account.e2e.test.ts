/** The own account on the page: a name that others see, a password that leaves one device, the end of it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PASSWORD } from '#homeserver/testing/organisation.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

const NEW_PASSWORD = 'four words nobody guesses';
let world: ChatWorld;
let alice: BrowserPerson;
let bob: BrowserPerson;

beforeAll(async () => {
  world = await ChatWorld.start();
  await world.account('alice', 'Alice');
  await world.account('bob', 'Bob');
  [alice, bob] = [await world.person('alice'), await world.person('bob')];
  await alice.converse('Rigging', '@bob@alpha.example');
});
afterAll(() => world[Symbol.asyncDispose]());

const press = ({ page }: BrowserPerson, name: string) => page.getByRole('button', { name, exact: true }).click();
const ownName = ({ page }: BrowserPerson) => page.getByRole('button', { name: /^Your account/ });
const isWide = ({ page }: BrowserPerson) =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

it('a new name is seen by others where they are', async () => {
  await bob.open('Rigging');
  await alice.say('heave');
  await bob.hears('heave');
  await ownName(alice).click();
  await alice.page.getByLabel('What others see as your name').fill('  Alice Näf ');
  await alice.page.getByLabel('What others see as your name').press('Enter');
  await expect.poll(() => ownName(alice).textContent()).toContain('Alice Näf');
  await bob.page.getByRole('article').filter({ hasText: 'Alice Näf' }).waitFor();
  // Where nobody could use an invitation, none is offered.
  expect(await alice.page.getByRole('region', { name: 'Invite people' }).count()).toBe(0);
  expect([...alice.complaints, ...bob.complaints]).toEqual([]);
});

it('a new password removes every other device, says so before, and this one goes on', async () => {
  const other = await world.person('alice', 360);
  await ownName(alice).click();
  await press(alice, 'Change the password…');
  const dialog = alice.page.getByRole('dialog', { name: 'Change the password' });
  await dialog.getByText(/Every other device of yours \(.+\) is signed out and removed/).waitFor();
  await dialog.getByLabel('Current password').fill('not this one');
  await dialog.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
  await dialog.getByRole('button', { name: 'Change it' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'not your password' }).waitFor();
  await dialog.getByLabel('Current password').fill(PASSWORD);
  await alice.page.keyboard.press('Enter');
  await alice.page.getByText('It is changed. This device goes on').waitFor();
  await other.page.getByRole('alert').filter({ hasText: 'You were signed out here' }).waitFor();
  await alice.open('Rigging');
  await alice.say('belay');
  await bob.hears('belay');
  await other.page.getByLabel('Your name').fill('alice');
  await other.page.getByLabel('Password').fill(NEW_PASSWORD);
  await press(other, 'Sign in');
  await other.page.getByRole('heading', { name: 'This device was removed' }).waitFor();
});

it('an account is deleted by its password, with what this browser keeps of it', async () => {
  await bob.page.setViewportSize({ width: 360, height: 740 });
  await press(bob, 'Back to the list');
  await ownName(bob).click();
  expect(await isWide(bob)).toBe(false);
  const kept = () => bob.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  expect(await kept()).not.toEqual([]);
  await press(bob, 'Delete your account…');
  const dialog = bob.page.getByRole('dialog', { name: 'Delete your account?' });
  await dialog.getByLabel('Your password').fill('not this one');
  await dialog.getByRole('button', { name: 'Delete it for good' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'not your password' }).waitFor();
  expect(await isWide(bob)).toBe(false);
  await dialog.getByLabel('Your password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Delete it for good' }).click();
  await bob.page.getByRole('status').filter({ hasText: 'Your account is deleted' }).waitFor({ state: 'attached' });
  await expect.poll(kept).toEqual([]);
  await bob.signIn('bob');
  await bob.page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
});
