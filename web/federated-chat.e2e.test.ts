/** Two people of two organisations, each in a browser at the own homeserver: what they write, and what they see while one is away. */
import { readFile } from 'node:fs/promises';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Organisation } from '#homeserver/testing/organisation.ts';
import { ALL_SCOPES } from '#trust/peers-schema.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let beta: Organisation;
let alice: BrowserPerson;
let bob: BrowserPerson;

beforeAll(async () => {
  world = await ChatWorld.start(undefined, 'beta.example');
  [beta] = world.others as [Organisation];
  await beta.allow({ organisation: world.alpha, may: { ...ALL_SCOPES, search: 'full' } });
  await world.alpha.stop();
  world.alpha.site.homeserver.foreignBanner = 'not classified';
  await world.serve();
  await world.account('alice', 'Alice');
  await world.account('bob', 'Bob', beta);
  await world.account('carol', 'Carol', beta);
  [alice, bob] = await Promise.all([world.person('alice'), world.person('bob', 1280, beta)]);
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const each of [alice, bob]) expect(each.complaints.splice(0)).toEqual([]);
});

const banner = ({ page }: BrowserPerson) => page.getByRole('region', { name: 'Other organisations' });
const fares = (message: Locator, words: RegExp) => message.getByText(words).waitFor();
const look = ({ page }: BrowserPerson, name: string) =>
  process.env.HAWSER_SHOTS ? page.screenshot({ path: `${process.env.HAWSER_SHOTS}/${name}.png` }) : undefined;
/** The browser itself says in its console that it could not connect. */
const forgiveConnections = (person: BrowserPerson) => {
  const others = person.complaints.splice(0).filter((text) => !/WebSocket|Failed to load resource/.test(text));
  expect(others).toEqual([]);
};

async function sendPicture(from: BrowserPerson, name: string, to: BrowserPerson): Promise<void> {
  const url = await from.page.evaluate(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1_200, 800];
    const context = canvas.getContext('2d');
    const sea = context?.createLinearGradient(0, 0, 1_200, 800);
    sea?.addColorStop(0, '#14626b');
    sea?.addColorStop(1, '#f2b35e');
    if (context && sea) {
      context.fillStyle = sea;
      context.fillRect(0, 0, 1_200, 800);
    }
    return canvas.toDataURL('image/jpeg', 0.95);
  });
  const buffer = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  await from.page.locator('input[type=file]').setInputFiles([{ name, mimeType: 'image/jpeg', buffer }]);
  await from.page.getByRole('button', { name: 'Send', exact: true }).click();
  await to.page.getByRole('button', { name: `Picture: ${name}. Open it large` }).click();
  const viewer = to.page.getByRole('dialog');
  const large = viewer.getByRole('img');
  // The small one came with the message; the large one is fetched from the homeserver of who sent it.
  await expect.poll(() => large.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1_200);
  const [download] = await Promise.all([
    to.page.waitForEvent('download'),
    viewer.getByRole('button', { name: /Download|Save/ }).click(),
  ]);
  expect((await readFile(await download.path())).length).toBeGreaterThan(1_000);
  await to.page.keyboard.press('Escape');
  await viewer.waitFor({ state: 'detached' });
}

it('two people of two organisations find, write to, and answer each other', async () => {
  await alice.converse('Harbour', '@bob@beta.example');
  await banner(alice).getByText('not classified · with beta.example').waitFor();
  await alice.say('Good **morning**');
  await bob.listed(/Harbour.*1 unread/).waitFor();
  await bob.open('Harbour');
  await banner(bob).getByText('people of alpha.example read it too').waitFor();
  const heard = await bob.hears('Good morning');
  await heard.getByText('alpha.example').waitFor();
  await fares(alice.message('Good morning'), /^Read$/);

  await heard.hover();
  await heard.getByRole('button', { name: 'React' }).click();
  await bob.page.getByRole('button', { name: 'thumbs up', exact: true }).click();
  await alice
    .message('Good morning')
    .getByRole('button', { name: /^thumbs up, 1: Bob/ })
    .waitFor();
  await bob.say('To you twoo');
  const answer = await alice.hears('To you twoo');
  await answer.getByText('beta.example').waitFor();
  // What has no place yet cannot be changed; he may learn of it later than she.
  await fares(await bob.hears('To you twoo'), /^(Sent|Delivered|Read)$/);
  await bob.field.press('ArrowUp');
  await expect.poll(() => bob.field.inputValue()).toBe('To you twoo');
  await bob.say('To you too');
  expect(await (await alice.hears('To you too')).textContent()).toMatch(/edited/);
  await bob.field.pressSequentially('Hm');
  await alice.page.getByText(/^Bob.* is writing…$/).waitFor();
  await bob.field.fill('');
});

it('pictures go both ways, each from the homeserver of who sent it', async () => {
  await sendPicture(alice, 'harbour.jpg', bob);
  await sendPicture(bob, 'quay.jpg', alice);
  await look(alice, 'federated-pictures');
});

it('somebody more of the other organisation is proposed while one types, and added', async () => {
  await alice.page.getByRole('button', { name: 'About this conversation' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'About this conversation' });
  const field = dialog.getByLabel('Add somebody by address');
  await field.fill('@ca@beta.example');
  const proposal = dialog.locator('datalist option');
  await proposal.waitFor({ state: 'attached' });
  await field.fill((await proposal.getAttribute('value')) ?? '');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByRole('listitem').filter({ hasText: '@carol@beta.example' }).waitFor();
  await look(alice, 'federated-about');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await bob.page.locator('.notice', { hasText: 'added Carol' }).waitFor();
});

it('they verify each other by the same numbers on both screens', async () => {
  const numbers: string[][] = [];
  for (const [each, name] of [
    [alice, 'Bob'],
    [bob, 'Alice'],
  ] as const) {
    await each.page.getByRole('button', { name: 'About this conversation' }).click();
    await each.page.getByRole('button', { name: `Verify ${name}` }).click();
    const dialog = each.page.getByRole('dialog', { name: `Verify ${name}` });
    await dialog.locator('.fingerprint').nth(1).waitFor();
    numbers.push((await dialog.locator('.fingerprint').allTextContents()).map((text) => text.replace(/^[^:]*: /, '')));
    await look(each, `federated-verify-${name}`);
    await dialog.getByRole('button', { name: 'They are the same' }).click();
    await each.page
      .getByRole('listitem')
      .filter({ hasText: `@${name.toLowerCase()}@` })
      .getByText('Verified', { exact: true })
      .waitFor();
    await each.page.getByRole('button', { name: 'Close' }).click();
  }
  expect(numbers[0]?.toSorted()).toEqual(numbers[1]?.toSorted());
});

it('while the other organisation is away that is said, and what was written reaches it when it is back', async () => {
  await beta.stop();
  await alice.say('are you there');
  await banner(alice)
    .getByText(
      /^beta\.example cannot be reached since (\d.*|Yesterday): what you write reaches its people when it is back\.$/,
    )
    .waitFor();
  await fares(await alice.hears('are you there'), /^Sent$/);
  await look(alice, 'federated-away');
  await bob.page.getByText(/^Not connected\. What you write is kept/).waitFor();
  await world.serve({}, beta);
  await bob.retry();
  await bob.hears('are you there');
  await banner(alice).getByText('cannot be reached').waitFor({ state: 'detached' });
  forgiveConnections(bob);
});

it('what is written while the hub is away waits at the own homeserver, says so, and comes through', async () => {
  await world.alpha.stop();
  await bob.say('now it is your turn');
  const message = await bob.hears('now it is your turn');
  await fares(message, /^Waiting for alpha\.example since (\d|Yesterday)/);
  await banner(bob)
    .getByText(
      /^alpha\.example cannot be reached since (\d.*|Yesterday): what you write is delivered when it is back\.$/,
    )
    .waitFor();
  await look(bob, 'federated-waiting');
  await world.serve();
  await alice.retry();
  await alice.hears('now it is your turn');
  await fares(message, /^(Sent|Delivered|Read)/);
  await banner(bob).getByText('cannot be reached').waitFor({ state: 'detached' });
  forgiveConnections(alice);
});
