/** The scenarios in a real Chromium: storage in IndexedDB, the browser's own fetch, WebSocket and WebCrypto, the homeserver's own headers. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { until } from './environment.ts';
import type {} from './scenario-page.ts';
import { scenariosFor } from './scenarios.ts';

const CHROMIUM = process.env.HAWSER_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);

let world: World;
let alpha: Organisation;
let folder: string;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-scenarios-'));
  const lib = { entry: join(import.meta.dirname, 'scenario-page.ts'), formats: ['es' as const], fileName: 'page' };
  await build({ logLevel: 'error', configFile: false, build: { outDir: folder, minify: false, lib } });
  await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>');
  world = await organise('alpha.example');
  [alpha] = world.organisations as [Organisation];
  const start = () => alpha.start({ webRoot: folder });
  await alpha.stop();
  await start();
  browser = await chromium.launch({
    ...(CHROMIUM && { executablePath: CHROMIUM }),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`${error}`));
  await page.exposeFunction('serverMakeAccount', async (handle: string) => {
    await alpha.homeserver.createAccount({ handle, name: handle, password: PASSWORD });
  });
  await page.exposeFunction('serverStop', () => alpha.stop());
  await page.exposeFunction('serverStart', start);
  await page.addInitScript((password) => {
    window.serverPassword = password;
  }, PASSWORD);
  await page.goto(alpha.url);
  // The page's policy forbids what `waitForFunction` does.
  await until(() => page.evaluate(() => 'playScenario' in window), `the page: ${complaints}`);
});

afterAll(async () => {
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const nothing = async () => undefined;
for (const name of scenariosFor({ damageVault: nothing }, 'b').keys()) {
  test(name, { timeout: 90_000 }, async () => {
    expect(await page.evaluate((each) => window.playScenario(each), name)).toBe('done');
  });
}
