/** Coming in: making an account in each mode of the homeserver, a forgotten password, signing in by name or e-mail address. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Catcher } from '#homeserver/testing/catcher.ts';
import { PASSWORD } from '#homeserver/testing/organisation.ts';
import { until } from '#homeserver/testing/world.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';
import type { RegistrationMode } from '#signalling/registration.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let catcher: Catcher;
const NEW_PASSWORD = 'four words nobody guesses';
const MAILBOX = 'http://127.0.0.1:9/';

beforeAll(async () => {
  world = await ChatWorld.start();
  catcher = await Catcher.listen();
  world.alpha.site.homeserver.mail = { url: catcher.url, from: 'hawser@alpha.example', mailbox: MAILBOX };
  await serve('open');
  await world.alpha.homeserver.createAccount({
    handle: 'alice',
    name: 'Alice',
    password: PASSWORD,
    email: 'alice@mail.example' as EmailAddress,
  });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await catcher.close();
});

async function serve(mode: RegistrationMode): Promise<void> {
  const { registration } = world.alpha.site.homeserver;
  Object.assign(registration, { mode, emailDomains: ['mail.example' as DomainName] });
  await world.alpha.stop();
  await world.serve();
}

/** Not just of the newest e-mail: there is one about a new device, too. */
const codeTo = (address: string) =>
  until(
    () =>
      catcher.mails
        .filter(({ to }) => to.includes(address))
        .map(({ text }) => /^ {4}(\d{6})$/m.exec(text)?.[1])
        .findLast((code) => code !== undefined),
    `a code to ${address}`,
  );
const isIn = ({ page }: BrowserPerson) => page.getByRole('navigation', { name: 'Conversations' }).waitFor();
const press = ({ page }: BrowserPerson, name: string) => page.getByRole('button', { name, exact: true }).click();

async function fill({ page }: BrowserPerson, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
}

const DORA = {
  'E-mail address': 'dora@mail.example',
  'What others see as your name': 'Dora Näf',
  Password: NEW_PASSWORD,
};

describe('whoever has no account', () => {
  it('makes one where everybody may, after some work and a code, and is told where a trial keeps its e-mail', async () => {
    const dora = await world.visit(360);
    await press(dora, 'Make an account');
    await fill(dora, { ...DORA, Password: 'too short' });
    const handle = dora.page.getByLabel('Short name, for signing in and in your address');
    expect(await handle.inputValue()).toBe('dora.naf');
    await dora.page.getByText('1 more character.').waitFor();
    await press(dora, 'Send me a code');
    // The browser itself holds it back.
    expect(await dora.page.getByRole('heading', { level: 1 }).textContent()).toBe('Make an account');
    await handle.fill('alice');
    await fill(dora, { Password: NEW_PASSWORD });
    await press(dora, 'Send me a code');
    await dora.page.getByRole('heading', { name: 'Look into your e-mail' }).waitFor();
    expect(await dora.page.getByRole('link', { name: 'Read it here' }).getAttribute('href')).toBe(MAILBOX);
    const isWide = await dora.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(isWide).toBe(false);
    const code = await codeTo('dora@mail.example');
    const wrong = code === '000000' ? '111111' : '000000';
    await dora.page.getByLabel('The six digits in it').fill(wrong);
    await press(dora, 'Make the account');
    await dora.page.getByRole('alert').filter({ hasText: 'The code is wrong' }).waitFor();
    await dora.page.getByLabel('The six digits in it').fill(code);
    await press(dora, 'Make the account');
    // Only who reads the letter box is told that the name is somebody's; the code stays good.
    await dora.page.getByRole('alert').filter({ hasText: 'This handle is taken' }).waitFor();
    await handle.fill('dora');
    await press(dora, 'Make the account');
    await dora.page.getByText('@dora@alpha.example').waitFor({ state: 'attached' });
  });

  it('needs an invitation where that is the rule, which somebody here has made, and types it', async () => {
    await serve('invitation');
    const alice = await world.visit();
    await alice.signIn('Alice@Mail.example');
    await isIn(alice);
    await alice.page.getByRole('button', { name: /^Your account/ }).click();
    const invite = alice.page.getByRole('region', { name: 'Invite people' });
    const open = invite.getByRole('list', { name: 'Open invitations' }).getByRole('listitem');
    const address = alice.page.getByLabel('Send it to this e-mail address');
    await address.fill('emil@mail');
    await press(alice, 'Invite');
    await invite.getByRole('alert').filter({ hasText: 'no e-mail address' }).waitFor();
    await address.fill('emil@mail.example');
    await press(alice, 'Invite');
    await open.filter({ hasText: 'emil@mail.example' }).waitFor();
    const token = (await invite.getByLabel('Invitation', { exact: true }).textContent()) ?? '';
    expect(token).toMatch(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
    await press(alice, 'Invite');
    await expect.poll(() => open.count()).toBe(2);
    expect(await invite.getByLabel('Invitation', { exact: true }).textContent()).not.toBe(token);
    await open
      .filter({ hasText: 'Made' })
      .getByRole('button', { name: /^Take back/ })
      .click();
    await expect.poll(() => open.count()).toBe(1);
    expect(await invite.getByLabel('Invitation', { exact: true }).count()).toBe(0);

    const letter = await catcher.mailTo('emil@mail.example');
    expect(letter.text).toContain(`\n    ${token}\n`);
    const emil = await world.visit(360);
    await press(emil, 'Make an account');
    await fill(emil, {
      Invitation: token.toLowerCase().replaceAll('-', ' '),
      'E-mail address': 'emil@elsewhere.example',
      'What others see as your name': 'Emil',
      Password: NEW_PASSWORD,
    });
    await press(emil, 'Send me a code');
    await emil.page.getByLabel('The six digits in it').fill(await codeTo('emil@elsewhere.example'));
    await press(emil, 'Make the account');
    await isIn(emil);
    await press(alice, 'Your devices');
    await alice.page.getByRole('button', { name: /^Your account/ }).click();
    await invite.waitFor();
    expect(await open.count()).toBe(0);
    expect(emil.complaints).toEqual([]);
  });

  it('is told which addresses may where that is the rule, and finds no way in where nobody may', async () => {
    await serve('domains');
    const frida = await world.visit();
    await press(frida, 'Make an account');
    await frida.page.getByText('With an e-mail address of mail.example.').waitFor();
    // Whoever is invited may come from elsewhere.
    await frida.page.getByRole('button', { name: 'I have an invitation' }).waitFor();
    await fill(frida, {
      'E-mail address': 'frida@elsewhere.example',
      'What others see as your name': 'Frida',
      Password: NEW_PASSWORD,
    });
    await press(frida, 'Send me a code');
    await frida.page.getByRole('alert').filter({ hasText: 'cannot register here' }).waitFor();
    await press(frida, 'I have an account');
    await serve('closed');
    await frida.page.reload();
    await frida.page.getByRole('button', { name: 'Forgotten your password?' }).waitFor();
    expect(await frida.page.getByRole('button', { name: 'Make an account' }).count()).toBe(0);
  });
});

describe('whoever has forgotten the password', () => {
  it('sets a new one by a code, and is signed in with it', async () => {
    const alice = await world.visit();
    await press(alice, 'Forgotten your password?');
    await fill(alice, { 'E-mail address of your account': 'alice@mail.example' });
    await press(alice, 'Send me a code');
    await alice.page.getByLabel('The six digits in it').fill(await codeTo('alice@mail.example'));
    await fill(alice, { Password: NEW_PASSWORD });
    await alice.page.getByRole('button', { name: 'Show the password' }).click();
    expect(await alice.page.getByLabel('Password', { exact: true }).getAttribute('type')).toBe('text');
    await press(alice, 'Set the password');
    await isIn(alice);
    await expect
      .poll(() => catcher.mails.map(({ subject }) => subject))
      .toContainEqual(expect.stringMatching(/password at alpha\.example was changed/));
    const again = await world.visit();
    await again.page.getByLabel('Your name').fill('@alice@alpha.example');
    await again.page.getByLabel('Password').fill(NEW_PASSWORD);
    await press(again, 'Sign in');
    await isIn(again);
    expect(again.complaints).toEqual([]);
  });
});
