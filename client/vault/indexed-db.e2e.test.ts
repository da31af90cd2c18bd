/** The vault of a browser, in a real Chromium: closed, killed, out of room, cleared, and in two tabs at once. */
import { join } from 'node:path';
import fc from 'fast-check';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { PageBrowser } from '../testing/page-browser.ts';
import { expected, script } from './testing/script.ts';
import type {} from './testing/vault-page.ts';
import { RECORDS } from './testing/written.ts';

let browser: PageBrowser;
let count = 0;
let name: string;

beforeAll(async () => {
  browser = await PageBrowser.start({ page: join(import.meta.dirname, 'testing/vault-page.ts') });
});

afterAll(() => browser?.close());

beforeEach(() => {
  name = `vault ${count++}`;
});

async function tab(before?: () => void): Promise<Page> {
  const page = await browser.tab(before);
  onTestFinished(() => page.close());
  return page;
}

function open(
  page: Page,
  more: { ifMissing?: 'create' | 'refuse'; ifInUse?: 'refuse' | 'wait' } = {},
): Promise<string> {
  const options = { name, ifMissing: 'create', ifInUse: 'refuse', ...more } as const;
  return page.evaluate((given) => window.page.open(given), options);
}

const write = (page: Page, keys: readonly string[], bytes = 100) =>
  page.evaluate((given) => window.page.write(given.keys, given.bytes), { keys, bytes });
const get = (page: Page, key: string) => page.evaluate((given) => window.page.get(given), key);
const keysOf = (page: Page, prefix = '') => page.evaluate((given) => window.page.keys(given), prefix);
const close = (page: Page) => page.evaluate(() => window.page.close());
const told = (page: Page) => page.evaluate(() => window.page.told);

describe('the vault of a browser', () => {
  it('shows after any sequence of calls what a Map would show', async () => {
    const page = await tab();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const options = { name: `${name} ${run++}`, ifMissing: 'create', ifInUse: 'refuse' } as const;
        const shown = await page.evaluate((given) => window.page.play(given.steps, given.options), { steps, options });
        expect(shown).toEqual(expected(steps));
      }),
      { numRuns: 40 },
    );
  });

  it('is deleted where it cannot be opened, and not while somebody works with it', async () => {
    const [page, other] = [await tab(), await tab()];
    const remove = () => other.evaluate((given) => window.page.delete(given), name);
    expect(await open(page)).toBe('done');
    expect(await write(page, ['a/1', 'a/2'])).toBe('done');
    expect(await remove()).toBe('VAULT_IN_USE');
    expect(await keysOf(page)).toEqual(['a/1', 'a/2']);
    expect(await close(page)).toBe('done');
    await other.evaluate(alter, { database: name, record: 0, value: [1, 2, 3] });
    expect(await open(page)).toBe('VAULT_GONE');
    // One tab may hear a little later that another one has let go of it.
    await expect.poll(remove).toBe('done');
    expect(await open(page)).toBe('done');
    expect(await keysOf(page)).toEqual([]);
  });

  it('keeps each write whole or not at all, and every one that was reported, however the page ends', async () => {
    let written = 0;
    for (let end = 0; end < 6; end++) {
      const page = await browser.tab();
      let reported = written - 1;
      const enough = new Promise<void>((resolve) => {
        void page.exposeFunction('report', (round: number) => {
          reported = round;
          if (round >= written + 10 + 16 * end) resolve();
        });
      });
      await page.waitForFunction(() => 'report' in window);
      // A tab that was closed lets go of it a little later.
      expect(await open(page, { ifInUse: 'wait' })).toBe('done');
      // Rejected when the page ends.
      const pounding = page.evaluate((first) => window.page.pound(first), written).catch(() => undefined);
      await enough;
      if (end % 3 === 2) await browser.crash();
      else await page.close();
      await pounding;

      const after = await browser.tab();
      expect(await open(after, { ifMissing: 'refuse', ifInUse: 'wait' })).toBe('done');
      const { rounds, latest } = await after.evaluate(() => window.page.left());
      expect(rounds).toEqual(Array.from({ length: rounds.length }, (_, round) => [round, RECORDS]));
      expect(latest).toBe(rounds.length - 1);
      // What was written and not reported is at most on its way from the page to here.
      expect(latest).toBeGreaterThanOrEqual(reported);
      written = latest + 1;
      await after.close();
    }
    expect(written).toBeGreaterThan(250);
  });

  it('is held by one tab; another one is told, or waits and can give up', async () => {
    const [first, second, third] = [await tab(), await tab(), await tab()];
    expect(await open(first)).toBe('done');
    expect(await write(first, ['a'])).toBe('done');
    expect(await open(second)).toBe('VAULT_IN_USE');
    const waiting = open(second, { ifInUse: 'wait' });
    await expect.poll(() => told(second)).toEqual(['waiting']);
    const givesUp = open(third, { ifInUse: 'wait' });
    await expect.poll(() => told(third)).toEqual(['waiting']);
    await third.evaluate(() => window.page.stopWaiting());
    expect(await givesUp).toBe('VAULT_CLOSED');
    // Without a word, as when somebody closes the tab.
    await first.close();
    expect(await waiting).toBe('done');
    expect(await keysOf(second)).toEqual(['a']);
    const last = await tab();
    expect(await open(last)).toBe('VAULT_IN_USE');
    expect(await close(second)).toBe('done');
    expect(await open(last, { ifInUse: 'wait' })).toBe('done');
  });

  it('says that there is no room, has written nothing of it, and goes on when there is', async () => {
    const page = await tab();
    const devtools = await page.context().newCDPSession(page);
    // An origin of its own: Chromium remembers for half a minute how much room one had.
    const url = browser.url.replace('127.0.0.1', 'localhost');
    const { origin } = new URL(url);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 });
    await page.goto(url);
    await page.waitForFunction(() => 'page' in window);
    expect(await open(page)).toBe('done');
    expect(await write(page, ['a', 'b'])).toBe('done');
    expect(await write(page, ['a', 'c', 'd'], 2_000_000)).toBe('VAULT_FULL');
    expect(await keysOf(page)).toEqual(['a', 'b']);
    expect(await get(page, 'a')).toBe('done');
    await devtools.send('Storage.overrideQuotaForOrigin', { origin });
    expect(await write(page, ['c', 'd'], 2_000_000)).toBe('done');
    expect(await keysOf(page)).toEqual(['a', 'b', 'c', 'd']);
    expect(await told(page)).toEqual([]);
  });

  it('tells the page that the browser has deleted it, at once and at the next start', async () => {
    const page = await tab();
    expect(await open(page, { ifMissing: 'refuse' })).toBe('VAULT_GONE');
    expect(await page.evaluate(() => indexedDB.databases())).not.toContainEqual(expect.objectContaining({ name }));
    expect(await open(page)).toBe('done');
    expect(await write(page, ['a'])).toBe('done');
    const devtools = await page.context().newCDPSession(page);
    const origin = new URL(browser.url).origin;
    await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
    await expect.poll(() => told(page)).toEqual(['VAULT_GONE']);
    expect(await get(page, 'a')).toBe('VAULT_GONE');
    expect(await write(page, ['b'])).toBe('VAULT_GONE');
    const next = await tab();
    expect(await open(next, { ifMissing: 'refuse' })).toBe('VAULT_GONE');
    expect(await open(next)).toBe('done');
    expect(await keysOf(next)).toEqual([]);
    // Whoever lost it does not delete what came after it.
    expect(await page.evaluate(() => window.page.destroy())).toBe('done');
    expect(await write(next, ['c'])).toBe('done');
    expect(await keysOf(next)).toEqual(['c']);
  });

  it('gives way to a newer version of the page, and leaves alone what that has written', async () => {
    const [older, newer] = [await tab(), await tab()];
    expect(await open(older)).toBe('done');
    expect(await write(older, ['a'])).toBe('done');
    await newer.evaluate(
      (database) =>
        new Promise<void>((resolve, reject) => {
          const request = indexedDB.open(database, 2);
          request.onsuccess = () => {
            request.result.close();
            resolve();
          };
          request.onerror = () => reject(request.error);
        }),
      name,
    );
    await expect.poll(() => told(older)).toEqual(['VAULT_IN_USE']);
    expect(await write(older, ['b'])).toBe('VAULT_IN_USE');
    expect(await older.evaluate(() => window.page.destroy())).toBe('VAULT_IN_USE');
    await expect.poll(() => open(newer)).toBe('VAULT_NEWER');
  });

  it('holds keys that cannot be read out, and no id or value in the clear', async () => {
    const page = await tab();
    expect(await open(page)).toBe('done');
    expect(await write(page, ['group/mimi://alpha.example/g/abcdefghijklmnop/keys'])).toBe('done');
    expect(await close(page)).toBe('done');
    const { extractable, names, lengths } = await page.evaluate(inspect, name);
    expect(extractable).toEqual([false, false]);
    expect(names).toEqual([expect.stringMatching(/^group(\/~[\w-]{22}){6}$/)]);
    expect(lengths).toEqual([12 + 2 + 'group/mimi://alpha.example/g/abcdefghijklmnop/keys'.length + 100 + 16]);
  });

  it('says so where a record was altered or its keys are missing', async () => {
    const page = await tab();
    expect(await open(page)).toBe('done');
    expect(await write(page, ['a', 'b', 'c'])).toBe('done');
    expect(await close(page)).toBe('done');
    await page.evaluate(alter, { database: name, record: 'b', value: new Array<number>(100).fill(7) });
    expect(await open(page, { ifMissing: 'refuse' })).toBe('done');
    expect(await get(page, 'a')).toBe('done');
    expect(await get(page, 'b')).toBe('VAULT_DAMAGED');
    expect(await close(page)).toBe('done');
    await page.evaluate(alter, { database: name, record: 0, value: [] });
    expect(await open(page, { ifMissing: 'refuse' })).toBe('VAULT_GONE');
  });

  it('is deleted as a whole, and the next one is empty', async () => {
    const page = await tab();
    expect(await open(page)).toBe('done');
    expect(await write(page, ['a'])).toBe('done');
    expect(await page.evaluate(() => window.page.destroy())).toBe('done');
    expect(await page.evaluate(() => indexedDB.databases())).not.toContainEqual(expect.objectContaining({ name }));
    expect(await get(page, 'a')).toBe('VAULT_CLOSED');
    expect(await open(page)).toBe('done');
    expect(await keysOf(page)).toEqual([]);
  });

  it.each([
    ['has no database', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
    [
      'forbids the database',
      () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('', 'SecurityError');
        };
      },
    ],
    ['has no locks', () => Object.defineProperty(navigator, 'locks', { value: undefined })],
  ])('says so where the browser %s', async (_what, before) => {
    expect(await open(await tab(before as () => void))).toBe('VAULT_UNAVAILABLE');
  });
});

/** What lies in the database, as another script of the page's origin would see it. */
function inspect(database: string) {
  return new Promise<{ extractable: boolean[]; names: string[]; lengths: number[] }>((resolve, reject) => {
    const request = indexedDB.open(database);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const store = request.result.transaction('records').objectStore('records');
      const [names, values] = [store.getAllKeys(), store.getAll()];
      values.onsuccess = () => {
        request.result.close();
        const [keys, ...records] = values.result as [Record<string, CryptoKey>, ...Uint8Array[]];
        resolve({
          extractable: Object.values(keys).map((key) => key.extractable),
          names: names.result.slice(1).map(String),
          lengths: records.map(({ length }) => length),
        });
      };
    };
  });
}

function alter(given: { database: string; record: string | number; value: number[] }) {
  return new Promise<void>((resolve, reject) => {
    const request = indexedDB.open(given.database);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const transaction = request.result.transaction('records', 'readwrite');
      transaction.objectStore('records').put(Uint8Array.from(given.value), given.record);
      transaction.oncomplete = () => {
        request.result.close();
        resolve();
      };
    };
  });
}
