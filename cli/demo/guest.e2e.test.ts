/** Somebody without an account in a call of two organisations, in real browsers with their real servers: how he comes, is seen, and goes. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildWeb } from '#web/build.ts';
import { type Browser, openBrowser } from './browser.ts';
import { joinCall, STEP_MS, signIn, startCall } from './page.ts';
import { testPlaces } from './testing-places.ts';
import { startTrial, type Trial } from './trial.ts';

const LONG_MS = 2 * STEP_MS;

let trial: Trial;
let browsers: readonly Browser[] = [];
let alice: Page;
let bob: Page;
let nina: Page;

beforeAll(async () => {
  await buildWeb();
  const places = await testPlaces('alpha', 'beta');
  trial = await startTrial({ places, say: () => undefined, onDied: (sentence) => expect.fail(sentence) });
  browsers = await Promise.all([openBrowser(), openBrowser(), openBrowser()]);
  [alice, bob, nina] = browsers.map(({ page }) => page) as [Page, Page, Page];
  await Promise.all([signIn(alice, trial.alice), signIn(bob, trial.bob)]);
  // Three browsers that film are slow on a small machine.
  for (const page of [alice, bob, nina]) page.setDefaultTimeout(LONG_MS);
}, 90_000);
afterAll(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  await trial?.stop();
});

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const says = (page: Page, words: string | RegExp) => page.getByText(words).first().waitFor();
/** Frames of pictures that came of somebody so far. */
const framesOf = (page: Page, name: RegExp) =>
  page.evaluate(
    async (source) =>
      (await window.hawser?.stats())
        ?.filter((tile) => new RegExp(source).test(tile.name ?? '') && tile.kind === 'camera')
        .reduce((sum, { framesDecoded }) => sum + framesDecoded, 0) ?? 0,
    name.source,
  );
/** People in the list of who can hear, by the keys of the call. */
async function listeners(page: Page): Promise<string[]> {
  await button(page, /^End-to-end encrypted/).click();
  const dialog = page.getByRole('dialog', { name: 'Who can hear' });
  await dialog.waitFor();
  const names = await dialog.locator('.listener strong').allInnerTexts();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  return names;
}

it('a guest asks to be let in, is seen and heard as one, has keys of the call alone, and loses them when put out', async () => {
  await startCall(alice);
  await alice.keyboard.press('v');
  await joinCall(bob);
  await says(alice, /^2 people$/);
  await alice.keyboard.press('o');
  await button(alice, 'Invite by link').click();
  const link = await alice.getByLabel('Link for guests').textContent();
  expect(new URL(link ?? '').hash).toHaveLength(33);

  await nina.goto(link ?? '');
  await says(nina, /^Alice of alpha\S* invites you to a call\./);
  await nina.getByLabel('Your name').fill('Nina ✓');
  await button(nina, 'Ask to be let in').click();
  await says(nina, /^A name has at most 40 letters/);
  await nina.getByLabel('Your name').fill('Nina');
  await button(nina, 'Ask to be let in').click();
  await says(nina, /^Waiting to be let in\./);
  // What the call is called is told to whoever was let in.
  await nina.getByRole('heading', { name: 'Call', exact: true }).waitFor();

  await alice.keyboard.press('Escape');
  await says(alice, /^Nina, guest of alpha\S* waits to be let in\.$/);
  expect(await button(bob, 'Let in').count()).toBe(0);
  await button(alice, 'Let in').click();
  for (const page of [alice, bob, nina]) await says(page, /^3 people$/);
  const guest = /^Nina, guest of alpha/;
  for (const page of [alice, bob]) await page.getByRole('button', { name: guest, includeHidden: true }).waitFor();
  await expect.poll(() => framesOf(bob, guest), { timeout: LONG_MS }).toBeGreaterThan(0);
  await expect.poll(() => framesOf(nina, /^Bob$/), { timeout: LONG_MS }).toBeGreaterThan(0);
  expect((await listeners(bob)).map((name) => name.trim())).toContainEqual(expect.stringMatching(guest));
  expect(await listeners(nina)).toHaveLength(3);
  // She moderates nothing, and shares nothing.
  expect(await button(nina, /^Moderate/).count()).toBe(0);

  await alice.keyboard.press('o');
  const dialog = alice.getByRole('dialog', { name: 'Moderate the call' });
  await dialog
    .getByRole('listitem')
    .filter({ hasText: 'Nina, guest of' })
    .getByRole('button', { name: 'Put out' })
    .click();
  await says(nina, /^Alice put you out of the call\./);
  await says(bob, /^2 people$/);
  await alice.keyboard.press('Escape');
  await expect.poll(async () => (await listeners(bob)).length, { timeout: LONG_MS }).toBe(2);
  expect(await nina.evaluate(() => window.hawser?.faults)).toEqual([]);
}, 240_000);
