/** Files between two people: how they are chosen, sent, shown and stored, and what is done about those that are dangerous. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { tiffOf } from '#client/files/picture/orientation.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let alice: BrowserPerson;
let bob: BrowserPerson;

beforeAll(async () => {
  world = await ChatWorld.start();
  world.alpha.site.homeserver.assets.fileMb = 3;
  world.alpha.site.homeserver.assets.kinds = ['image', 'audio', 'text', 'document', 'other'];
  await world.alpha.stop();
  await world.serve();
  await world.account('alice', 'Alice');
  await world.account('bob', 'Bob');
  [alice, bob] = [await world.person('alice'), await world.person('bob')];
  await alice.converse('Rigging', '@bob@alpha.example');
  await bob.open('Rigging');
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const each of [alice, bob]) expect(each.complaints.splice(0)).toEqual([]);
});

interface Given {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const choose = (person: BrowserPerson, ...files: Given[]) =>
  person.page.locator('input[type=file]').setInputFiles(files);
const chosen = (person: BrowserPerson) =>
  person.page.getByRole('list', { name: 'Files to be sent' }).getByRole('listitem');
const sendings = (person: BrowserPerson) => person.page.getByRole('list', { name: 'Files being sent' });
const send = (person: BrowserPerson) => person.page.getByRole('button', { name: 'Send', exact: true }).click();

/** A picture that does not become small: noise. */
async function painted(page: Page, name: string, width: number, height: number): Promise<Given> {
  const url = await page.evaluate(
    ([wide, high]) => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [wide, high];
      const context = canvas.getContext('2d');
      const sea = context?.createLinearGradient(0, 0, wide, high);
      sea?.addColorStop(0, '#14626b');
      sea?.addColorStop(1, '#f2b35e');
      if (!context || !sea) return '';
      context.fillStyle = sea;
      context.fillRect(0, 0, wide, high);
      for (let count = 0; count < 6_000; count++) {
        context.fillStyle = `hsl(${Math.random() * 360} 60% 50% / 50%)`;
        context.fillRect(Math.random() * wide, Math.random() * high, 9, 9);
      }
      return canvas.toDataURL('image/jpeg', 0.95);
    },
    [width, height] as const,
  );
  return { name, mimeType: 'image/jpeg', buffer: Buffer.from(url.slice(url.indexOf(',') + 1), 'base64') };
}

const PLACE = '59.9139 N, 10.7522 E';

/** As a camera writes it that was turned by a quarter. */
function turned({ buffer, ...rest }: Given): Given {
  const exif = Buffer.concat([Buffer.from('Exif\0\0'), tiffOf(6), Buffer.from(PLACE)]);
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return { ...rest, buffer: Buffer.concat([buffer.subarray(0, 2), head, exif, buffer.subarray(2)]) };
}

/** One second at 8 kHz, 8 bits, one channel. */
function silence(samples: number): Buffer {
  const wav = Buffer.alloc(44 + samples, 128);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(8_000, 24);
  wav.writeUInt32LE(8_000, 28);
  wav.writeUInt16LE(1, 32);
  wav.writeUInt16LE(8, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples, 40);
  return wav;
}

const text = (name: string, words = 'a line\n'): Given => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from(words),
});

describe('files', () => {
  it('go out together with a word about them, and come as picture and file', async () => {
    // Held upright by its camera, which wrote that into it, and where it was.
    const picture = turned(await painted(alice.page, 'harbour.jpg', 900, 1_600));
    const plan = { name: 'plan.pdf', mimeType: 'application/pdf', buffer: randomBytes(300_000) };
    await choose(alice, picture, plan);
    await expect.poll(() => chosen(alice).count()).toBe(2);
    expect(await chosen(alice).nth(1).textContent()).toMatch(/plan\.pdf300 kB · Document, PDF/);
    await alice.say('what it **looks** like');
    const message = await bob.hears('what it looks like');
    const shown = message.getByRole('button', { name: 'Picture: harbour.jpg. Open it large' });
    await shown.waitFor();
    // The small one, made on the device that sent it; its room was kept from the beginning.
    const sizes = () =>
      shown.evaluate((button) => {
        const { naturalWidth, naturalHeight } = button.querySelector('img') as HTMLImageElement;
        const { width, height } = button.getBoundingClientRect();
        return { seen: [naturalWidth, naturalHeight], room: [Math.round(width), Math.round(height)] };
      });
    expect((await sizes()).room).toEqual([380, 214]);
    await expect.poll(sizes).toEqual({ seen: [760, 428], room: [380, 214] });
    await shown.press('Enter');
    const viewer = bob.page.getByRole('dialog', { name: 'harbour.jpg' });
    await expect
      .poll(() => viewer.getByRole('img').evaluate((img) => (img as HTMLImageElement).naturalWidth))
      .toBe(1_600);
    const [large] = await Promise.all([
      bob.page.waitForEvent('download'),
      viewer.getByRole('button', { name: 'Download' }).click(),
    ]);
    const sent = await readFile(await large.path());
    expect(sent.includes(PLACE)).toBe(false);
    // The same pixels, to the byte.
    expect(sent.subarray(-100_000).equals(picture.buffer.subarray(-100_000))).toBe(true);
    await bob.page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'detached' });
    expect(await bob.page.evaluate(() => document.activeElement?.ariaLabel)).toMatch(/harbour\.jpg/);
    const [download] = await Promise.all([
      bob.page.waitForEvent('download'),
      message.getByRole('button', { name: 'Download plan.pdf' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('plan.pdf');
    expect((await readFile(await download.path())).equals(plan.buffer)).toBe(true);
    await (await alice.hears('what it looks like')).getByRole('button', { name: /^Picture: harbour/ }).waitFor();
  });

  it('that sound are played where they stand', async () => {
    await choose(alice, { name: 'bell.wav', mimeType: 'audio/wav', buffer: silence(8_000) });
    await send(alice);
    const message = await bob.hears('bell.wav');
    await message.getByRole('button', { name: 'Play bell.wav' }).click();
    const player = message.locator('audio');
    await expect.poll(() => player.evaluate((audio) => (audio as HTMLAudioElement).duration)).toBe(1);
  });

  it('are taken from the clipboard and from what is dropped; a folder is not', async () => {
    const give = (type: 'paste' | 'drop', names: string[]) =>
      alice.page.evaluate(
        ([kind, given]) => {
          const data = new DataTransfer();
          for (const name of given) data.items.add(new File(['words'], name, { type: 'text/plain' }));
          const field = document.querySelector('textarea') as HTMLElement;
          if (kind === 'paste') {
            field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
            return false;
          }
          const drag = (name: string) =>
            field.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
          drag('dragenter');
          drag('dragover');
          drag('drop');
          return true;
        },
        [type, names] as const,
      );
    await give('paste', ['pasted.txt']);
    await expect.poll(() => chosen(alice).count()).toBe(1);
    await give('drop', ['dropped.txt', 'other.txt']);
    await expect.poll(() => chosen(alice).count()).toBe(3);
    await alice.page.getByRole('button', { name: 'Do not send other.txt' }).click();
    // Looking elsewhere meanwhile loses nothing.
    await alice.page.getByRole('button', { name: 'Your devices' }).click();
    await alice.open('Rigging');
    await expect.poll(() => chosen(alice).count()).toBe(2);
    await send(alice);
    const message = await bob.hears('dropped.txt');
    expect(await message.textContent()).toMatch(/pasted\.txt.*dropped\.txt/);
    await give(
      'drop',
      Array.from({ length: 11 }, (_, index) => `${index}.txt`),
    );
    await expect.poll(() => chosen(alice).count()).toBe(10);
    await alice.page.getByRole('alert').filter({ hasText: 'Ten files fit into one message' }).waitFor();
    for (let left = 10; left > 0; left--) await chosen(alice).first().getByRole('button').click();
  });

  it('that the organisation does not accept are named before anything is sent', async () => {
    const asked: string[] = [];
    alice.page.on('request', (request) => {
      if (request.method() !== 'GET') asked.push(request.url());
    });
    await choose(
      alice,
      { name: 'film.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(3_000_001) },
      { name: 'setup.exe', mimeType: 'application/x-msdownload', buffer: Buffer.from('MZ') },
      text('fine.txt'),
    );
    await chosen(alice).filter({ hasText: 'Your organisation does not accept files over 3 MB.' }).waitFor();
    await chosen(alice).filter({ hasText: 'does not accept files of this kind' }).waitFor();
    const button = alice.page.getByRole('button', { name: 'Send', exact: true });
    expect(await button.isDisabled()).toBe(true);
    await alice.page.getByRole('button', { name: 'Do not send film.pdf' }).click();
    await alice.page.getByRole('button', { name: 'Do not send setup.exe' }).click();
    expect(await button.isDisabled()).toBe(false);
    await alice.page.getByRole('button', { name: 'Do not send fine.txt' }).click();
    expect(asked.filter((url) => url.includes('assets'))).toEqual([]);
  });

  it('that stop on their way say why, go on when they are told to, and are given up when they are told to', async () => {
    const refuse = (page: Page) =>
      page.route('**/assets/*/complete', (route) =>
        route.fulfill({
          status: 507,
          contentType: 'application/json',
          body: JSON.stringify({ code: 'HOME_ASSET_NO_ROOM', message: 'no room', retry: true }),
        }),
      );
    await refuse(alice.page);
    await choose(alice, text('log.txt', 'a line\n'.repeat(90_000)));
    await send(alice);
    const row = sendings(alice).getByRole('listitem');
    await row.filter({ hasText: 'has no room for more files' }).waitFor();
    await alice.page.unroute('**/assets/*/complete');
    const sent: number[] = [];
    alice.page.on('request', (request) => {
      if (request.method() === 'PATCH') sent.push(request.postDataBuffer()?.length ?? 0);
    });
    await row.getByRole('button', { name: 'Try again' }).click();
    await (await bob.hears('log.txt')).waitFor();
    expect(sent).toEqual([]);
    await refuse(alice.page);
    await choose(alice, text('never.txt'));
    await send(alice);
    await row.filter({ hasText: 'never.txt' }).getByRole('button', { name: 'Do not send never.txt' }).click();
    await sendings(alice).waitFor({ state: 'detached' });
    await alice.page.unroute('**/assets/*/complete');
    expect(await alice.message('never.txt').count()).toBe(0);
    // The browser counts the refused calls as errors of the page.
    alice.complaints.splice(0);
  });

  it('show how far they are, there and back', async () => {
    const shown = (bar: Locator) => bar.evaluate((each) => (each as HTMLProgressElement).value);
    const hold = async (page: Page, path: RegExp) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      await page.route(path, async (route) => {
        await promise;
        await route.continue();
      });
      return resolve;
    };
    const completed = await hold(alice.page, /\/assets\/[^/]+\/complete$/);
    await choose(alice, { name: 'slow.pdf', mimeType: 'application/pdf', buffer: randomBytes(600_000) });
    await send(alice);
    const sending = alice.page.getByRole('progressbar', { name: 'Sending slow.pdf' });
    await expect.poll(() => shown(sending)).toBe(100);
    completed();
    await sending.waitFor({ state: 'detached' });
    const message = await bob.hears('slow.pdf');
    const fetched = await hold(bob.page, /\/api\/v1\/assets\/[^/]+$/);
    await message.getByRole('button', { name: 'Download slow.pdf' }).click();
    const fetching = bob.page.getByRole('progressbar', { name: 'Fetching slow.pdf' });
    expect(await shown(fetching)).toBe(0);
    const [download] = await Promise.all([bob.page.waitForEvent('download'), fetched()]);
    expect(download.suggestedFilename()).toBe('slow.pdf');
    await fetching.waitFor({ state: 'detached' });
  });

  it('that could run in the page are stored only, under a name that hides nothing', async () => {
    const script =
      '<svg xmlns="http://www.w3.org/2000/svg" onload="window.pwned=1"><script>window.pwned=1</script></svg>';
    await choose(
      alice,
      { name: 'drawing.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(script) },
      { name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<script>window.pwned=1</script>') },
      { name: 'invoice\u202efdp.txt', mimeType: 'text/plain', buffer: Buffer.from('x') },
      { name: 'no-picture.png', mimeType: 'image/png', buffer: Buffer.from(script) },
    );
    await send(alice);
    const message = await bob.hears('drawing.svg');
    expect(await message.locator('img, iframe, object, embed').count()).toBe(0);
    const [download] = await Promise.all([
      bob.page.waitForEvent('download'),
      message.getByRole('button', { name: 'Download page.html' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('page.html');
    const names = await message.locator('.file-name').allTextContents();
    expect(names).toEqual(['drawing.svg', 'page.html', 'invoicefdp.txt', 'no-picture.png']);
    expect(await bob.page.evaluate(() => 'pwned' in window)).toBe(false);
    expect(bob.page.context().pages()).toHaveLength(1);
  });

  it('go from the server with a message that is deleted for everyone', async () => {
    await choose(alice, text('mistake.txt'));
    await send(alice);
    await bob.hears('mistake.txt');
    await alice.choose('mistake.txt', /Delete for everyone/);
    const gone = alice.page.waitForResponse((each) => each.request().method() === 'DELETE');
    await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete for everyone' }).click();
    expect((await gone).status()).toBe(204);
    await bob.message('mistake.txt').waitFor({ state: 'detached' });
  });
});

describe('without mouse, and on a telephone', () => {
  it('a file is attached, named and removed by the keyboard', async () => {
    // From now on the browser asks the test, not the system, which file it is to be.
    alice.page.on('filechooser', () => undefined);
    await alice.field.focus();
    await alice.page.keyboard.press('Shift+Tab');
    expect(await alice.page.evaluate(() => document.activeElement?.ariaLabel)).toBe('Attach files');
    const [picker] = await Promise.all([alice.page.waitForEvent('filechooser'), alice.page.keyboard.press('Enter')]);
    expect(picker.isMultiple()).toBe(true);
    await picker.setFiles([text('keys.txt')]);
    await expect.poll(() => chosen(alice).count()).toBe(1);
    expect(await alice.page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA');
    expect(await alice.page.getByRole('status').first().textContent()).toMatch(/1 file chosen/);
    await alice.page.getByRole('button', { name: 'Do not send keys.txt' }).press('Enter');
    await expect.poll(() => chosen(alice).count()).toBe(0);
  });

  it('nothing is wider than the screen, a picture opened large included', async () => {
    await bob.page.setViewportSize({ width: 360, height: 740 });
    const isWide = () => bob.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await isWide()).toBe(false);
    const list = bob.page.getByRole('list', { name: 'Messages' });
    expect(await list.evaluate((rows) => rows.scrollWidth - rows.clientWidth)).toBe(0);
    await bob
      .message('looks')
      .getByRole('button', { name: /^Picture: harbour/ })
      .press('Enter');
    const box = await bob.page.getByRole('dialog').getByRole('img').boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= 360).toBe(true);
    expect(await isWide()).toBe(false);
    await bob.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await bob.page.setViewportSize({ width: 1280, height: 800 });
  });
});
