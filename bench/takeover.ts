/**
 * `hawser bench takeover`: somebody at alpha begins to speak and becomes the large picture at beta. Measured in a real
 * browser at beta, from the first syllable that is sent to the first large frame of the speaker on the page.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { openBrowser } from '#cli/demo/browser.ts';
import { joinCall, signIn } from '#cli/demo/page.ts';
import { freePlaces } from '#cli/demo/places.ts';
import { startTrial, type Trial } from '#cli/demo/trial.ts';
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';
import { type Errand, guarded } from './guarded.ts';
import { loadClips, PICTURES } from './media/clips.ts';
import { steadyClock } from './media/pacer.ts';
import { loadSpeech } from './media/speech.ts';
import { Speaker } from './people/speaker.ts';
import { aligned } from './report/aligned.ts';
import { type Spread, spreadCells, spreadOf } from './report/figures.ts';

export interface TakeoverReport {
  /** From the first syllable to the first large picture of the speaker, ms, in the order of the rounds. */
  readonly ms: readonly number[];
  readonly spread: Spread;
  /** What the viewer's browser counted meanwhile. */
  readonly freezes: number;
}

/** The figure to reach, ms. */
export const TAKEN_WITHIN_MS = 600;
const LARGE = PICTURES[2];
const TICK_MS = 3;
const TALK_MS = 2_500;
const PAUSE_MS = 1_000;
const SIGHT_MS = 15_000;
/** Whoever had no large frame for so long is not large, ms. */
const RECENT_MS = 500;

/** @throws Error with a plain sentence where it was stopped or a picture never came */
export async function measureTakeover(rounds: number, { signal, say, onProgress }: Errand): Promise<TakeoverReport> {
  const { ms, freezes } = await guarded(signal, async ({ undo, ended, onDied }) => {
    const trial = await startTrial({ places: await freePlaces('alpha', 'beta'), say, onDied });
    undo.defer(() => trial.stop());
    say('two people film at alpha, a browser watches at beta');
    const people = await gather(trial, undo);
    const browser = await openBrowser();
    undo.defer(() => browser.close());
    const { page } = browser;
    await signIn(page, trial.bob);
    await joinCall(page);
    await look(page, people.length);
    const { clips } = await loadSpeech();
    const times: number[] = [];
    let before = 0;
    // The first word of each is a join and no take-over: the page has never seen their large picture.
    for (let round = -people.length; round < rounds; round++) {
      if (round === 0) before = await freezesOf(page);
      // Whoever is large already cannot become it.
      const large = await largeNow(page);
      const others = people.filter(({ participant }) => !large.includes(participant));
      const speaker = others[(round + people.length) % others.length];
      const clip = clips[(round + people.length) % clips.length];
      if (!speaker || !clip) throw new Error('nobody can speak');
      const spoken = speaker.talker.speak(clip, TALK_MS);
      const shown = await largeOf(page, speaker.participant);
      const [first] = spoken.packets.values();
      if (first === undefined) throw new Error('a talker sent nothing');
      if (round >= 0) times.push(shown - (performance.timeOrigin + first));
      await wait(TALK_MS + PAUSE_MS, undefined, { signal: ended });
      onProgress(Math.max(0, round + 1), rounds);
    }
    return { ms: times, freezes: (await freezesOf(page)) - before };
  });
  return { ms: ms.map((each) => Math.round(each)), spread: spreadOf(ms), freezes };
}

/** Alice with two devices, each with a camera and a microphone, in a call that bob may join. */
async function gather(trial: Trial, undo: AsyncDisposableStack): Promise<Speaker[]> {
  const { organisation, handle, password } = trial.alice;
  const home = `http://127.0.0.1:${organisation.places.home}`;
  const conversation = trial.conversation as ConversationId;
  const [clips, { comfort }] = await Promise.all([loadClips(), loadSpeech()]);
  const speakers: Speaker[] = [];
  for (let device = 0; device < 2; device++) {
    const speaker = await Speaker.join({ home, handle, password }, conversation, clips, comfort);
    undo.defer(() => speaker.close());
    speakers.push(speaker);
  }
  let clock = performance.now();
  const timer = setInterval(() => {
    clock = steadyClock(clock, performance.now());
    for (const speaker of speakers) speaker.send(clock);
  }, TICK_MS);
  undo.defer(() => clearInterval(timer));
  return speakers;
}

declare global {
  interface Window {
    /** When each track was last shown in the large size, ms since 1970. */
    hawserLarge?: Map<string, number>;
  }
}

/** Puts the page into the layout with one large picture and lets it note when which track is shown large. */
async function look(page: Page, people: number): Promise<void> {
  await page.waitForFunction((count) => {
    const { state } = window.hawser?.conference ?? {};
    const films = state?.phase === 'joined' ? state.participants.filter(({ sources }) => sources.length === 2) : [];
    return films.length === count;
  }, people);
  await page.keyboard.press('v');
  await page.keyboard.press('m');
  await page.keyboard.press('l');
  await page.evaluate((large) => {
    const noted = new Map<string, number>();
    window.hawserLarge = noted;
    const followed = new Set<HTMLVideoElement>();
    const follow = (video: HTMLVideoElement) => {
      followed.add(video);
      const onFrame = (_now: number, { width }: VideoFrameCallbackMetadata) => {
        const [track] = (video.srcObject as MediaStream | null)?.getVideoTracks() ?? [];
        if (track && width === large) noted.set(track.id, performance.timeOrigin + performance.now());
        video.requestVideoFrameCallback(onFrame);
      };
      video.requestVideoFrameCallback(onFrame);
    };
    setInterval(() => {
      for (const video of document.querySelectorAll('video')) if (!followed.has(video)) follow(video);
    }, 4);
  }, LARGE.width);
}

/** Resolves with the moment at which the page showed the first large frame of somebody, from now on; ms since 1970. */
function largeOf(page: Page, participant: ParticipantId): Promise<number> {
  return page.evaluate(
    async ({ participant, limit }) => {
      const begun = performance.timeOrigin + performance.now();
      for (;;) {
        const { state } = window.hawser?.conference ?? {};
        const person =
          state?.phase === 'joined' ? state.participants.find((each) => each.participant === participant) : undefined;
        const camera = person?.sources.find(({ kind }) => kind === 'camera');
        const shown = camera?.renditions.map(({ media }) => window.hawserLarge?.get(media.id) ?? 0) ?? [];
        const first = shown.find((at) => at > begun);
        if (first !== undefined) return first;
        if (performance.timeOrigin + performance.now() - begun > limit) {
          throw new Error(`no large picture of the speaker came within ${limit} ms`);
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    { participant, limit: SIGHT_MS },
  );
}

/** Whose large picture the page shows: in silence somebody is large too, and it need not be who spoke last. */
function largeNow(page: Page): Promise<ParticipantId[]> {
  return page.evaluate((recent) => {
    const { state } = window.hawser?.conference ?? {};
    const people = state?.phase === 'joined' ? state.participants : [];
    const since = performance.timeOrigin + performance.now() - recent;
    const isLarge = ({ sources }: (typeof people)[number]) =>
      sources.some(({ renditions }) =>
        renditions.some(({ media }) => (window.hawserLarge?.get(media.id) ?? 0) > since),
      );
    return people.filter(isLarge).map(({ participant }) => participant);
  }, RECENT_MS);
}

async function freezesOf(page: Page): Promise<number> {
  const stats = await page.evaluate(() => window.hawser?.stats() ?? []);
  return stats.reduce((sum, { freezes }) => sum + freezes, 0);
}

export function takeoverTable({ ms, spread, freezes }: TakeoverReport): string[] {
  return aligned([
    ['From the first syllable to the large picture, ms', 'least', 'median', '95 %', 'most', 'freezes'],
    [`${ms.length} rounds`, ...spreadCells(spread), String(freezes)],
  ]);
}

/** Empty where all figures are reached: the time by the median of the runs, and nothing stood still in any of them. */
export function complaintsAboutTakeover({ spread }: TakeoverReport, runs: readonly TakeoverReport[]): string[] {
  const complaints: string[] = [];
  if (spread.median >= TAKEN_WITHIN_MS) {
    complaints.push(
      `Half of the speakers were large only after ${spread.median} ms; below ${TAKEN_WITHIN_MS} was expected.`,
    );
  }
  const freezes = runs.reduce((sum, run) => sum + run.freezes, 0);
  if (freezes > 0) complaints.push(`Pictures stood still ${freezes} times.`);
  return complaints;
}
