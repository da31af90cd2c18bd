/** `hawser bench voices`: who is heard at another organisation, how soon, and what voices cost on the trunk. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TrunkMode } from '#sft/conference/demand.ts';
import { userIdOf } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { until } from '#signalling/testing.ts';
import { type Errand, type Guard, guarded } from './guarded.ts';
import { accountOf, passedBetween } from './measure/account.ts';
import { steadyClock } from './media/pacer.ts';
import { FRAME_TICKS, loadSpeech, type Speech } from './media/speech.ts';
import { inTurns } from './people/crowd.ts';
import { Listener } from './people/listener.ts';
import { Person } from './people/person.ts';
import { SOUND_MS, type Spoken, Talker } from './people/talker.ts';
import { aligned } from './report/aligned.ts';
import { type Spread, spreadCells, spreadOf } from './report/figures.ts';
import { makePeople, type Stage, setStage } from './stage.ts';

export interface VoicesBenchOptions {
  /** People with a microphone at alpha; one more than can be loud and warm at least. */
  readonly speakers: number;
  readonly rounds: number;
  /** How long each window of cost lasts. */
  readonly seconds: number;
  readonly mode: TrunkMode;
}

/** What the voices of alpha cost towards beta in one second. */
export interface VoicesCost {
  readonly speakers: number;
  readonly seconds: number;
  /** RTP of microphones with its headers, kbit/s, and its packets. */
  readonly kbps: number;
  readonly packetsPerSecond: number;
  /** Everything that alpha sent, as UDP payload: with SRTP and RTCP of all offered streams, kbit/s. */
  readonly trunkKbps: number;
}

export interface VoicesReport {
  readonly asked: VoicesBenchOptions;
  /** Of people of the warm set: the packets of the first 200 ms of speech, and how long the first was on its way. */
  readonly warm: { readonly rounds: number; readonly sent: number; readonly heard: number; readonly firstMs: Spread };
  /**
   * Of people outside of it: from the first packet of speech that is sent to the first one that is heard. Every second time
   * somebody else speaks too.
   */
  readonly outside: { readonly rounds: number; readonly heard: number; readonly firstMs: Spread };
  /** Talks that do not count, because this process did not get the processor in time while they went out. */
  readonly disturbed: number;
  readonly cost: readonly VoicesCost[];
}

/** ms between two looks at what is due. */
const TICK_MS = 3;
const AT_ONCE = 4;
const JOINED_MS = 30_000;
/** What counts of the beginning of speech, ms. */
const SYLLABLE_MS = 200;
const TALK_MS = 1_000;
/** A talk is disturbed when nothing could be sent for so long, ms. */
const DISTURBED_MS = 3 * SOUND_MS;
const FOR_EVER_MS = 3_600_000;
const RTP_WRAP = 2 ** 32;
/** Longer than anything of a talk is under way or held back, ms. */
const PAUSE_MS = 600;
/** After it nobody holds a place among the loud ones, ms. */
const CALM_MS = 3_000;
/** Somebody from outside the warm set is heard within this time, ms. */
export const HEARD_WITHIN_MS = 400;

/** @throws Error with a plain sentence where it was stopped, or where something ended by itself or never came up */
export function measureVoices(options: VoicesBenchOptions, errand: Errand): Promise<VoicesReport> {
  return guarded(errand.signal, (guard) => measured(options, errand, guard));
}

async function measured(
  asked: VoicesBenchOptions,
  { say, onProgress }: Errand,
  { undo, ended, onDied }: Guard,
): Promise<VoicesReport> {
  const { speakers, rounds, seconds: window, mode } = asked;
  say('starting alpha and beta, and the border between them');
  const stage = await setStage({ domains: ['alpha', 'beta'], entrance: 'webrtc', mode, undo, onDied });
  say(`${speakers} speakers join at alpha, one listener at beta`);
  const { talkers, listener, stall } = await gather(stage, speakers, undo);
  await until(() => talkers.every(({ source }) => listener.sources.includes(source)), 'all microphones', JOINED_MS);
  const { clips } = await loadSpeech();
  const pause = (ms: number) => wait(ms, undefined, { signal: ended });
  const someClip = () => clips[Math.floor(Math.random() * clips.length)] as Speech;

  let disturbed = 0;
  /** Somebody who is, or is not, among those that may cross, speaks for a second; again where the talk was disturbed. */
  const talk = async (isWarm: boolean): Promise<{ talker: Talker; spoken: Spoken } | undefined> => {
    await pause(PAUSE_MS + Math.random() * 250); // at any moment of the observers' turns
    const [conference] = (await stage.organisation('alpha').sftState()).conferences;
    const crossing = new Set(conference?.voices ?? talkers.map(({ source }) => source));
    const candidates = talkers.filter(({ source, isSpeaking }) => !isSpeaking && crossing.has(source) === isWarm);
    const talker = candidates[Math.floor(Math.random() * candidates.length)];
    if (!talker) return undefined;
    listener.forget();
    stall.longest = 0;
    const spoken = talker.speak(someClip(), TALK_MS);
    await pause(TALK_MS + PAUSE_MS);
    if (stall.longest <= DISTURBED_MS || disturbed >= 2 * rounds) return { talker, spoken };
    disturbed += 1;
    return talk(isWarm);
  };

  say('people of the warm set speak');
  const warm = { rounds: 0, sent: 0, heard: 0, firstMs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const talked = await talk(true);
    if (!talked) break;
    const begin = firstOf(talked.spoken);
    const syllable = [...talked.spoken.packets.keys()].filter(
      (timestamp) => (timestamp - begin.timestamp + RTP_WRAP) % RTP_WRAP < (SYLLABLE_MS / SOUND_MS) * FRAME_TICKS,
    );
    const heard = syllable.filter((timestamp) => listener.heardAt(talked.talker.source, timestamp) !== undefined);
    warm.rounds += 1;
    warm.sent += syllable.length;
    warm.heard += heard.length;
    const first = listener.heardAt(talked.talker.source, begin.timestamp);
    if (first !== undefined) warm.firstMs.push(first - begin.at);
    onProgress(round + 1, 2 * rounds);
  }

  say('people outside of the warm set speak, every second time while somebody else does');
  const [other] = talkers;
  const outside = { rounds: 0, heard: 0, firstMs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    // Into silence the speaker observer hears somebody first; while others speak it takes longer to be convinced.
    if (round % 2 === 1) other?.speak(someClip(), FOR_EVER_MS);
    const talked = await talk(false);
    other?.hush();
    if (!talked) break; // everybody crosses
    const { talker, spoken } = talked;
    const times = [...spoken.packets.keys()].flatMap((timestamp) => listener.heardAt(talker.source, timestamp) ?? []);
    outside.rounds += 1;
    if (times.length > 0) {
      outside.heard += 1;
      outside.firstMs.push(Math.min(...times) - firstOf(spoken).at);
    }
    onProgress(rounds + round + 1, 2 * rounds);
  }

  const cost: VoicesCost[] = [];
  for (const count of [0, 3]) {
    say(count === 0 ? 'nobody speaks' : `${count} people speak`);
    const talking = talkers.slice(0, count);
    for (const talker of talking) talker.speak(someClip(), CALM_MS + window * 1_000 + PAUSE_MS);
    await pause(CALM_MS);
    const read = async () => ({
      at: performance.now(),
      account: accountOf(await stage.organisation('alpha').sftState(), stage.organisation('beta').domain),
    });
    const before = await read();
    await pause(window * 1_000);
    const after = await read();
    const seconds = (after.at - before.at) / 1_000;
    const { bytes, streams } = passedBetween(before.account, after.account);
    const sum = (pick: 'bytes' | 'packets') => streams.reduce((total, each) => total + each[pick], 0);
    const kbps = (count_: number) => (count_ * 8) / 1_000 / seconds;
    cost.push({
      speakers: count,
      seconds,
      kbps: kbps(sum('bytes')),
      packetsPerSecond: sum('packets') / seconds,
      trunkKbps: kbps(bytes),
    });
    await pause(PAUSE_MS);
  }
  return {
    asked,
    warm: { ...warm, firstMs: spreadOf(warm.firstMs) },
    outside: { ...outside, firstMs: spreadOf(outside.firstMs) },
    disturbed,
    cost,
  };
}

function firstOf({ packets }: Spoken): { timestamp: number; at: number } {
  const [first] = packets;
  if (!first) throw new Error('a talker sent nothing');
  return { timestamp: first[0], at: first[1] };
}

async function gather(stage: Stage, speakers: number, undo: AsyncDisposableStack) {
  const someone = (at: 'alpha' | 'beta', name: string, publishes: SourceKind[]) => ({ at, name, publishes });
  const speaking = Array.from({ length: speakers }, (_, index) =>
    someone('alpha', `speaker-${index + 1}`, ['microphone']),
  );
  const [far, caller, ...others] = await makePeople(stage, [someone('beta', 'listener', []), ...speaking]);
  if (!caller || !far) throw new Error('there must be a speaker and a listener');
  const { comfort } = await loadSpeech();
  const signIn = async (credentials: typeof caller) => {
    const person = await Person.signIn(credentials);
    undo.defer(() => person.close());
    return person;
  };
  const first = await signIn(caller);
  const members = [
    ...others.map(({ handle }) => userIdOf(stage.organisation('alpha').domain, handle)),
    userIdOf(stage.organisation('beta').domain, far.handle),
  ];
  const { conversation } = await first.home.createConversation('Benchmark', members);
  await first.joinBy(await first.home.startCall(conversation));
  const talkers = [await Talker.start(first, comfort)];
  await inTurns(others, AT_ONCE, async (credentials) => {
    const person = await signIn(credentials);
    await person.join(conversation);
    talkers.push(await Talker.start(person, comfort));
  });
  const listening = await signIn(far);
  await listening.join(conversation);
  const listener = new Listener(listening);
  undo.defer(() => listener.close());
  const stall = { longest: 0 };
  let last = performance.now();
  let clock = last;
  const timer = setInterval(() => {
    const now = performance.now();
    stall.longest = Math.max(stall.longest, now - last);
    last = now;
    clock = steadyClock(clock, now);
    for (const talker of talkers) talker.send(clock);
  }, TICK_MS);
  undo.defer(() => clearInterval(timer));
  return { talkers, listener, stall };
}

/** Empty where all is well. */
export function complaintsAboutVoices({ asked, warm, outside }: VoicesReport): string[] {
  const complaints: string[] = [];
  if (warm.heard < warm.sent) {
    complaints.push(
      `People of the warm set lost ${warm.sent - warm.heard} of ${warm.sent} packets of their first ${SYLLABLE_MS} ms.`,
    );
  }
  if (outside.heard < outside.rounds || outside.firstMs.most >= HEARD_WITHIN_MS) {
    complaints.push(
      `Of ${outside.rounds} people outside the warm set ${outside.heard} were heard, the last after ` +
        `${outside.firstMs.most.toFixed(0)} ms; all were expected within ${HEARD_WITHIN_MS} ms.`,
    );
  }
  if (asked.mode !== 'everything' && outside.rounds < asked.rounds) {
    complaints.push('Nobody was outside the warm set any more; use more speakers.');
  }
  return complaints;
}

/** What a reader should know before he believes the figures. */
export function notesOnVoices({ disturbed }: VoicesReport): string[] {
  if (disturbed === 0) return [];
  return [
    `${disturbed} talks were measured again, because the benchmark itself did not get the processor for more than ` +
      `${DISTURBED_MS} ms. Use a calmer machine.`,
  ];
}

export function voicesTable({ asked, warm, outside, cost }: VoicesReport): string[] {
  const { speakers, mode } = asked;
  const row = (title: string, spread: Spread) => [title, ...spreadCells(spread)];
  return [
    `${speakers} microphones at alpha, one listener at beta, mode ${mode}; real speech, Opus with DTX, ${SOUND_MS} ms a packet.`,
    '',
    ...aligned([
      ['From the first packet of speech sent to the first heard, ms', 'least', 'median', '95 %', 'most'],
      row(`of the warm set, ${warm.rounds} times`, warm.firstMs),
      ...(outside.rounds > 0 ? [row(`from outside it, ${outside.rounds} times`, outside.firstMs)] : []),
    ]),
    '',
    ...aligned([
      [`Packets of the first ${SYLLABLE_MS} ms of speech`, 'sent', 'heard'],
      ['of the warm set', String(warm.sent), String(warm.heard)],
    ]),
    '',
    ...aligned([
      ['What alpha sends to beta', 'voices, kbit/s', 'packets/s', 'whole trunk, kbit/s'],
      ...cost.map((each) => [
        each.speakers === 0 ? 'nobody speaks' : `${each.speakers} people speak`,
        each.kbps.toFixed(1),
        each.packetsPerSecond.toFixed(1),
        each.trunkKbps.toFixed(1),
      ]),
    ]),
  ];
}
