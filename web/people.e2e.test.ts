/** Who may reach whom, as people decide it on the page. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { PASSWORD } from '#homeserver/testing/organisation.ts';
import { Person } from '#homeserver/testing/person.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let alice: BrowserPerson;
let bob: BrowserPerson;

beforeAll(async () => {
  world = await ChatWorld.start();
  world.alpha.site.homeserver.teamMates = 'nobody';
  await world.alpha.stop();
  await world.serve();
  await world.alpha.connectSft();
  await world.account('alice', 'Alice');
  await world.account('bob', 'Bob');
  [alice, bob] = [await world.person('alice'), await world.person('bob')];
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const each of [alice, bob]) expect(each.complaints.splice(0)).toEqual([]);
});

const people = ({ page }: BrowserPerson) => page.getByRole('button', { name: /^People/ }).click();
const ask = async ({ page }: BrowserPerson, address: string) => {
  await page.getByLabel('Ask somebody to connect').fill(address);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
};
const section = ({ page }: BrowserPerson, name: string) => page.getByRole('region', { name });
const under = (person: BrowserPerson, title: string, name: string) =>
  section(person, title).getByRole('listitem').filter({ hasText: name });
const press = (person: BrowserPerson, name: string) => person.page.getByRole('button', { name, exact: true }).click();

it('somebody is asked, taken back, asked again, and accepts', async () => {
  await people(alice);
  await ask(alice, 'bob');
  await alice.page.getByRole('alert').filter({ hasText: 'An address looks like @bob@alpha.example' }).waitFor();
  await ask(alice, '@zoe@beta.example');
  await alice.page.getByRole('alert').filter({ hasText: 'have not allowed each other' }).waitFor();
  expect(alice.complaints.splice(0)).toEqual([expect.stringContaining('403')]);
  await ask(alice, '@bob@alpha.example');
  await under(alice, 'You have asked', 'Bob').waitFor();
  await bob.page.getByRole('button', { name: 'People, 1 person asks to connect' }).waitFor();
  await bob.page.getByRole('status').filter({ hasText: '1 person asks to connect' }).waitFor({ state: 'attached' });
  await press(alice, 'Take back Bob');
  await bob.page.getByRole('button', { name: 'People', exact: true }).waitFor();
  await ask(alice, '@bob@alpha.example');
  await people(bob);
  await press(bob, 'Ignore Alice');
  await under(bob, 'Ignored', 'Alice').waitFor();
  // To whom is ignored it looks as if nobody had answered.
  await under(alice, 'You have asked', 'Bob').waitFor();
  await press(bob, 'Accept Alice');
  await under(alice, 'Connected', 'Bob').waitFor();
  await under(bob, 'Connected', 'Alice').waitFor();
});

it('whoever is blocked from a card rings nobody, is told nothing, and is listed until unblocked', async () => {
  await alice.converse('Ropes', '@bob@alpha.example');
  await alice.say('hello');
  const caller = await Person.signIn(world.alpha.url, 'bob', PASSWORD);
  const [ropes] = await caller.conversations();
  if (!ropes) throw new Error('bob is in it');
  const banner = alice.page.getByRole('region', { name: 'Call that goes on' });
  await caller.call(ropes.conversation);
  await banner.getByText('Bob is calling.').waitFor();
  await caller.endCall(ropes.conversation).catch(() => undefined);
  await banner.waitFor({ state: 'detached' });

  await press(alice, 'About this conversation');
  await press(alice, 'Block… Bob');
  await alice.page
    .getByRole('dialog', { name: 'Block Bob?' })
    .getByRole('button', { name: 'Block', exact: true })
    .click();
  await alice.page.getByText('You have blocked this person').waitFor();
  await press(alice, 'Close');
  await caller.call(ropes.conversation);
  // It is seen, and does not ring.
  await banner.getByText('A call goes on.').waitFor();
  expect(await alice.page.getByText('is calling').count()).toBe(0);
  await under(bob, 'Connected', 'Alice').waitFor({ state: 'detached' });
  await under(bob, 'You have asked', 'Alice').waitFor();
  caller.close();

  await people(alice);
  await press(alice, 'Unblock Bob');
  await section(alice, 'Blocked').waitFor({ state: 'detached' });
  await under(alice, 'Ignored', 'Bob').waitFor();
});

it('a request can be answered with a block, on a telephone too', async () => {
  await world.account('mallory', 'Mallory');
  const mallory = await world.person('mallory', 360);
  await people(mallory);
  await ask(mallory, '@alice@alpha.example');
  await under(mallory, 'You have asked', 'Alice').waitFor();
  await alice.page.setViewportSize({ width: 360, height: 740 });
  await under(alice, 'They ask to connect', 'Mallory').waitFor();
  for (const { page } of [alice, mallory]) {
    expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  }
  await press(alice, 'Block… Mallory');
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Block', exact: true }).press('Enter');
  await under(alice, 'Blocked', 'Mallory').waitFor();
  await press(alice, 'Back to the list');
  await alice.page.getByRole('button', { name: /^People/ }).waitFor();
  await alice.page.setViewportSize({ width: 1280, height: 800 });
});
