/** The demo's self-test: alice and bob in two real browsers, each seeing and hearing the other for five seconds. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { until } from '#signalling/testing.ts';
import { type Browser, openBrowser } from './browser.ts';
import { joinCall, leaveCall, STEP_MS, signIn, startCall } from './page.ts';
import { LOOKS, writePortrait } from './portrait.ts';
import type { Person, Trial } from './trial.ts';

export interface SideReport {
  /** Frames of the other's picture decoded in the five seconds. */
  readonly decodedFrames: number;
  /** The W3C's totalAudioEnergy of the other's voice, gained in the five seconds. */
  readonly audioEnergy: number;
  /** From the click on Join to the first decoded frame of the other organisation. */
  readonly joinMs: number;
  readonly width: number;
  readonly height: number;
  /** Of the group whose keys the media is encrypted with, as digits: the same on both sides. */
  readonly epoch: string;
}

export interface CheckReport {
  readonly ok: boolean;
  readonly alice: SideReport;
  readonly bob: SideReport;
  /** UDP payload on the trunk since it was opened, as alpha's SFT counts it. */
  readonly trunkBytes: { readonly 'alpha>beta': number; readonly 'beta>alpha': number };
}

export interface CheckOptions {
  readonly trial: Trial;
  readonly say: (line: string) => void;
  /** Where a picture of alice's page in the call is to be put. */
  readonly screenshot?: string;
  /** Gives up and closes the browsers. */
  readonly signal: AbortSignal;
}

const WATCH_MS = 5_000;
/** The least that counts as seeing and hearing in five seconds of 30 frames each. */
const LEAST_FRAMES = 50;

interface Seen {
  /** Which renditions the figures are of. */
  readonly of: string;
  readonly frames: number;
  readonly energy: number;
  readonly width: number;
  readonly height: number;
}

/** @throws Error where a step does not come about */
export async function runCheck({ trial, say, screenshot, signal }: CheckOptions): Promise<CheckReport> {
  await using undo = new AsyncDisposableStack();
  say('opening two browsers');
  const open = async (person: Person): Promise<Browser> => {
    signal.throwIfAborted();
    const browser = await openBrowser(screenshot ? { clip: await portraitOf(person) } : {});
    // Whatever waits for a page that is closed under it ends at once.
    const close = () => void browser.close();
    signal.addEventListener('abort', close, { once: true });
    undo.defer(() => browser.close());
    await signIn(browser.page, person);
    return browser;
  };
  const [alice, bob] = await Promise.all([open(trial.alice), open(trial.bob)]);
  try {
    return await call({ trial, say, signal, ...(screenshot && { screenshot }) }, alice, bob);
  } catch (error) {
    if (!signal.aborted) await tellWhatIsKnown(trial, { alice, bob }, say);
    throw error;
  }
}

/** What pages and media servers knew when a step did not come about: the place to look for the reason. */
async function tellWhatIsKnown(
  trial: Trial,
  browsers: Record<string, Browser>,
  say: CheckOptions['say'],
): Promise<void> {
  for (const [name, { page }] of Object.entries(browsers)) {
    const known = await page
      .evaluate(async () => {
        const { conference, timings, stats } = window.hawser ?? {};
        return JSON.stringify({ state: conference?.state, timings, stats: await stats?.() });
      })
      .catch(String);
    say(`${name}'s page knows: ${known}`);
  }
  for (const organisation of [trial.alpha, trial.beta]) {
    const state = await organisation.sftState().catch(String);
    say(`the SFT of ${organisation.name} knows: ${JSON.stringify(state)}`);
  }
}

async function call({ trial, say, screenshot }: CheckOptions, alice: Browser, bob: Browser): Promise<CheckReport> {
  say('alice calls, bob joins');
  await startCall(alice.page);
  await joinCall(bob.page);
  const bobJoin = await firstFrame(bob.page);
  await seesOther(alice.page);

  say('alice leaves and joins again');
  await leaveCall(alice.page);
  await joinCall(alice.page);
  const aliceJoin = await firstFrame(alice.page);
  await Promise.all([seesOther(alice.page), seesOther(bob.page)]);
  const epoch = await until(() => sameEpoch([alice.page, bob.page]), 'both to send with keys of one epoch', STEP_MS);

  say('watching for five seconds');
  const [before, after] = await watched([alice.page, bob.page]);
  if (screenshot) await alice.page.screenshot({ path: screenshot });

  const report = (who: 0 | 1, joinMs: number): SideReport => ({
    decodedFrames: after[who].frames - before[who].frames,
    audioEnergy: Number((after[who].energy - before[who].energy).toFixed(6)),
    joinMs: Math.round(joinMs),
    width: after[who].width,
    height: after[who].height,
    epoch,
  });
  const sides = { alice: report(0, aliceJoin), bob: report(1, bobJoin) };
  const trunkBytes = await bytesOnTrunk(trial);
  const ok =
    Object.values(sides).every((side) => side.decodedFrames >= LEAST_FRAMES && side.audioEnergy > 0) &&
    Object.values(trunkBytes).every((bytes) => bytes > 0);
  return { ok, ...sides, trunkBytes };
}

/** Undefined while they differ, or there are no keys. */
async function sameEpoch(pages: readonly Page[]): Promise<string | undefined> {
  const known = await Promise.all(pages.map((page) => page.evaluate(() => window.hawser?.encryption?.epoch)));
  return new Set(known).size === 1 ? known[0] : undefined;
}

/** In a picture that is kept, people look like people. */
async function portraitOf({ handle, organisation }: Person): Promise<string> {
  const path = join(organisation.folder, `${handle}.y4m`);
  await writePortrait(path, handle === 'alice' ? LOOKS.alice : LOOKS.bob);
  return path;
}

/** What both see at the begin and the end of five seconds in which neither is given another rendition. */
async function watched(pages: readonly [Page, Page]): Promise<readonly [readonly [Seen, Seen], readonly [Seen, Seen]]> {
  const both = () => Promise.all([seen(pages[0]), seen(pages[1])]);
  const deadline = performance.now() + STEP_MS;
  for (;;) {
    const before = await both();
    await pages[0].waitForTimeout(WATCH_MS);
    const after = await both();
    if (before[0].of === after[0].of && before[1].of === after[1].of) return [before, after];
    if (performance.now() > deadline) throw new Error('the pictures do not come to rest');
  }
}

/** ms from the click to the first decoded frame of somebody else, as the page measured it. */
async function firstFrame(page: Page): Promise<number> {
  const handle = await page.waitForFunction(() => window.hawser?.timings?.steps.firstFrame, undefined, {
    timeout: STEP_MS,
  });
  const ms = await handle.jsonValue();
  if (ms === undefined) throw new Error('the page measured no first frame');
  return ms;
}

/** Everything that the page decodes of others, in one sum. */
export async function seen(page: Page): Promise<Seen> {
  const tiles = await page.evaluate(() => window.hawser?.stats() ?? []);
  const video = tiles.filter(({ kind }) => kind === 'camera');
  return {
    of: video.map(({ consumer }) => consumer).join(),
    frames: video.reduce((sum, { framesDecoded }) => sum + framesDecoded, 0),
    energy: tiles.reduce((sum, { audioEnergy }) => sum + audioEnergy, 0),
    width: Math.max(0, ...video.map(({ width }) => width)),
    height: Math.max(0, ...video.map(({ height }) => height)),
  };
}

/** Resolves when the page shows and plays somebody else. */
export async function seesOther(page: Page): Promise<void> {
  const sees = async () => {
    const { frames, energy } = await seen(page);
    return frames > 0 && energy > 0;
  };
  await until(sees, 'picture and sound of the other organisation', STEP_MS);
}

async function bytesOnTrunk({ alpha, beta }: Trial): Promise<CheckReport['trunkBytes']> {
  const { links } = await alpha.sftState();
  const trunks = links.filter(({ peer }) => peer === beta.domain).flatMap((link) => link.trunks);
  const sum = (direction: 'sent' | 'received') => trunks.reduce((total, trunk) => total + trunk[direction], 0);
  return { 'alpha>beta': sum('sent'), 'beta>alpha': sum('received') };
}
