/** What the page makes of hostile names and texts, of devices, and of people who use neither mouse nor eyes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '#client/account.ts';
import { Device } from '#client/device/device.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { PASSWORD } from '#homeserver/testing/organisation.ts';
import type { UserId } from '#signalling/ids.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let alice: BrowserPerson;

/** Turns the writing around for whatever comes after it. */
const RLO = '\u202e';
const SCRIPT = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';

beforeAll(async () => {
  world = await ChatWorld.start();
  await world.account('alice', 'Alice');
  await world.account('mallory', `${SCRIPT.slice(0, 40)}${RLO}moc`);
  await world.account('carol', 'Carol');
  alice = await world.person('alice');
});
afterAll(() => world[Symbol.asyncDispose]());

describe('names and texts of others', () => {
  it('are never more than text', async () => {
    const mallory = await world.device('mallory');
    const { conversation } = await mallory.create(`${SCRIPT.slice(0, 80)}${RLO}gnp`, [
      'mimi://alpha.example/u/alice' as UserId,
    ]);
    const say = (text: string) =>
      mallory.say(conversation, { kind: 'message', body: { kind: 'text', text: { format: 'markdown', text } } });
    await say(SCRIPT);
    await say(`<svg onload=window.pwned=1> <iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`);
    await say('[click](javascript:window.pwned=1) <javascript:alert(1)> [data](data:text/html,<script>1</script>)');
    await say(
      '![](https://evil.example/who-reads.png) [a](vbscript:x) [b](JaVaScRiPt:window.pwned=1) [c](java\tscript:x)',
    );
    await say('[https://bank.example](https://evil.example/login)');
    await say(`https://good.example/${RLO}gpj.exe and https://good.example/plain`);
    await say(`[@Alice](mimi://alpha.example/u/mallory) [${SCRIPT}](https://evil.example)`);
    await mallory.say(conversation, {
      kind: 'message',
      body: { kind: 'text', text: { format: 'plain', text: SCRIPT } },
    });
    await say('the end');
    await alice.open(/img src/);
    await alice.hears('the end');
    const inside = alice.page.locator('main');
    expect(await inside.locator('img, script, iframe, object, embed, svg[onload]').count()).toBe(0);
    const links = await alice.page.locator('a').evaluateAll((all) =>
      all.map((each) => ({
        href: (each as HTMLAnchorElement).href,
        rel: each.getAttribute('rel'),
        target: each.getAttribute('target'),
      })),
    );
    expect(links.length).toBeGreaterThan(3);
    for (const { href, rel, target } of links) {
      expect(href).toMatch(/^https:\/\//);
      expect([rel, target]).toEqual(['noopener noreferrer', '_blank']);
    }
    expect(await alice.page.evaluate(() => 'pwned' in window)).toBe(false);
    // Nothing was fetched from anywhere else, and nothing was even tried.
    expect(alice.complaints).toEqual([]);
    const elsewhere = await alice.page.evaluate(() =>
      performance.getEntriesByType('resource').filter(({ name }) => !name.startsWith(location.origin)),
    );
    expect(elsewhere).toEqual([]);
  });

  it('do not turn the writing around in sentences, labels or the window', async () => {
    const labels = await alice.page
      .locator('[aria-label]')
      .evaluateAll((all) => all.map((each) => each.ariaLabel ?? ''));
    const spoken = await alice.page.getByRole('status').first().textContent();
    for (const each of [...labels, spoken ?? '', await alice.page.title()])
      expect(each).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    // Where a name stands for itself, it stands apart from what follows.
    const loose = await alice.page.locator('main, nav').evaluateAll((all, mark) => {
      const isApart = (node: Node) =>
        node.parentElement?.closest('bdi, [dir="auto"], [dir="ltr"], [aria-hidden="true"]');
      const found: string[] = [];
      for (const root of all) {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          if (node.textContent?.includes(mark) && !isApart(node)) found.push(node.parentElement?.outerHTML ?? '');
        }
      }
      return found;
    }, RLO);
    expect(loose).toEqual([]);
  });

  it('ask before a link opens that lies about where it leads, and name the person that is really mentioned', async () => {
    await alice.page.getByRole('link', { name: 'https://bank.example' }).click();
    const dialog = alice.page.getByRole('dialog', { name: 'Open this link?' });
    expect(await dialog.textContent()).toMatch(/leads to:.*evil\.example/);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(alice.page.context().pages()).toHaveLength(1);
    expect(await alice.page.locator('.mention').last().textContent()).not.toMatch(/Alice/);
  });
});

describe('devices', () => {
  it('are told of a new one, show their numbers, and throw one out', async () => {
    const laptop = await world.person('alice');
    const banner = alice.page.getByRole('region', { name: 'New device' });
    expect(await banner.textContent()).toMatch(
      /A new device was added: Chrome on Linux.*If that was not you, remove it now/,
    );
    await banner.getByRole('button', { name: 'Look at devices' }).click();
    const cards = alice.page.locator('.device');
    await expect.poll(() => cards.count()).toBe(2);
    expect(await cards.first().textContent()).toMatch(
      /This device.*Last used (Today|Yesterday).*from 127\.0\.0\.1.*(\d{5} ){6}/,
    );
    await cards.nth(1).getByRole('button', { name: 'Remove' }).click();
    const dialog = alice.page.getByRole('dialog');
    expect(await dialog.textContent()).toMatch(/signed out at once/);
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await expect.poll(() => cards.count()).toBe(1);
    // The other one is out, and is told what to do.
    await laptop.page.getByLabel('Password').waitFor();
    await laptop.page
      .getByRole('alert')
      .filter({ hasText: 'this device was removed, or the password changed' })
      .waitFor();
    await laptop.signIn('alice');
    await laptop.page.getByRole('heading', { name: 'This device was removed' }).waitFor();
    await laptop.page.getByRole('button', { name: /set it up/ }).click();
    await laptop.page.getByRole('navigation', { name: 'Conversations' }).waitFor();
    await banner.getByRole('button', { name: 'That was me' }).click();
    await banner.waitFor({ state: 'detached' });
  });

  it('are compared by numbers, and a new one of somebody verified is not verified', async () => {
    await world.device('carol');
    await alice.converse('Numbers', '@carol@alpha.example');
    await alice.say('hello');
    await alice.page.getByRole('button', { name: 'About this conversation' }).click();
    await alice.page.getByRole('button', { name: 'Verify Carol' }).click();
    const dialog = alice.page.getByRole('dialog', { name: 'Verify Carol' });
    expect(await dialog.textContent()).toMatch(/Devices of Carol.*(\d{5} ){6}.*Your devices.*this one.*(\d{5} ){6}/);
    await dialog.getByRole('button', { name: 'They are the same' }).click();
    await dialog.waitFor({ state: 'detached' });
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    const head = alice.page.locator('.page-head');
    await head.getByText('Verified', { exact: true }).waitFor();
    await world
      .device('carol')
      .then((device) => device.messages(device.home.store.state.conversations[0]?.conversation as never))
      .then(({ group }) => group.ready());
    await head.getByText('New device, not verified').waitFor();
  });

  it('with damaged storage say so, and are set up anew in their own place', async () => {
    await world.account('edith', 'Edith');
    const edith = await world.visit();
    await edith.signIn('edith');
    await edith.page.getByRole('navigation', { name: 'Conversations' }).waitFor();
    await edith.converse('Damaged', '@alice@alpha.example');
    await edith.say('before');
    await edith.page.evaluate(async () => {
      const result = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      for (const { name = '' } of await indexedDB.databases()) {
        const database = await result(indexedDB.open(name));
        const store = database.transaction('records', 'readwrite').objectStore('records');
        await result(store.delete('device'));
        database.close();
      }
    });
    await edith.page.reload();
    await edith.page.getByRole('heading', { name: 'What is stored here cannot be read' }).waitFor();
    const button = edith.page.getByRole('button', { name: /set it up/ });
    await edith.page.getByLabel('Your password').fill('wrong password');
    await button.click();
    await edith.page.getByRole('alert').waitFor();
    await edith.page.getByLabel('Your password').fill(PASSWORD);
    await button.click();
    await edith.page.getByRole('navigation', { name: 'Conversations' }).waitFor();
    await edith.open('Damaged');
    await edith.say('after');
    await alice.open('Damaged');
    await alice.message('after').waitFor();
  });

  it('are eight at most: the ninth says so and lets one go', async () => {
    await world.account('dora', 'Dora');
    for (let count = 0; count < 8; count++) {
      const account = new Account(world.alpha.url);
      await account.signIn('dora', PASSWORD);
      await Device.open({ account, vault: new MemoryVault(), name: `Old ${count}` });
    }
    const ninth = await world.visit();
    await ninth.signIn('dora');
    await ninth.page.getByRole('heading', { name: 'You have too many devices' }).waitFor();
    await ninth.page.getByRole('button', { name: 'Remove Old 3' }).click();
    await ninth.page.getByRole('button', { name: 'Remove it' }).click();
    await ninth.page.getByRole('navigation', { name: 'Conversations' }).waitFor();
    expect(ninth.complaints).toEqual([]);
  });
});

describe('without mouse and eyes', () => {
  it('every control has a name, and none stands twice for the same thing', async () => {
    await alice.open('Numbers');
    const nameless = await alice.page.evaluate(() => {
      const controls = document.querySelectorAll<HTMLElement>('button, a, input, select, textarea, [role="option"]');
      const nameOf = (each: HTMLElement) => {
        const labels = 'labels' in each ? [...((each as HTMLInputElement).labels ?? [])] : [];
        return [each.ariaLabel, each.textContent, ...labels.map(({ textContent }) => textContent)].join('').trim();
      };
      return [...controls].filter((each) => nameOf(each) === '').map((each) => each.outerHTML);
    });
    expect(nameless).toEqual([]);
    const ids = await alice.page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(await alice.page.locator('h1').count()).toBe(1);
    expect(await alice.page.locator('main').count()).toBe(1);
  });

  it('the Tab key reaches everything, is seen wherever it is, and is never caught', async () => {
    const stops: string[] = [];
    // Once around, from wherever it was: past the end of the page and back to it.
    for (let ends = 0; ends < 2 && stops.length < 100; ) {
      await alice.page.keyboard.press('Tab');
      const stop = await alice.page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        if (element === document.body) return 'end';
        const style = getComputedStyle(element);
        const isSeen = style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2;
        return `${isSeen ? '' : 'NOT SEEN '}${element.ariaLabel ?? element.textContent?.trim()}`;
      });
      stops.push(stop);
      if (stop === 'end') ends += 1;
    }
    expect(stops.filter((each) => each.startsWith('NOT SEEN'))).toEqual([]);
    expect(stops.at(-1)).toBe('end');
    const wanted = [
      /New conversation/,
      /Search in all/,
      /Numbers/,
      /Your devices/,
      /Your account/,
      /About this/,
      /Start call/,
      /hello/,
      /Send|Message to/,
      /Knock/,
    ];
    for (const each of wanted)
      expect(
        stops.some((stop) => each.test(stop)),
        String(each),
      ).toBe(true);
  });

  it('the arrow keys walk over the messages, and their buttons follow', async () => {
    await alice.say('second line');
    await alice.field.focus();
    // The last message is one stop before the field; its buttons are between them.
    await alice.message('second line').focus();
    await alice.page.keyboard.press('ArrowUp');
    const label = () => alice.page.evaluate(() => document.activeElement?.ariaLabel);
    expect(await label()).toMatch(/hello/);
    await alice.page.keyboard.press('Tab');
    expect(await label()).toBe('React');
    await alice.page.keyboard.press('Enter');
    await alice.page.keyboard.press('ArrowRight');
    expect(await label()).toBe('heart');
    await alice.page.keyboard.press('Escape');
    expect(await label()).toBe('React');
    await alice.page.keyboard.press('Escape');
    expect(await label()).toMatch(/hello/);
  });

  it.each(['light', 'dark'] as const)('every text stands out from its ground in the %s theme', async (colorScheme) => {
    const { page } = alice;
    await page.emulateMedia({ colorScheme });
    const poor: string[] = await page.evaluate(paleTexts);
    await page.getByRole('button', { name: 'About this conversation' }).click();
    poor.push(...(await page.evaluate(paleTexts)));
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Your devices' }).click();
    await page.locator('.device').first().waitFor();
    poor.push(...(await page.evaluate(paleTexts)));
    await alice.open('Numbers');
    await page.emulateMedia({ colorScheme: null });
    expect([...new Set(poor)]).toEqual([]);
  });

  it('a telephone shows the list or the conversation, and nothing is wider than it', async () => {
    await alice.page.setViewportSize({ width: 360, height: 740 });
    const isWide = () => alice.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await isWide()).toBe(false);
    expect(await alice.listed('Numbers').isVisible()).toBe(false);
    await alice.page.getByRole('button', { name: 'Start call' }).waitFor();
    await alice.page.getByRole('button', { name: 'Back to the list' }).click();
    expect(await isWide()).toBe(false);
    expect(await alice.field.count()).toBe(0);
    await alice.open('Numbers');
    await alice.page.setViewportSize({ width: 1280, height: 800 });
  });

  it('what others say is read out, once', async () => {
    const heard = alice.page.getByRole('status').first();
    const carol = await world.device('carol');
    const conversation = carol.home.store.state.conversations.find(({ title }) => title === 'Numbers')?.conversation;
    if (!conversation) throw new Error('carol is in it');
    await carol.say(conversation, {
      kind: 'message',
      body: { kind: 'text', text: { format: 'markdown', text: 'read **this**' } },
    });
    await expect.poll(() => heard.textContent()).toMatch(/^Carol: read this/);
    expect(await alice.page.evaluate(() => window.hawser?.faults)).toEqual([]);
  });
});

/** In the page: texts with less contrast than 4.5 to 1 (WCAG 2.2, 1.4.3); of what cannot be used nothing is asked. */
async function paleTexts(): Promise<string[]> {
  const passing = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
  await Promise.all(passing.map(({ finished }) => finished.catch(() => undefined)));
  type Colour = [number, number, number, number];
  const parse = (text: string): Colour => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return text.startsWith('color(srgb') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a]: Colour, [R, G, B]: Colour): Colour => [
    r * a + R * (1 - a),
    g * a + G * (1 - a),
    b * a + B * (1 - a),
    1,
  ];
  const groundOf = (element: Element | null): Colour => {
    if (!element) return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0, 1] : [255, 255, 255, 1];
    const own = parse(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, groundOf(element.parentElement));
  };
  const luminance = (colour: Colour) => {
    const [r = 0, g = 0, b = 0] = colour
      .slice(0, 3)
      .map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pale: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    const words = node.textContent?.trim() ?? '';
    if (!element || words === '' || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      continue;
    if (element.closest('.sr-only, :disabled, option, [aria-disabled="true"]')) continue;
    const ground = groundOf(element);
    const [dim = 0, bright = 0] = [
      luminance(over(parse(getComputedStyle(element).color), ground)),
      luminance(ground),
    ].sort((x, y) => x - y);
    const contrast = (bright + 0.05) / (dim + 0.05);
    if (contrast < 4.5)
      pale.push(`${words.slice(0, 30)} (${element.className || element.tagName}): ${contrast.toFixed(2)}`);
  }
  return pale;
}
