/** What can go wrong with what a browser keeps, and the way out of each. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PASSWORD } from '#homeserver/testing/organisation.ts';
import { BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;

beforeAll(async () => {
  world = await ChatWorld.start();
  for (const handle of ['alice', 'bob', 'carol']) await world.account(handle, handle);
});
afterAll(() => world[Symbol.asyncDispose]());

const home = ({ page }: BrowserPerson) => page.getByRole('navigation', { name: 'Conversations' });
const isTold = (page: Page, title: string) => page.getByRole('heading', { level: 1, name: title }).waitFor();

it('a second tab says at once that Hawser is open, takes over, and can be taken over from', async () => {
  const first = await world.person('alice');
  await first.converse('Notes', '@carol@alpha.example');
  await first.say('kept');
  const second = new BrowserPerson(await first.page.context().newPage());
  // The other tab says so: nothing here waits for a lock until its patience is over.
  await second.page.addInitScript(() => {
    const later = window.setTimeout.bind(window);
    const soon = (then: () => void, ms = 0) => (ms < 3_000 ? later(then, ms) : 0);
    Object.defineProperty(window, 'setTimeout', { value: soon });
  });
  await second.page.goto(world.alpha.url);
  await isTold(second.page, 'Hawser is open in another tab');
  await second.page.getByRole('button', { name: 'Use here' }).click();
  await home(second).waitFor();
  await isTold(first.page, 'Hawser is open in another tab');
  await second.open('Notes');
  await second.hears('kept');
  await second.say('from the second');
  await first.page.getByRole('button', { name: 'Use here' }).press('Enter');
  await home(first).waitFor();
  await first.open('Notes');
  await first.hears('from the second');
  await isTold(second.page, 'Hawser is open in another tab');
  await second.page.close();
  // A page that is only loaded anew is in nobody's way.
  await first.page.reload();
  await home(first).waitFor();
  expect([...first.complaints, ...second.complaints]).toEqual([]);
});

it('whoever has signed out is in no other tab’s way', async () => {
  const first = await world.person('bob');
  const second = new BrowserPerson(await first.page.context().newPage());
  await first.page.getByRole('button', { name: /^Your account/ }).click();
  await first.page.getByRole('button', { name: 'Sign out' }).click();
  await first.page.getByLabel('Password').waitFor();
  await second.page.goto(world.alpha.url);
  await second.signIn('bob');
  await home(second).waitFor();
});

it('a browser that keeps nothing is told what to do, by name', async () => {
  const carol = await world.visit(360);
  await carol.page.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
  await carol.page.reload();
  await carol.signIn('carol');
  await isTold(carol.page, 'This browser keeps nothing for Hawser');
  expect(await carol.page.getByRole('main').textContent()).toMatch(/ordinary window in the place of a private one/);
  expect(await carol.page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
});

it('what is damaged or deleted is said to be, with what is lost, and the device is set up anew by the password', async () => {
  const alice = await world.visit();
  await alice.signIn('alice');
  await home(alice).waitFor();
  await alice.page.evaluate(async () => {
    // A record that is no record any more: what a failing disk leaves.
    const [{ name = '' } = {}] = await indexedDB.databases();
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const store = database.transaction('records', 'readwrite').objectStore('records');
    store.openCursor().onsuccess = ({ target }) => {
      const cursor = (target as IDBRequest<IDBCursorWithValue | null>).result;
      if (!cursor) return;
      if (typeof cursor.key === 'string') cursor.update(new Uint8Array([1, 2, 3]));
      cursor.continue();
    };
    await new Promise((resolve) => {
      store.transaction.oncomplete = resolve;
    });
    database.close();
  });
  await alice.page.reload();
  await isTold(alice.page, 'What is stored here cannot be read');
  expect(await alice.page.getByRole('main').textContent()).toMatch(/are lost.*other devices keep what they have/);
  await alice.page.getByLabel('Your password').fill(PASSWORD);
  await alice.page.getByRole('button', { name: /set it up/ }).click();
  await home(alice).waitFor();
});
