import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { layerFor } from '#client/conference/wishes.ts';
import type { DomainName } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { buildWeb } from '#web/build.ts';
import type {} from '#web/lib/hooks.ts';
import { type Browser, openBrowser } from './browser.ts';
import { joinCall, signIn, stallOf, startCall } from './page.ts';
import { LOOKS, writePortrait } from './portrait.ts';
import { testPlaces } from './testing-places.ts';
import { startTrial, type Trial } from './trial.ts';

const CHANGES = 8;
/** For all of them. */
const CHANGES_MS = 240_000;
/**
 * Four browsers have to fit on two cores, else they make their pictures smaller by themselves and those stand still: cameras of
 * 360 lines at 8 pictures a second, and windows in which no tile needs the largest layer.
 */
const CAMERA_RATE = 8;
const LINES = [90, 180, 360];
const WINDOW = { width: 800, height: 560 };
/**
 * Where timers of a page are held up for so long while a layout changes, or pictures stand still in a page whose layout did not
 * change, the machine is too slow for four browsers at that moment: that change and the next one say nothing of freezes. How often
 * pictures stand still where a machine has time is measured by `hawser bench switches`.
 */
const STALL_MS = 80;
/** Between two looks at the figures of a page, ms: to collect them costs a browser as much as some pictures. */
const LOOK_MS = 200;
const WINDOW_MS = 5_000;
/** Of a camera's layers on the trunk, bit/s: payload, and 36 bytes a packet for RTP, its extension and SRTP. */
const RATES = [160_000, 520_000, 1_560_000];
/** Voices, silent or not, and reports of one direction, bit/s. */
const BESIDE = 200_000;

async function enter(trial: Trial): Promise<readonly Browser[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-camera-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const clip = join(folder, 'camera.y4m');
  await writePortrait(clip, LOOKS.alice, CAMERA_RATE);
  const people = [trial.alice, trial.alice, trial.bob, trial.bob];
  const browsers: Browser[] = [];
  for (const [index, person] of people.entries()) {
    const browser = await openBrowser({ clip });
    onTestFinished(() => browser.close());
    browsers.push(browser);
    await browser.page.setViewportSize(WINDOW);
    await signIn(browser.page, person);
    await (index === 0 ? startCall(browser.page) : joinCall(browser.page));
  }
  return browsers;
}

/** What a page shows of the cameras of others: how tall the tile is, in device pixels, and how tall the picture. */
function shown(page: Page) {
  return page.evaluate(async () => {
    const { conference } = window.hawser ?? {};
    const { state } = conference ?? {};
    const stats = (await window.hawser?.stats()) ?? [];
    const people = state?.phase === 'joined' ? state.participants : [];
    const tiles = [...document.querySelectorAll<HTMLElement>('.tile-picture')];
    return people.map(({ participant, domain, foreign }, index) => {
      const { width, height } = tiles[index]?.getBoundingClientRect() ?? { width: 0, height: 0 };
      const of = stats.find((each) => each.participant === participant && each.kind === 'camera');
      const pixels = Math.round(Math.max(height, width / (16 / 9)) * devicePixelRatio);
      return { participant, domain, foreign, pixels, height: of?.height ?? 0, freezes: of?.freezes ?? 0 };
    });
  });
}

/** Whether a picture is of the layer that fits the tile: a browser on a busy machine takes up to half of the lines away. */
function isOfLayer(height: number, pixels: number): boolean {
  const layer = layerFor(pixels, [0, 1, 2]) ?? 0;
  return height <= (LINES[layer] ?? 0) && height > (LINES[layer - 1] ?? 0);
}

/** Resolves when every tile of the page shows a picture of the size that fits it. */
async function fits(page: Page): Promise<void> {
  const all = async () => {
    const tiles = await shown(page);
    return tiles.length === 3 && tiles.every(({ pixels, height }) => isOfLayer(height, pixels));
  };
  const seldom = async () => {
    if (await all()) return true;
    await page.waitForTimeout(LOOK_MS);
    return false;
  };
  await until(seldom, 'pictures of the size of their tiles', 20_000).catch(async (error: unknown) => {
    throw new Error(`${error}: ${JSON.stringify(await shown(page))}`);
  });
}

/** What pages and servers know of the cameras, for whoever looks for where a picture was lost. */
async function knownOf({ alpha, beta }: Trial, pages: readonly Page[]): Promise<string> {
  const ofPages = pages.map((page) =>
    page.evaluate(async () => {
      const { conference, encryption, faults } = window.hawser ?? {};
      const { state } = conference ?? {};
      const joined = state?.phase === 'joined' ? state : undefined;
      const stats = (await window.hawser?.stats()) ?? [];
      const framesOf = (consumer: string) => stats.find((each) => each.consumer === consumer)?.framesDecoded;
      const cameras = joined?.participants.flatMap(({ participant, sources }) =>
        sources
          .filter(({ kind }) => kind === 'camera')
          .map(({ source, muted, renditions }) => ({
            ...{ participant, source, muted },
            renditions: renditions.map(({ consumer, layers, layer }) => ({
              layers,
              layer,
              frames: framesOf(consumer),
            })),
          })),
      );
      return { me: joined?.me ?? state?.phase, camera: state?.local.camera.phase, encryption, faults, cameras };
    }),
  );
  const ofServers = [alpha, beta].map(async (each) => {
    const { conferences, links, peers } = await each.sftState();
    const streams = links.flatMap(({ trunks }) => trunks).flatMap((trunk) => trunk.streams);
    return {
      peers,
      sides: conferences.flatMap(({ sides }) => sides),
      publishing: conferences.flatMap(({ publishing }) => publishing),
      cameras: streams
        .filter(({ kind }) => kind === 'camera')
        .map(({ source, direction, layers, packets, keyFrameRequests }) => ({
          ...{ source, direction, layers, packets, keyFrameRequests },
        })),
    };
  });
  const all = [...(await Promise.all(ofPages)), ...(await Promise.all(ofServers))];
  return all.map((each) => JSON.stringify(each)).join('\n');
}

/** The most that may cross from one domain to the other, bit/s: each wanted layer once, and the lowest one beside it. */
async function bound(pages: readonly Page[], from: DomainName): Promise<number> {
  const layers = new Set<string>();
  for (const page of pages) {
    for (const { participant, domain, foreign, pixels } of await shown(page)) {
      if (!foreign || domain !== from) continue;
      for (const layer of [0, layerFor(pixels, [0, 1, 2])]) layers.add(`${participant} ${layer}`);
    }
  }
  return [...layers].reduce((sum, each) => sum + (RATES[Number(each.split(' ')[1])] ?? 0), BESIDE);
}

/** Resolves when no more is encoded than somebody watches: until then four browsers encode all layers of their cameras. */
async function settled({ alpha, beta }: Trial): Promise<void> {
  const isSettled = async () => {
    const states = await Promise.all([alpha, beta].map((each) => each.sftState()));
    const published = states.flatMap(({ conferences }) => conferences).flatMap(({ publishing }) => publishing);
    return published.length === 4 && published.every(({ layers }) => !layers.includes(2));
  };
  await until(isSettled, 'publishers to send no more than is watched', 20_000);
}

/** Changes the layout of one page, until every picture of it has the size that fits it. @returns false where the machine did not get there */
async function change(pages: readonly Page[], at: number): Promise<boolean> {
  const page = pages[at % pages.length] as Page;
  const others = await shown(page);
  // Each time somebody else, of the other organisation too; now and then back to the grid.
  if (at % 5 === 4) await page.keyboard.press('l');
  else
    await page
      .locator('.cell .tile')
      .nth((at * 2 + 1) % others.length)
      .click();
  try {
    await fits(page);
    return true;
  } catch (error) {
    if ((await longestStall(pages)) < STALL_MS) throw error;
    return false;
  }
}

/**
 * Changes layouts as often as it should be. A change that a page which was held up did not get done is made again.
 * @returns how many pictures stood still in those changes in which no browser was held up
 */
async function froze(pages: readonly Page[]): Promise<number> {
  const ofEach = () => Promise.all(pages.map(async (page) => (await shown(page)).map(({ freezes }) => freezes)));
  let frozen = 0;
  let calm = 0;
  let before = await ofEach();
  await longestStall(pages);
  const end = performance.now() + CHANGES_MS;
  for (let at = 0, done = 0, wasCalm = true; done < CHANGES; at++) {
    if (performance.now() > end) throw new Error(`the machine is too slow: ${done} of ${CHANGES} layouts were changed`);
    const hasFitted = await change(pages, at);
    const after = await ofEach();
    const stall = await longestStall(pages);
    const fresh = after.map((counts, page) => sumOf(counts.map((count, tile) => since(before[page]?.[tile], count))));
    const own = fresh[at % pages.length] ?? 0;
    const isCalm = hasFitted && stall < STALL_MS && sumOf(fresh) === own;
    if (isCalm && wasCalm) {
      calm += 1;
      frozen += own;
    }
    if (hasFitted) done += 1;
    wasCalm = isCalm;
    before = after;
  }
  console.info(`${calm} of ${CHANGES} layouts were changed while no browser was held up: ${frozen} freezes`);
  return frozen;
}

/** Since it was asked last, ms. */
async function longestStall(pages: readonly Page[]): Promise<number> {
  return Math.max(...(await Promise.all(pages.map(stallOf))));
}

/** A picture of another size may be another stream, which begins to count anew. */
function since(before = 0, now: number): number {
  return now < before ? now : now - before;
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, each) => sum + each, 0);
}

async function sent(trial: Trial, to: DomainName): Promise<number> {
  const { links } = await trial.alpha.sftState();
  const trunks = links.filter(({ peer }) => peer === to).flatMap((link) => link.trunks);
  return trunks.reduce((sum, trunk) => sum + trunk.sent, 0);
}

it('gives four browsers of two organisations what their tiles need, and sends no more than that over the border', async () => {
  await buildWeb();
  const died: string[] = [];
  const places = await testPlaces('alpha', 'beta');
  const trial = await startTrial({ places, say: () => undefined, onDied: (sentence) => died.push(sentence) });
  onTestFinished(() => trial.stop());
  const pages = (await enter(trial)).map(({ page }) => page);
  for (const page of pages) {
    await fits(page).catch(async (error: unknown) => {
      throw new Error(`${error}\n${await knownOf(trial, pages)}`);
    });
  }
  await settled(trial);
  expect(await froze(pages)).toBe(0);
  for (const page of pages) await fits(page);

  const most = await bound(pages.slice(2), trial.alpha.domain);
  // What was looked at before is let go after two seconds.
  await pages[0]?.waitForTimeout(WINDOW_MS);
  const begin = await sent(trial, trial.beta.domain);
  await pages[0]?.waitForTimeout(WINDOW_MS);
  const rate = (((await sent(trial, trial.beta.domain)) - begin) * 8_000) / WINDOW_MS;
  expect(rate).toBeGreaterThan(0);
  expect(rate).toBeLessThan(1.1 * most);
  expect(died).toEqual([]);
}, 420_000);
