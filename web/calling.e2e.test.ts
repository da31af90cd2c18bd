/** What surrounds a call, in a real browser: what others say to it, missed calls, another one meanwhile, moving it, ending it for all. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { Account } from '#client/account.ts';
import { answersTo } from '#client/calls/answers.ts';
import { Conference } from '#client/conference/conference.ts';
import { Following } from '#client/following.ts';
import { NodeEngine } from '#client/media/node/engine.ts';
import { Messenger } from '#client/messenger.ts';
import { CallWorld, type Friends } from '#client/testing/call-world.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import { type DomainName, userIdOf } from '#signalling/ids.ts';
import { buildWeb } from './build.ts';

const CHROMIUM = process.env.HAWSER_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = [
  '--disable-gpu',
  '--disable-background-networking',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

let world: CallWorld;
let browser: Browser;
let friends: Friends;
let page: Page;
let bob: Messenger;

beforeAll(async () => {
  world = await CallWorld.start((await buildWeb()).folder);
  browser = await chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: FLAGS });
});
afterAll(async () => {
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
});

/** Alice before the page, and Bob of the other organisation with a program, each with the other in the group of Harbour. */
beforeEach(async () => {
  friends = await world.friends();
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  onTestFinished(() => context.close());
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  // Nobody is heard or seen here.
  await page.addInitScript(() => localStorage.setItem('hawser.settings', '{"camera":false,"microphone":false}'));
  await page.goto(world.url);
  await page.getByLabel('Your name').fill(`@${friends.handle}`);
  await page.getByLabel('Password').fill(friends.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  bob = await programOf(world.farUrl, friends.bobsHandle);
  await (await bob.messages(friends.conversation)).group.ready();
  await areIn(2);
});

async function programOf(url: string, handle: string): Promise<Messenger> {
  const account = new Account(url);
  await account.signIn(handle, friends.password);
  const messenger = await Messenger.open({
    account,
    vault: new MemoryVault(),
    deviceName: 'A program',
    engine: nodeEngine,
  });
  // Lets devices in that come later.
  const following = new Following(messenger, () => undefined);
  onTestFinished(() => {
    following.close();
    messenger.close();
    account[Symbol.dispose]();
  });
  return messenger;
}

const areIn = (devices: number, conversation = friends.conversation) =>
  expect
    .poll(async () => (await (await bob.messages(conversation)).group.loaded())?.members.length, { timeout: 15_000 })
    .toBe(devices);

const callOf = (messenger: Messenger, conversation = friends.conversation) =>
  messenger.home.store.state.conversations.find((each) => each.conversation === conversation)?.call;

const isInCall = () => page.getByRole('button', { name: /^Alice, you/ }).waitFor();

async function leave(how: 'Leave' | 'End for all'): Promise<void> {
  await page.getByRole('button', { name: /^Leave/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: how, exact: true }).click();
}

it('whoever calls sees what the others say, and ends the call for everybody', async () => {
  const { conversation } = friends;
  await page.getByRole('button', { name: /Harbour/ }).click();
  await page.getByRole('button', { name: 'Start call' }).click();
  await isInCall();
  await expect.poll(() => bob.home.store.state.ringing).toContain(conversation);
  const said = () => page.locator('.call-answers').textContent();
  for (const [signal, words] of [
    ['ringing', 'Bob: it rings'],
    ['busy', 'Bob: is in another call'],
    ['declined', 'Bob: has declined'],
    ['accepted', 'Bob: is coming'],
  ] as const) {
    await bob.answerCall(conversation, signal);
    await expect.poll(said).toBe(words);
  }
  await leave('End for all');
  await page.getByRole('heading', { name: 'Harbour' }).waitFor();
  await expect.poll(() => callOf(bob)).toBeUndefined();
});

it('who calls meanwhile is told that one is in a call, and one is told who it was', async () => {
  const other = await bob.create('Second', [userIdOf('alpha.example' as DomainName, friends.handle)]);
  await areIn(2, other.conversation);
  await page.getByRole('button', { name: /Harbour/ }).click();
  await page.getByRole('button', { name: 'Start call' }).click();
  await isInCall();
  const ticket = await bob.home.startCall(other.conversation);
  await bob.announceCall(other.conversation, ticket);
  await page.getByText('Somebody called in Second meanwhile, and was told that you are in a call.').waitFor();
  const answers = () => [...answersTo(bob.calls.answers.state, ticket.call.conference).values()];
  await expect.poll(answers).toEqual(['busy']);
  await leave('Leave');
});

it('a call that goes on is joined late, moved to this device, and moved away again', async () => {
  const { conversation } = friends;
  const shelf = await programOf(world.url, friends.handle);
  await areIn(3);
  const ticket = await shelf.home.startCall(conversation);
  const elsewhere = new Conference({ engine: new NodeEngine() });
  onTestFinished(() => elsewhere.close());
  await elsewhere.join(ticket);
  await page.getByRole('button', { name: /Harbour/ }).click();
  const banner = page.getByRole('region', { name: 'Call that goes on' });
  await banner.getByText('A call goes on. Alice is there.').waitFor();
  await banner.getByRole('button', { name: 'Move it here' }).click();
  await isInCall();
  await expect.poll(() => shelf.calls.moved.state.has(ticket.call.conference)).toBe(true);
  await shelf.answerCall(conversation, 'moved');
  await page.getByRole('heading', { name: 'Harbour' }).waitFor();
  await banner.getByRole('button', { name: 'Join call' }).click();
  await isInCall();
});

it('calls are listed, those that were missed are counted until one looks, and one calls back from there', async () => {
  const { conversation } = friends;
  await bob.announceCall(conversation, await bob.home.startCall(conversation));
  await page.getByRole('region', { name: 'Incoming call' }).waitFor();
  await bob.home.endCall(conversation);

  await page.getByRole('button', { name: 'Calls, 1 missed call' }).press('Enter');
  const calls = page.getByRole('region', { name: 'Calls', exact: true });
  const first = calls.getByRole('listitem').first();
  await expect
    .poll(() => first.textContent())
    .toMatch(/Bob.*new.*Missed call\..*(Today|Yesterday) at .*beta\.example.*external/);
  await page.getByRole('button', { name: 'Calls', exact: true }).waitFor();
  await first.getByRole('button', { name: 'Call back Bob' }).press('Enter');
  await isInCall();
  await leave('Leave');
  await page.getByRole('button', { name: 'Calls', exact: true }).click();
  await expect.poll(() => first.textContent()).toMatch(/You called\. Nobody answered\./);
  await first.getByRole('button', { name: /^Open/ }).press('Enter');
  await page.getByRole('heading', { name: 'Harbour' }).waitFor();
  await page.getByText('A call that you missed').waitFor();
  await page.getByText('A call that nobody answered').waitFor();
});
