/**
 * What the decryption of many pictures costs a browser: the processor time of the workers through which all frames go, beside that of workers that
 * hand each frame on as it came.
 */
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { openBrowser } from '#cli/demo/browser.ts';
import { joinCall, signIn } from '#cli/demo/page.ts';
import type { Trial } from '#cli/demo/trial.ts';
import type { Errand, Guard } from '../guarded.ts';
import { threadSeconds } from '../measure/threads.ts';
import { filming } from './filming.ts';

export interface WorkerCost {
  readonly videos: number;
  /** Pictures that were shown, a second, all of them together. */
  readonly framesPerSecond: number;
  /** What decrypting takes: `inAll` without `handingOn`. Per cent of one core, as the next ones. */
  readonly percent: number;
  readonly inAll: number;
  /** Of workers that look at nothing: what the browser needs to give frames to a worker and to take them back. */
  readonly handingOn: number;
}

/** As Chromium names the thread of a worker. */
const WORKER = 'DedicatedWorker thread';
const SETTLE_MS = 8_000;
const SECONDS = 15;
/** Where the page has its worker. */
const SCRIPT = /\/assets\/worker-[^/]*\.js$/;
/** In the place of the page's own; what comes out is encrypted still, so that nothing is seen. */
const HANDING_ON = `self.onrtctransform = async ({ transformer: { readable, writable } }) => {
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    await writer.write(value);
  }
};`;

export async function workerCost(videos: number, guard: Guard, say: Errand['say']): Promise<WorkerCost> {
  const { trial } = await filming(videos, guard, say);
  say('pictures are decrypted');
  const own = await measured(trial, guard);
  say('frames are handed on');
  const other = await measured(trial, guard, HANDING_ON);
  const percent = Number((own.percent - other.percent).toFixed(1));
  return { videos, framesPerSecond: own.framesPerSecond, percent, inAll: own.percent, handingOn: other.percent };
}

/** @param script of the workers, in the place of the page's */
async function measured({ bob }: Trial, { undo }: Guard, script?: string) {
  const browser = await openBrowser();
  undo.defer(() => browser.close());
  const { page, context } = browser;
  let replaced = 0;
  if (script !== undefined) {
    await context.route(SCRIPT, (route) => {
      replaced += 1;
      return route.fulfill({ body: script, contentType: 'text/javascript' });
    });
  }
  await page.setViewportSize({ width: 1920, height: 1080 });
  await signIn(page, bob);
  await joinCall(page);
  await page.keyboard.press('v');
  await page.keyboard.press('m');
  await wait(SETTLE_MS);
  if (script !== undefined && replaced === 0) throw new Error('The page has its worker somewhere else.');
  const frames = async () =>
    (await page.evaluate(() => window.hawser?.stats() ?? [])).map((each) => each.framesDecoded ?? 0);
  const before = { frames: await frames(), seconds: await threadSeconds(process.pid, WORKER), at: performance.now() };
  await wait(SECONDS * 1_000);
  const after = { frames: await frames(), seconds: await threadSeconds(process.pid, WORKER), at: performance.now() };
  if (after.seconds === 0) throw new Error('This browser names the threads of its workers otherwise.');
  await browser.close();
  const passed = (after.at - before.at) / 1_000;
  const sum = (all: readonly number[]) => all.reduce((total, each) => total + each, 0);
  return {
    framesPerSecond: Math.round((sum(after.frames) - sum(before.frames)) / passed),
    percent: Number((((after.seconds - before.seconds) / passed) * 100).toFixed(1)),
  };
}
