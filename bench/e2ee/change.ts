/** New keys for everybody while a picture is looked at: a person films at alpha, a browser watches at beta, and the keys change again and again. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { openBrowser } from '#cli/demo/browser.ts';
import { joinCall, signIn, stallOf } from '#cli/demo/page.ts';
import type { Errand, Guard } from '../guarded.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import { filming } from './filming.ts';

export interface KeyChange {
  readonly changes: number;
  /** Longest time without a new picture around each change, and in as long a time without one. */
  readonly gapMs: Spread;
  readonly quietGapMs: Spread;
  /** Changes with a gap of more than `FREEZE_MS`. */
  readonly freezes: number;
  /** Measured again, because the browser itself did not get the processor in time. */
  readonly disturbed: number;
}

/** Longer than this without a new picture is a freeze, ms. */
export const FREEZE_MS = 100;
/** Around a change: until all send with the new keys, and the old ones are not used any more. ms */
const AROUND_MS = 1_200;
/** A change is measured again where timers of the page came so late in it, ms. */
const DISTURBED_MS = 50;

export async function keyChange(changes: number, guard: Guard, say: Errand['say']): Promise<KeyChange> {
  const { trial, speakers } = await filming(1, guard, say);
  const [speaker] = speakers;
  if (!speaker) throw new Error('nobody films');
  const browser = await openBrowser();
  guard.undo.defer(() => browser.close());
  const { page } = browser;
  await signIn(page, trial.bob);
  await joinCall(page);
  await watch(page);
  const gaps: { readonly change: number[]; readonly quiet: number[] } = { change: [], quiet: [] };
  let disturbed = 0;
  while (gaps.change.length < changes) {
    const quiet = await longestGap(page, async () => undefined);
    const change = await longestGap(page, () => speaker.renewKeys());
    if (change.stall >= DISTURBED_MS && disturbed < changes) {
      disturbed += 1;
      continue;
    }
    gaps.quiet.push(quiet.gap);
    gaps.change.push(change.gap);
  }
  const freezes = gaps.change.filter((gap) => gap > FREEZE_MS).length;
  return { changes, gapMs: spreadOf(gaps.change), quietGapMs: spreadOf(gaps.quiet), freezes, disturbed };
}

declare global {
  interface Window {
    /** When each picture was shown, since it was last asked: `performance.now`. */
    hawserShown?: number[];
  }
}

/** Resolves when pictures are shown, each of which is noted from then on. */
async function watch(page: Page): Promise<void> {
  await page.getByRole('toolbar', { name: 'Call' }).waitFor();
  await page.keyboard.press('v');
  await page.keyboard.press('m');
  await page.waitForFunction(() => {
    const video = document.querySelector<HTMLVideoElement>('.call-stage video');
    return video !== null && video.videoWidth > 0;
  });
  await page.evaluate(() => {
    const shown: number[] = [];
    window.hawserShown = shown;
    const videos = [...document.querySelectorAll<HTMLVideoElement>('.call-stage video')];
    const [video] = videos.filter(({ videoWidth }) => videoWidth > 0);
    const note = () => {
      shown.push(performance.now());
      video?.requestVideoFrameCallback(note);
    };
    video?.requestVideoFrameCallback(note);
  });
  await wait(3_000);
}

/** The longest time without a new picture while something is done, and how late the page's own timers were. */
async function longestGap(page: Page, work: () => Promise<void>) {
  await stallOf(page);
  await page.evaluate(() => window.hawserShown?.splice(0, window.hawserShown.length - 1));
  await work();
  await wait(AROUND_MS);
  const shown = await page.evaluate(() => [...(window.hawserShown ?? []), performance.now()]);
  const gap = Math.max(...shown.slice(1).map((at, index) => at - (shown[index] ?? 0)));
  return { gap: Math.round(gap), stall: await stallOf(page) };
}
