/** What the decryption of many pictures costs a browser: the processor time of the workers through which all frames go. */
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { openBrowser } from '#cli/demo/browser.ts';
import { joinCall, signIn } from '#cli/demo/page.ts';
import type { Errand, Guard } from '../guarded.ts';
import { threadSeconds } from '../measure/threads.ts';
import { filming } from './filming.ts';

export interface WorkerCost {
  readonly videos: number;
  /** Pictures that were shown, a second, all of them together. */
  readonly framesPerSecond: number;
  /** Per cent of one core. */
  readonly percent: number;
}

/** As Chromium names the thread of a worker. */
const WORKER = 'DedicatedWorker thread';
const SETTLE_MS = 8_000;
const SECONDS = 15;

export async function workerCost(videos: number, guard: Guard, say: Errand['say']): Promise<WorkerCost> {
  const { trial } = await filming(videos, guard, say);
  const browser = await openBrowser();
  guard.undo.defer(() => browser.close());
  const { page } = browser;
  await page.setViewportSize({ width: 1920, height: 1080 });
  await signIn(page, trial.bob);
  await joinCall(page);
  await page.keyboard.press('v');
  await page.keyboard.press('m');
  await wait(SETTLE_MS);
  const frames = async () =>
    (await page.evaluate(() => window.hawser?.stats() ?? [])).map((each) => each.framesDecoded ?? 0);
  const before = { frames: await frames(), seconds: await threadSeconds(process.pid, WORKER), at: performance.now() };
  await wait(SECONDS * 1_000);
  const after = { frames: await frames(), seconds: await threadSeconds(process.pid, WORKER), at: performance.now() };
  if (after.seconds === 0) throw new Error('This browser names the threads of its workers otherwise.');
  const passed = (after.at - before.at) / 1_000;
  const sum = (all: readonly number[]) => all.reduce((total, each) => total + each, 0);
  return {
    videos,
    framesPerSecond: Math.round((sum(after.frames) - sum(before.frames)) / passed),
    percent: Number((((after.seconds - before.seconds) / passed) * 100).toFixed(1)),
  };
}
