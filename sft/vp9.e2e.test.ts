/** A camera in VP9 from one real browser to another across two organisations: what is seen, and what crosses the border. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestBrowsers } from './testing-browsers.ts';

const STEP_MS = 20_000;
const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let browsers: TestBrowsers;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers' });
  [alpha, beta, browsers] = await Promise.all([start('alpha'), start('beta'), TestBrowsers.start()]);
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
});
afterAll(async () => {
  await browsers?.close();
  await Promise.all([alpha, beta].map((sft) => sft?.close()));
});

const look = (page: Page, shown: number | 'none') => page.evaluate((pixels) => window.person.look(pixels), shown);
const seen = (page: Page) => page.evaluate(() => window.person.seen());

/** Resolves when pictures of that height are decoded. */
async function sees(page: Page, height: number): Promise<void> {
  const before = await seen(page);
  const are = async () => {
    const now = await seen(page);
    return now.height === height && now.frames > before.frames;
  };
  await until(are, `pictures of ${height} lines`, STEP_MS);
}

/** What alpha sends of cameras over the border. */
async function onTrunk() {
  const { links } = await alpha.state();
  return links
    .flatMap(({ trunks }) => trunks.flatMap(({ streams }) => streams))
    .filter(({ kind, direction }) => kind === 'camera' && direction === 'out');
}

/** kbit/s of it, over two seconds. */
async function rate(page: Page): Promise<number> {
  const bytes = async () => (await onTrunk()).reduce((sum, stream) => sum + stream.bytes, 0);
  const [start, before] = [performance.now(), await bytes()];
  await page.waitForTimeout(2_000);
  return Math.round((((await bytes()) - before) * 8) / (performance.now() - start));
}

it('crosses as one stream, with the layers that are watched and no more', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  const alice = await browsers.join(alpha, conference);
  const bob = await browsers.join(beta, conference, alpha);
  expect(await alice.evaluate(() => window.person.film('vp9'))).toBe('on');
  await until(async () => (await bob.evaluate(() => window.person.cameras)).join() === 'vp9', 'the camera', STEP_MS);
  expect(await seen(bob)).toMatchObject({ frames: 0 });

  const kbps: number[] = [];
  const shows = async (lines: number, layer: number) => {
    await look(bob, lines);
    await sees(bob, lines);
    const settled = async () => {
      const streams = await onTrunk();
      return streams.length === 1 && streams[0]?.layers.join() === '0,1,2' && streams[0].layer === layer;
    };
    await until(settled, `one stream, with layer ${layer} at the top`, STEP_MS);
    kbps.push(await rate(bob));
  };
  await shows(180, 0);
  await shows(720, 2);
  await shows(180, 0);
  // He had left the higher layers before they stopped, so that he does not count as one with a weak path: up again at once.
  await shows(720, 2);
  await look(bob, 'none');
  await until(async () => (await rate(bob)) === 0, 'silence on the trunk', STEP_MS);
  await shows(360, 1);

  const [small = 0, large = 0, smallAgain = 0, , middle = 0] = kbps;
  expect(small).toBeGreaterThan(0);
  expect(large).toBeGreaterThan(2 * small);
  expect(large).toBeGreaterThan(2 * smallAgain);
  expect(large).toBeGreaterThan(middle);
}, 120_000);
