/**
 * `hawser bench switches`: how long a viewer waits for a larger picture over the trunk, in real browsers: from the wish to
 * the first frame of the new size on the page.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { openBrowser } from '#cli/demo/browser.ts';
import { joinCall, signIn, stallOf, startCall } from '#cli/demo/page.ts';
import { freePlaces } from '#cli/demo/places.ts';
import { startTrial, type Trial } from '#cli/demo/trial.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { type Errand, guarded } from './guarded.ts';
import { PICTURES } from './media/clips.ts';
import { Person } from './people/person.ts';
import { type Spread, spreadOf } from './report/figures.ts';

/** What flows over the trunk before the wish: nothing of the wished layer, or all of it because somebody else watches it. */
export type Before = 'cold' | 'flowing';

/** The sizes of a camera, by layer. */
const SIZES = ['small', 'middle', 'large'] as const;
type Size = (typeof SIZES)[number];

/** Every way up, in turn. */
const STEPS: readonly { readonly from: Size; readonly to: Size }[] = [
  { from: 'small', to: 'large' },
  { from: 'middle', to: 'large' },
  { from: 'small', to: 'middle' },
];

/** From the wish to the first frame of the new size, ms, in the order of the switches. */
interface Times {
  readonly ms: readonly number[];
  readonly spread: Spread;
}

export interface Switches extends Times {
  readonly before: Before;
  readonly steps: readonly (Times & (typeof STEPS)[number])[];
  /** What the viewer's browser counted during the switches, on the way down and up. */
  readonly freezes: number;
  readonly framesDropped: number;
  /** Switches that do not count, because a browser itself did not get the processor in time. */
  readonly disturbed: number;
}

export interface SwitchesReport {
  readonly switches: readonly Switches[];
}

const SIGHT_MS = 30_000;
/** How long the viewer looks at the large picture before he looks away, ms. */
const LOOK_MS = 1_000;
/** A switch is measured again where timers of a page came so late in it, ms: then the machine stood still, and the picture with it. */
const DISTURBED_MS = 100;

/**
 * @param count of each kind
 * @throws Error with a plain sentence where it was stopped or a picture never came
 */
export function measureSwitches(count: number, errand: Errand): Promise<SwitchesReport> {
  return guarded(errand.signal, async ({ undo, onDied }) => {
    const trial = await startTrial({ places: await freePlaces('alpha', 'beta'), say: errand.say, onDied });
    undo.defer(() => trial.stop());
    return measured(count, errand, trial, undo);
  });
}

async function measured(
  count: number,
  { say, onProgress }: Errand,
  trial: Trial,
  undo: AsyncDisposableStack,
): Promise<SwitchesReport> {
  say('a browser films at alpha, another one watches at beta');
  const publisher = await open(undo);
  const viewer = await open(undo);
  await Promise.all([signIn(publisher, trial.alice), signIn(viewer, trial.bob)]);
  await startCall(publisher);
  await joinCall(viewer);
  await prepare(viewer);
  const switches: Switches[] = [];
  for (const before of ['cold', 'flowing'] as const) {
    if (before === 'flowing') for (const size of ['middle', 'large'] as const) await watchBeside(trial, size, undo);
    const done = switches.length * count;
    const trunk = (size: Size) => trunkBytes(trial, size);
    switches.push(await series({ publisher, viewer }, before, count, trunk, (at) => onProgress(done + at, 2 * count)));
  }
  return { switches };
}

interface Pages {
  readonly publisher: Page;
  readonly viewer: Page;
}

async function open(undo: AsyncDisposableStack): Promise<Page> {
  const browser = await openBrowser();
  undo.defer(() => browser.close());
  return browser.page;
}

/** Somebody else at beta watches the picture in that size from now on. */
async function watchBeside(trial: Trial, size: Size, undo: AsyncDisposableStack): Promise<void> {
  const { organisation, handle, password } = trial.bob;
  const home = `http://127.0.0.1:${organisation.places.home}`;
  const person = await Person.signIn({ home, handle, password, entrance: 'webrtc' });
  undo.defer(() => person.close());
  await person.join(trial.conversation as ConversationId);
  const camera = () => {
    const { state } = person.conference;
    const publisher = state.phase === 'joined' && state.participants.find(({ foreign }) => foreign);
    return publisher ? publisher.sources.find(({ kind }) => kind === 'camera') : undefined;
  };
  await until(() => camera() !== undefined, 'the camera in the roster', SIGHT_MS);
  const source = camera()?.source;
  const wanted = pictureOf(size).height;
  if (source) person.conference.setWish(source, wanted);
  const height = async () =>
    (await person.conference.counters()).find((each) => each.source === source)?.counters.height;
  await until(async () => (await height()) === wanted, `the ${size} picture for the one beside`, SIGHT_MS);
}

async function series(
  { publisher, viewer }: Pages,
  before: Before,
  count: number,
  trunk: (size: Size) => Promise<number>,
  onProgress: (at: number) => void,
): Promise<Switches> {
  // The first time the browser makes the decoder and its place in the session description; that is a join and no switch.
  for (const size of SIZES) await look(viewer, size);
  const stall = async () => Math.max(...(await Promise.all([publisher, viewer].map(stallOf))));
  const switched: { readonly step: (typeof STEPS)[number]; readonly ms: number }[] = [];
  let [freezes, framesDropped, disturbed] = [0, 0, 0];
  while (switched.length < count) {
    const step = STEPS[switched.length % STEPS.length] as (typeof STEPS)[number];
    await stall();
    const start = await counted(viewer);
    await look(viewer, step.from);
    if (before === 'cold') await ceased(() => trunk(step.to));
    else await wait(LOOK_MS);
    const ms = await look(viewer, step.to);
    await wait(LOOK_MS);
    const end = await counted(viewer);
    if ((await stall()) >= DISTURBED_MS && disturbed < count) {
      disturbed += 1;
      continue;
    }
    switched.push({ step, ms });
    freezes += end.freezes - start.freezes;
    framesDropped += end.framesDropped - start.framesDropped;
    onProgress(switched.length);
  }
  const steps = STEPS.map((step) => ({ ...step, ...timesOf(switched.filter((each) => each.step === step)) }));
  return {
    before,
    ...timesOf(switched),
    steps: steps.filter(({ ms }) => ms.length > 0),
    freezes,
    framesDropped,
    disturbed,
  };
}

function timesOf(switched: readonly { readonly ms: number }[]): Times {
  const ms = switched.map((each) => Number(each.ms.toFixed(1)));
  return { ms, spread: spreadOf(ms) };
}

function pictureOf(size: Size) {
  return PICTURES[SIZES.indexOf(size)] ?? PICTURES[0];
}

/** Resolves when nothing of a layer crosses the trunk any more. @param bytes that crossed of it */
async function ceased(bytes: () => Promise<number>): Promise<void> {
  let last = -1;
  const stands = async () => {
    await wait(300);
    const now = await bytes();
    const same = now === last;
    last = now;
    return same;
  };
  await until(stands, 'the end of the layer on the trunk', SIGHT_MS);
}

async function trunkBytes({ alpha, beta }: Trial, size: Size): Promise<number> {
  const { links } = await alpha.sftState();
  const streams = links
    .filter(({ peer }) => peer === beta.domain)
    .flatMap(({ trunks }) => trunks.flatMap((trunk) => trunk.streams));
  return streams
    .filter(({ kind, layer, direction }) => kind === 'camera' && SIZES[layer] === size && direction === 'out')
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

async function counted(page: Page): Promise<{ readonly freezes: number; readonly framesDropped: number }> {
  const stats = await page.evaluate(() => window.hawser?.stats() ?? []);
  const camera = stats.filter(({ kind }) => kind === 'camera');
  return {
    freezes: camera.reduce((sum, { freezes }) => sum + freezes, 0),
    framesDropped: camera.reduce((sum, { framesDropped }) => sum + framesDropped, 0),
  };
}

declare global {
  interface Window {
    /** The newest frame of each picture on the page. */
    hawserFrames?: Map<HTMLVideoElement, { at: number; width: number }>;
  }
}

/** Lets the page keep the time and size of each frame that it shows. */
async function prepare(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const { state } = window.hawser?.conference ?? {};
    return state?.phase === 'joined' && state.participants[0]?.sources.some(({ kind }) => kind === 'camera');
  });
  await page.keyboard.press('v'); // this one only looks
  await page.evaluate(() => {
    const frames = new Map<HTMLVideoElement, { at: number; width: number }>();
    const follow = (video: HTMLVideoElement) => {
      const onFrame = (_now: number, { width }: VideoFrameCallbackMetadata) => {
        frames.set(video, { at: performance.now(), width });
        video.requestVideoFrameCallback(onFrame);
      };
      frames.set(video, { at: 0, width: 0 });
      video.requestVideoFrameCallback(onFrame);
    };
    setInterval(() => {
      for (const video of document.querySelectorAll('video')) if (!frames.has(video)) follow(video);
    }, 4);
    window.hawserFrames = frames;
  });
}

/** Wishes for a size and waits for the first frame of it. @returns ms in between */
async function look(page: Page, size: Size): Promise<number> {
  const { height, width } = pictureOf(size);
  return page.evaluate(
    async ({ height, width, limit }) => {
      const { conference } = window.hawser ?? {};
      const { state } = conference ?? {};
      const sources =
        state?.phase === 'joined'
          ? state.participants.filter(({ foreign }) => foreign).flatMap((each) => each.sources)
          : [];
      const camera = sources.find(({ kind }) => kind === 'camera');
      if (!conference || !camera) throw new Error('nobody films any more');
      const own = [...document.querySelectorAll('.mirrored')];
      const begun = performance.now();
      conference.setWish(camera.source, height);
      for (;;) {
        const shown = [...(window.hawserFrames ?? [])].filter(([video]) => !own.includes(video));
        const frame = shown.map(([, each]) => each).find((each) => each.at > begun && each.width === width);
        if (frame) return frame.at - begun;
        if (performance.now() - begun > limit) {
          const came = [...new Set(shown.filter(([, { at }]) => at > begun).map(([, each]) => each.width))];
          throw new Error(`no picture ${width} wide came within ${limit} ms, but ${came.join(', ') || 'none'}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    { height, width, limit: SIGHT_MS },
  );
}
