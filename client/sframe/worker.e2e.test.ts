/** The worker in a real Chromium: real encoders, packets and decoders on both sides of it. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { until } from '#signalling/testing.ts';
import { PageBrowser } from '../testing/page-browser.ts';
import type { LoopbackOptions } from './testing/loopback-page.ts';

let browser: PageBrowser;

beforeAll(async () => {
  const page = join(import.meta.dirname, 'testing', 'loopback-page.ts');
  browser = await PageBrowser.start({ page, worker: join(import.meta.dirname, 'worker.ts') });
});

afterAll(() => browser?.close());

async function open(options: LoopbackOptions): Promise<Page> {
  const page = await browser.tab();
  onTestFinished(() => page.close());
  await page.evaluate((given) => window.loopback.open(given), options);
  return page;
}

const knows = (page: Page, end: 'in' | 'out', number: number, seed?: number) =>
  page.evaluate(([at, epoch, other]) => window.loopback.knows(at, epoch, other), [end, number, seed] as const);
const sendsWith = (page: Page, number: number) => page.evaluate((given) => window.loopback.sendsWith(given), number);
const figures = (page: Page) => page.evaluate(() => window.loopback.figures());

const CODECS: readonly [string, LoopbackOptions][] = [
  ['VP8', { mimeType: 'video/VP8', encodings: [{ scalabilityMode: 'L1T3' }] }],
  ['H.264', { mimeType: 'video/H264' }],
  ['VP9 in layers', { mimeType: 'video/VP9', encodings: [{ scalabilityMode: 'L3T3' }] }],
];

it.each(CODECS)('shows %s through changes of the epoch without a lost picture', async (_, options) => {
  const page = await open(options);
  for (const end of ['in', 'out'] as const) await knows(page, end, 1);
  await sendsWith(page, 1);
  await until(async () => (await figures(page)).framesDecoded > 10, 'pictures', 20_000);
  const before = await figures(page);
  for (let epoch = 2; epoch < 20; epoch++) {
    for (const end of ['in', 'out'] as const) await knows(page, end, epoch);
    await sendsWith(page, epoch);
    await page.waitForTimeout(100);
  }
  const after = await figures(page);
  expect(after.framesDecoded - before.framesDecoded).toBeGreaterThan(10);
  expect(after.keyFramesDecoded).toBe(before.keyFramesDecoded);
  expect(after.refused).toEqual({});
});

it('plays Opus through changes of the epoch, and nothing of it to whoever has other keys', async () => {
  const page = await open({ mimeType: 'audio/opus' });
  for (const end of ['in', 'out'] as const) await knows(page, end, 1);
  await sendsWith(page, 1);
  await until(async () => (await figures(page)).energy > 0, 'sound', 20_000);
  await knows(page, 'in', 2, 3);
  await knows(page, 'out', 2);
  await sendsWith(page, 2);
  const { energy } = await figures(page);
  await until(async () => ((await figures(page)).refused.forged ?? 0) > 50, 'refusals', 20_000);
  const quiet = await figures(page);
  await page.waitForTimeout(1_500);
  expect((await figures(page)).energy - quiet.energy).toBeLessThan(1e-6);
  expect(quiet.energy).toBeGreaterThanOrEqual(energy);
});

it('sends nothing before it has a key, and then all from the first key frame on', async () => {
  const page = await open({ mimeType: 'video/VP8' });
  await page.waitForTimeout(1_500);
  expect(await figures(page)).toMatchObject({ framesDecoded: 0, refused: {} });
  for (const end of ['in', 'out'] as const) await knows(page, end, 1);
  await sendsWith(page, 1);
  await until(async () => (await figures(page)).framesDecoded > 10, 'pictures', 20_000);
});

it('asks for a key frame where pictures were not readable for too long', async () => {
  const page = await open({ mimeType: 'video/VP8' });
  for (const end of ['in', 'out'] as const) await knows(page, end, 1);
  await sendsWith(page, 1);
  await until(async () => (await figures(page)).framesDecoded > 10, 'pictures', 20_000);
  await knows(page, 'out', 2);
  await sendsWith(page, 2);
  await until(async () => ((await figures(page)).refused.unknownKey ?? 0) > 10, 'refusals', 20_000);
  const before = await figures(page);
  await knows(page, 'in', 2);
  await until(async () => (await figures(page)).framesDecoded > before.framesDecoded + 10, 'pictures', 20_000);
  expect((await figures(page)).keyFramesDecoded).toBeGreaterThan(before.keyFramesDecoded);
});
