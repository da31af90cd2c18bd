/** For tests: real homeservers that serve the built page, and people who look at it in one Chromium, each in a profile of his own. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { Account } from '#client/account.ts';
import { Messenger } from '#client/messenger.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import type { HomeserverOptions } from '#homeserver/main.ts';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { buildWeb } from '../build.ts';

const CHROMIUM = process.env.HAWSER_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = [
  '--disable-gpu',
  '--disable-background-networking',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

function cameraFlags(film: string | undefined): readonly string[] {
  if (film === undefined) return [];
  return [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film}`,
  ];
}

export class ChatWorld {
  readonly alpha: Organisation;
  /** Those that were asked for besides; alpha and they allow each other. */
  readonly others: readonly Organisation[];
  readonly #world: World;
  readonly #browser: Browser;
  readonly #folder: string;
  readonly #devices: Messenger[] = [];

  private constructor(world: World, browser: Browser, folder: string) {
    this.#world = world;
    this.#browser = browser;
    this.#folder = folder;
    [this.alpha, ...this.others] = world.organisations as [Organisation, ...Organisation[]];
  }

  /**
   * @param camera a film (`.mjpeg`: pictures in JPEG, one behind the other) for everybody's camera, read anew whenever one is opened
   * @param others domains of further organisations
   */
  static async start(camera?: string, ...others: string[]): Promise<ChatWorld> {
    const { folder } = await buildWeb();
    const world = await organise('alpha.example', ...others);
    const browser = await chromium.launch({
      ...(CHROMIUM && { executablePath: CHROMIUM }),
      args: [...FLAGS, ...cameraFlags(camera)],
    });
    const made = new ChatWorld(world, browser, folder);
    for (const each of world.organisations) {
      await each.stop();
      await made.serve({}, each);
    }
    return made;
  }

  /** Starts the homeserver, with the page. */
  serve(options: Partial<HomeserverOptions> = {}, at = this.alpha): Promise<void> {
    return at.start({ webRoot: this.#folder, ...options });
  }

  account(handle: string, name: string, at = this.alpha): Promise<unknown> {
    return at.homeserver.createAccount({ handle, name, password: PASSWORD });
  }

  /** Somebody before the page, not signed in. */
  async visit(width = 1280, at = this.alpha): Promise<BrowserPerson> {
    const context = await this.#browser.newContext({ viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const person = new BrowserPerson(page);
    await page.goto(at.url);
    return person;
  }

  async person(handle: string, width?: number, at?: Organisation): Promise<BrowserPerson> {
    const person = await this.visit(width, at);
    await person.signIn(handle);
    await person.page.getByRole('navigation', { name: 'Conversations' }).waitFor();
    return person;
  }

  /** The same without a browser: for whoever only has to say something. */
  async device(handle: string): Promise<Messenger> {
    const account = new Account(this.alpha.url);
    await account.signIn(handle, PASSWORD);
    const messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName: 'Node on a shelf' });
    this.#devices.push(messenger);
    await messenger.home.store.when(({ connected }) => connected);
    return messenger;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const device of this.#devices) device.close();
    await this.#browser.close();
    await this.#world[Symbol.asyncDispose]();
  }
}

export class BrowserPerson {
  readonly page: Page;
  /** Errors of the page and of its console, violations of its content security policy among them. */
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(15_000);
    // Two devices that change a group at once are told so; the browser counts the answer as an error.
    const isRace = (text: string) => text.includes('409 (Conflict)');
    page.on('console', (message) => {
      if (message.type() === 'error' && !isRace(message.text())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  /** Connects now, and not when the page would try again by itself: it has waited longer each time. */
  async retry(): Promise<void> {
    await this.page.evaluate(() => dispatchEvent(new Event('online')));
  }

  async signIn(handle: string): Promise<void> {
    await this.page.getByLabel('Your name').fill(handle);
    await this.page.getByLabel('Password').fill(PASSWORD);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** Makes a conversation and opens it. */
  async converse(title: string, ...addresses: string[]): Promise<void> {
    const { page } = this;
    await page.getByRole('button', { name: 'New conversation' }).first().click();
    for (const address of addresses) {
      await page.getByLabel('With whom').fill(address);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page
        .getByRole('button', { name: /^Take .* out$/ })
        .nth(addresses.indexOf(address))
        .waitFor();
    }
    await page.getByLabel('Name of the conversation').fill(title);
    await page.getByRole('button', { name: 'Create' }).click();
    await this.#isOpen(title);
  }

  async open(title: string | RegExp): Promise<void> {
    await this.listed(title).click();
    await this.#isOpen(title);
  }

  async #isOpen(title: string | RegExp): Promise<void> {
    await this.page.getByRole('heading', { level: 2, name: title }).waitFor();
    await this.field.waitFor();
  }

  /** A conversation in the list. */
  listed(title: string | RegExp): Locator {
    return this.page.locator('.conversations').getByRole('button', { name: title });
  }

  /** Where one writes. */
  get field(): Locator {
    return this.page.getByRole('textbox', { name: /^(Message to|Edit the message)/ });
  }

  async say(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press('Enter');
    await this.page.waitForFunction(() => document.querySelector('textarea')?.value === '');
  }

  /** The message with this text. */
  message(text: string | RegExp): Locator {
    return this.page.getByRole('article').filter({ hasText: text });
  }

  async hears(text: string | RegExp): Promise<Locator> {
    const message = this.message(text).last();
    await message.waitFor();
    return message;
  }

  /** What stands in the menu of a message. */
  async choose(text: string, action: string | RegExp): Promise<void> {
    const message = this.message(text).last();
    const item = this.page.getByRole('menuitem', { name: action });
    // The menu closes when the message under it moves, as when another one arrives at this moment: then once more, like a person.
    for (let tries = 0; tries < 3 && !(await item.isVisible()); tries++) {
      await message.hover();
      await message.getByRole('button', { name: 'More' }).click();
      await item.waitFor({ timeout: 3_000 }).catch(() => undefined);
    }
    await item.click();
  }
}
