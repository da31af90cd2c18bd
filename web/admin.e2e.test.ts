/** Other organisations on the page: who administers allows, limits and blocks them; everybody sees what leaves the own one. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { Person, Refused } from '#homeserver/testing/person.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let others: World;
let beta: Organisation;
let root: BrowserPerson;
let bob: Person;

beforeAll(async () => {
  [world, others] = await Promise.all([ChatWorld.start(), organise('beta.example')]);
  [beta] = others.organisations as [Organisation];
  await beta.allow(world.alpha);
  bob = await beta.person('bob', 'Bob');
  await world.alpha.stop();
  world.alpha.site.homeserver.foreignBanner = 'not classified';
  await world.serve();
  await world.account('alice', 'Alice');
  await world.account('dora', 'Dora');
  await world.alpha.homeserver.createAccount({ handle: 'root', name: 'Root', password: PASSWORD, administrator: true });
  root = await world.visit();
  await root.page.goto(`${world.alpha.url}/admin`);
  await root.signIn('root');
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await others[Symbol.asyncDispose]();
});

/** Enough that one sees how far it is. */
const SHARED = 150;
/** The table is asked for anew every ten seconds. */
const ASKED_ANEW = { timeout: 30_000 } as const;

const button = (name: string | RegExp) => root.page.getByRole('button', { name, exact: true });
const row = () => root.page.getByRole('row', { name: /beta\.example/ });
const look = (name: string) =>
  process.env.HAWSER_SHOTS ? root.page.screenshot({ path: `${process.env.HAWSER_SHOTS}/${name}.png` }) : undefined;

it('an administrator allows an organisation, whose fingerprint the page shows to be compared', async () => {
  const { page } = root;
  // It may have knocked already, and is on the page then.
  await page.getByRole('heading', { name: /^(No other organisation is allowed yet|1 organisation)/ }).waitFor();
  await button('Allow an organisation…').press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Allow an organisation' });
  await dialog.getByLabel('Its domain').fill('beta.example');
  await dialog.getByLabel('Where its homeserver').fill(beta.site.homeserver.federation.address);
  await dialog.getByLabel('Where its sound and picture').fill('203.0.113.0/24, 2001:db8::/32');
  const pem = await readFile(beta.certificates.authority, 'utf8');
  await dialog.getByLabel('Its authority').fill(pem);
  await dialog.getByText(new X509Certificate(pem).fingerprint256).waitFor();
  await look('allow');
  await dialog.getByLabel('The fingerprint is the same').check();
  await dialog.getByRole('button', { name: 'Allow', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await row().getByText('Allowed').waitFor();
  await page.getByRole('status').filter({ hasText: 'beta.example is allowed' }).waitFor({ state: 'attached' });
  await page.locator('h3:focus', { hasText: '1 organisation' }).waitFor();
  expect(root.complaints).toEqual([]);
});

it('a conversation with its people says so, and when it cannot be reached', async () => {
  const { page } = root;
  await button('New conversation').first().click();
  await page.getByLabel('With whom').fill('@bob@beta.example');
  await button('Add').click();
  await button(/^Take .* out$/).waitFor();
  await page.getByLabel('Name of the conversation').fill('Harbour');
  await button('Create').click();
  const banner = page.getByRole('region', { name: 'Other organisations' });
  await banner.getByText('not classified · with beta.example').waitFor();
  await page.waitForURL(({ pathname }) => pathname === '/');
  await page.getByText('Bob (beta.example)').first().waitFor();
  await beta.stop();
  await button('About this conversation').click();
  await page.getByLabel(/^Name/).fill('Quay');
  await button('Rename').click();
  await button('Close').click();
  await banner
    .getByText(/^beta\.example cannot be reached since (\d.*|Yesterday): what you write reaches its people/)
    .waitFor();
  await look('banner');
  await button('Other organisations').click();
  await row()
    .getByText(/^Cannot be reached since (\d|Yesterday)/)
    .waitFor(ASKED_ANEW);
  // What the other side has to be told waits: the new name.
  await row()
    .getByText(/^1, for /)
    .waitFor(ASKED_ANEW);
  await look('unreachable');
  await beta.start();
  await root.open('Quay');
  await banner.getByText('cannot be reached').waitFor({ state: 'detached' });
  await expect.poll(async () => (await bob.conversations())[0]?.title).toBe('Quay');
});

it('limits it, blocks it after saying what will happen, allows it again, and strikes it', {
  timeout: 150_000,
}, async () => {
  const { page } = root;
  await button('Other organisations').click();
  await row().getByText('Allowed').waitFor(ASKED_ANEW);
  await look('table');
  await button('What it may… beta.example').press('Enter');
  await page.getByRole('dialog').getByLabel('At most').first().waitFor();
  expect(await page.evaluate(closeAndOpen, 'Block…')).toBe('What it may… beta.example');
  const asked = page.getByRole('dialog', { name: 'Block beta.example?' });
  await asked.getByRole('button', { name: 'Close' }).click();
  await asked.waitFor({ state: 'detached' });
  await button('What it may… beta.example').click();
  await page.getByLabel('At most … Mbit/s to it').fill('20');
  await page.getByRole('checkbox', { name: 'Calls', exact: true }).uncheck();
  await look('limit');
  await button('Set').click();
  await row().getByText('at most 20 Mbit/s to it').waitFor();
  await row().getByText('no calls').waitFor();
  await button('Block… beta.example').click();
  await asked.getByText('Connections with beta.example end at once').waitFor();
  await look('block');
  const dora = await Person.signIn(world.alpha.url, 'dora', PASSWORD);
  for (let count = 0; count < SHARED; count++) {
    // An organisation that is new to another one may ask it little at once, and is told to come again.
    const created = () =>
      dora.create(`Shared ${count}`, bob.id).catch((error: unknown) => {
        if (error instanceof Refused && error.code === 'FED_LIMIT') return undefined;
        throw error;
      });
    await expect.poll(created, { interval: 100 }).toBeDefined();
  }
  await asked.getByRole('button', { name: 'Block', exact: true }).press('Enter');
  // One by one, so that the homeserver serves others meanwhile.
  await row().getByText('Its people are being taken out').waitFor();
  await row()
    .getByText(new RegExp(`^\\d+ of ${SHARED + 1} conversations done$`))
    .waitFor();
  await look('parting');
  await row()
    .getByText(/^Blocked since/)
    .waitFor({ timeout: 30_000 });
  for (const { members } of await dora.conversations()) expect(members.map(({ user }) => user)).toEqual([dora.id]);
  dora.close();
  await button('Allow… beta.example').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Allow', exact: true }).click();
  await row()
    .getByText(/^Allowed, with limits/)
    .waitFor();
  // Its own people learn of it now, of one conversation after the other, and nobody is back by that alone.
  await expect.poll(async () => (await bob.conversations()).length, { timeout: 60_000 }).toBe(0);
  await button('Remove… beta.example').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await button('Remove… beta.example').waitFor({ state: 'detached' });
  // On a telephone the table scrolls in its own frame, and the page does not.
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  await look('narrow');
  expect(root.complaints).toEqual([]);
});

it('nobody else finds the way there', async () => {
  const alice = await world.visit();
  await alice.page.goto(`${world.alpha.url}/admin`);
  await alice.signIn('alice');
  await alice.page.getByRole('navigation', { name: 'Conversations' }).waitFor();
  expect(await alice.page.getByRole('button', { name: 'Other organisations' }).count()).toBe(0);
  await alice.page.waitForURL(({ pathname }) => pathname === '/');
  expect(alice.complaints).toEqual([]);
});

/** Closes the dialog, and opens the next one as soon as it is gone. @returns the words of what had the focus between the two */
async function closeAndOpen(next: string): Promise<string> {
  document.querySelector<HTMLElement>('dialog [aria-label="Close"]')?.click();
  while (document.querySelector('dialog')) await new Promise((later) => setTimeout(later));
  const words = document.activeElement?.textContent ?? '';
  [...document.querySelectorAll('button')].find(({ textContent }) => textContent?.startsWith(next))?.click();
  // With the next pictures at the latest the browser says that the first one was closed.
  for (let count = 0; count < 5; count++) await new Promise(requestAnimationFrame);
  return words;
}
