/** A call that is moderated, in two browsers of two organisations with their real servers: what each sees, and can do. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildWeb } from '#web/build.ts';
import { type Browser, openBrowser } from './browser.ts';
import { joinCall, signIn, startCall } from './page.ts';
import { testPlaces } from './testing-places.ts';
import { startTrial, type Trial } from './trial.ts';

let trial: Trial;
let browsers: readonly [Browser, Browser];
let alice: Page;
let bob: Page;

beforeAll(async () => {
  await buildWeb();
  const places = await testPlaces('alpha', 'beta');
  trial = await startTrial({ places, say: () => undefined, onDied: (sentence) => expect.fail(sentence) });
  browsers = await Promise.all([openBrowser(), openBrowser()]);
  [alice, bob] = [browsers[0].page, browsers[1].page];
  await Promise.all([signIn(alice, trial.alice), signIn(bob, trial.bob)]);
}, 90_000);
afterAll(async () => {
  await Promise.all(browsers?.map((browser) => browser.close()) ?? []);
  await trial?.stop();
});

const toolbar = (page: Page) => page.getByRole('toolbar', { name: 'Call' });
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const says = (page: Page, words: string | RegExp, state: 'visible' | 'attached' = 'visible') =>
  page.getByText(words).first().waitFor({ state });

it('whoever starts a call lets others in, decides what they may do, mutes them and puts them out', async () => {
  await startCall(alice);
  await toolbar(alice)
    .getByRole('button', { name: /^Moderate/ })
    .click();
  const dialog = alice.getByRole('dialog', { name: 'Moderate the call' });
  await dialog.getByLabel('Whoever comes waits until somebody lets him in').click();
  await dialog.getByRole('checkbox', { name: /^Whoever comes waits/, checked: true }).waitFor();
  await alice.keyboard.press('Escape');
  await says(alice, 'Whoever comes waits to be let in. Decided by you.');

  await joinCall(bob);
  await says(bob, /^Waiting to be let in\./);
  await says(alice, /Bob of beta\S* waits to be let in\./);
  await button(alice, 'Let in').click();
  await says(bob, /^2 people$/);
  await says(alice, /^2 people$/);
  // She is no member of his organisation, and he does not moderate.
  expect(
    await toolbar(bob)
      .getByRole('button', { name: /^Moderate/ })
      .count(),
  ).toBe(0);
  await says(bob, /^Whoever comes waits to be let in\. Decided by Alice of alpha\S*\.$/);

  // He pins her by the keyboard, and lets her go.
  const hers = (pressed: boolean) => bob.getByRole('button', { name: /^Alice, external/, pressed });
  await hers(false).press('Enter');
  await bob.getByRole('button', { name: /^Alice, .*pinned/ }).waitFor();
  await hers(true).press('Enter');
  await hers(false).waitFor();
  // No picture lies over a name.
  await bob.locator('.tile video').first().waitFor();
  const covered = await bob.evaluate(() =>
    [...document.querySelectorAll('.plate')].filter((plate) => {
      const { left, top, width, height } = plate.getBoundingClientRect();
      return !plate.contains(document.elementFromPoint(left + width / 2, top + height / 2));
    }),
  );
  expect(covered).toEqual([]);

  await toolbar(bob).getByRole('button', { name: 'Mute' }).waitFor();
  await alice.keyboard.press('o');
  await button(alice, 'Mute everybody else').click();
  await says(bob, /^Alice of alpha\S* muted everybody\.$/);
  await toolbar(bob).getByRole('button', { name: 'Unmute' }).click();
  await toolbar(bob).getByRole('button', { name: 'Mute', exact: true }).waitFor();

  await dialog.getByLabel('Everybody may speak').click();
  await says(bob, /Only those who moderate may speak\./);
  const unmute = toolbar(bob).getByRole('button', { name: 'Unmute' });
  await unmute.waitFor();
  expect(await unmute.isDisabled()).toBe(true);
  // Seen by her too: his microphone is off.
  await alice.getByRole('button', { name: /^Bob, .*microphone off/, includeHidden: true }).waitFor();
  expect(await toolbar(bob).getByRole('button', { name: 'Stop camera' }).isDisabled()).toBe(false);
  // He reacts all the same: by a key, the arrows and Enter.
  await bob.keyboard.press('r');
  const signs = bob.getByRole('group', { name: 'React' });
  await signs.getByRole('button', { name: 'Thumbs up' }).waitFor();
  await bob.keyboard.press('ArrowRight');
  await bob.keyboard.press('Enter');
  await Promise.all([
    alice.getByRole('button', { name: /^Bob, .*reacts with 👏/, includeHidden: true }).waitFor(),
    bob.getByRole('button', { name: /^Bob, you, .*reacts with 👏/ }).waitFor(),
    says(alice, 'Bob reacts with 👏', 'attached'),
    says(bob, 'You react with 👏', 'attached'),
  ]);
  await signs.waitFor({ state: 'detached' });
  await alice.getByRole('button', { name: /^Bob, .*reacts with/, includeHidden: true }).waitFor({ state: 'detached' });
  await dialog.getByLabel('Everybody may speak').click();
  await unmute.click();
  await toolbar(bob).getByRole('button', { name: 'Mute', exact: true }).waitFor();

  await dialog.getByRole('button', { name: 'Put out' }).click();
  const out = bob.getByText(/^Alice of alpha\S* put you out of the call\./);
  await out.waitFor();
  await says(alice, /^1 person$/);
  await dialog.getByRole('button', { name: 'Let in again' }).waitFor();
  // He comes all the same, and is told so again.
  await bob.getByRole('button', { name: 'Dismiss' }).click();
  await out.waitFor({ state: 'detached' });
  await joinCall(bob);
  await out.waitFor();
  await dialog.getByRole('button', { name: 'Let in again' }).click();
  await out.waitFor({ state: 'detached' });
  await says(bob, 'You may join the call again.', 'attached');
  await joinCall(bob);
  await says(bob, /^2 people$/);
}, 120_000);
