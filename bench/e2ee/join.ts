/** How soon somebody sees others: a browser joins an ongoing call of two organisations again and again. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { openBrowser } from '#cli/demo/browser.ts';
import { leaveCall, signIn } from '#cli/demo/page.ts';
import type { Errand, Guard } from '../guarded.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import { filming } from './filming.ts';

export interface Joining {
  readonly people: number;
  /** From the click to the first picture of somebody else on the page, ms. */
  readonly ms: readonly number[];
  readonly spread: Spread;
}

const PAUSE_MS = 2_500;
const SIGHT_MS = 30_000;

export async function joining(people: number, times: number, guard: Guard, say: Errand['say']): Promise<Joining> {
  const { trial } = await filming(people, guard, say);
  const browser = await openBrowser();
  guard.undo.defer(() => browser.close());
  const { page } = browser;
  await signIn(page, trial.bob);
  const ms: number[] = [];
  // The first time the browser reads and compiles what the others use.
  for (let time = -1; time < times; time++) {
    const took = Math.round(await join(page));
    if (time >= 0) ms.push(took);
    await wait(PAUSE_MS);
    await leaveCall(page);
    await wait(PAUSE_MS);
  }
  return { people, ms, spread: spreadOf(ms) };
}

/** @returns from the click to the first picture of somebody else, ms */
async function join(page: Page): Promise<number> {
  await page.getByRole('button', { name: 'Join call' }).waitFor();
  return page.evaluate(async (limit) => {
    const [button] = [...document.querySelectorAll('button')].filter(({ textContent }) =>
      /Join call/.test(textContent),
    );
    const before = window.hawser?.conference;
    const clicked = performance.now();
    button?.click();
    const followed = new Set<HTMLVideoElement>();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timer = setInterval(() => {
      if (performance.now() - clicked > limit) reject(new Error(`no picture of anybody came within ${limit} ms`));
      const { conference } = window.hawser ?? {};
      if (conference === undefined || conference === before || conference.state.phase !== 'joined') return;
      const sources = conference.state.participants.flatMap((each) => each.sources);
      const others = new Set(sources.flatMap(({ renditions }) => renditions.map(({ media }) => media.id)));
      for (const video of document.querySelectorAll('video')) {
        const [track] = (video.srcObject as MediaStream | null)?.getVideoTracks() ?? [];
        if (!track || !others.has(track.id) || followed.has(video)) continue;
        followed.add(video);
        video.requestVideoFrameCallback(() => resolve(performance.now() - clicked));
      }
    }, 4);
    return promise.finally(() => clearInterval(timer));
  }, SIGHT_MS);
}
