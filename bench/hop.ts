/**
 * `hawser bench hop`: what the way over a second media server adds to the delay of a packet. One person publishes at alpha;
 * one listens at alpha, one at beta; every packet is timed at both.
 */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clip } from '#bench/media/clips.ts';
import { freePlaces } from '#cli/demo/places.ts';
import { type Person as Account, startTrial, type Trial } from '#cli/demo/trial.ts';
import type { NodePublication, NodeStream } from '#client/media/node/engine.ts';
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { type Errand, guarded } from './guarded.ts';
import { Camera } from './media/camera.ts';
import { loadClips } from './media/clips.ts';
import { Microphone } from './media/microphone.ts';
import { Pacer } from './media/pacer.ts';
import { Person } from './people/person.ts';
import { aligned } from './report/aligned.ts';

/** From the publisher's hand to the viewer's, ms. */
export interface Delay {
  readonly packets: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface HopReport {
  /** Both viewers on the publisher's SFT, and over the trunk; of the packets that reached both. */
  readonly own: Delay;
  readonly over: Delay;
  /** What the trunk adds to each packet. */
  readonly added: Delay;
}

/** The figure to reach, ms. */
export const MOST_ADDED_MS = 0.3;
const SIGHT_MS = 30_000;
const SOUND_MS = 20;
const TICK_MS = 1;
/** The clip repeats after 4 s; a packet that took longer than this is another round's. */
const MOST_MS = 1_000;
/** The largest picture that fits beside its timing into one process. */
const LAYER = 1;

/** @throws Error with a plain sentence where it was stopped or nothing arrived */
export function measureHop(seconds: number, { signal, say, onProgress }: Errand): Promise<HopReport> {
  return guarded(signal, async ({ undo, ended, onDied }) => {
    const trial = await startTrial({ places: await freePlaces('alpha', 'beta'), say, onDied });
    undo.defer(() => trial.stop());
    return measured(trial, undo, seconds, ended, onProgress);
  });
}

async function measured(
  trial: Trial,
  undo: AsyncDisposableStack,
  seconds: number,
  ended: AbortSignal,
  onProgress: Errand['onProgress'],
): Promise<HopReport> {
  const conversation = trial.conversation as ConversationId;
  const enter = async (account: Account) => {
    const { organisation, handle, password } = account;
    const home = `http://127.0.0.1:${organisation.places.home}`;
    const person = await Person.signIn({ home, handle, password, entrance: 'webrtc' });
    undo.defer(() => person.close());
    return person;
  };
  const publisher = await enter(trial.alice);
  const me = await publisher.joinBy(await publisher.home.startCall(conversation));
  const [near, far] = [await enter(trial.alice), await enter(trial.bob)];
  await near.join(conversation);
  await far.join(conversation);

  const sent = new Map<string, number>();
  await publish(publisher, sent, ended);
  const arrivals = [await listen(near, me, sent), await listen(far, me, sent)] as const;
  for (const each of arrivals) each.clear();
  const end = performance.now() + seconds * 1_000;
  for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
    onProgress(seconds - left / 1_000, seconds);
    await wait(Math.min(250, left), undefined, { signal: ended });
  }
  const [own, over] = arrivals;
  const both = [...own.keys()].filter((packet) => over.has(packet));
  if (both.length === 0) throw new Error('No packet reached both viewers.');
  const of = (pick: (packet: string) => number) => delayOf(both.map(pick));
  return {
    own: of((packet) => own.get(packet) ?? 0),
    over: of((packet) => over.get(packet) ?? 0),
    added: of((packet) => (over.get(packet) ?? 0) - (own.get(packet) ?? 0)),
  };
}

/** Sends a picture of one encoding and a voice, and notes when each packet went out. */
async function publish(person: Person, sent: Map<string, number>, ended: AbortSignal): Promise<void> {
  const clips = await loadClips();
  const camera = new Camera([clips.camera[LAYER] as Clip], Math.random);
  const microphone = new Microphone(clips.microphone, Math.random);
  const [picture, sound] = await Promise.all([
    person.conference.publish('screen', { onKeyFrameRequest: () => camera.requestKeyFrame(0) }),
    person.conference.publish('microphone', {}),
  ]);
  if (!picture || !sound) throw new Error('The SFT did not take the picture or the voice.');
  const now = performance.now();
  const frameMs = 1_000 / (clips.camera[LAYER]?.framesPerSecond ?? 30);
  const start = (publication: NodePublication, pacer: Pacer<ReturnType<Camera['next']>[number]>) => {
    const timer = setInterval(() => {
      for (const packet of pacer.due(performance.now())) {
        sent.set(nameOf(publication.kind, packet.payload), performance.now());
        publication.sendRtp(packet);
      }
    }, TICK_MS);
    ended.addEventListener('abort', () => clearInterval(timer), { once: true });
  };
  start(picture, new Pacer(frameMs, now, () => camera.next()));
  start(sound, new Pacer(SOUND_MS, now, () => microphone.next(true)));
}

/** Watches and hears the publisher. @returns the delay of each packet, ms, as they arrive */
async function listen(
  person: Person,
  publisher: ParticipantId,
  sent: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const delays = new Map<string, number>();
  const followed = new Set<NodeStream>();
  const follow = () => {
    const { state } = person.conference;
    const sources =
      state.phase === 'joined' ? state.participants.find((each) => each.participant === publisher) : undefined;
    for (const { source, kind, renditions } of sources?.sources ?? []) {
      if (kind !== 'microphone') person.conference.setWish(source, 720);
      for (const { media } of renditions) {
        if (followed.has(media)) continue;
        followed.add(media);
        media.onRtp = (_header, payload) => {
          const now = performance.now();
          const name = nameOf(kind, payload);
          const at = sent.get(name);
          if (at !== undefined && now - at < MOST_MS) delays.set(`${name} ${at}`, now - at);
        };
      }
    }
  };
  person.conference.store.subscribe(follow);
  follow();
  await until(() => delays.size > 100, 'packets at both viewers', SIGHT_MS);
  return delays;
}

/** Picture ids are rewritten on the way; what is behind the payload descriptor is not. */
function nameOf(kind: string, payload: Buffer): string {
  const body = kind === 'microphone' ? payload : payload.subarray(DESCRIPTOR_BYTES);
  return createHash('sha1').update(body).digest('base64');
}

/** VP8 payload descriptor with a picture id of 15 bits (RFC 7741, section 4.2), as the synthetic camera writes it. */
const DESCRIPTOR_BYTES = 4;

function delayOf(values: number[]): Delay {
  const sorted = values.sort((a, b) => a - b);
  const at = (part: number) => Number((sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(3));
  return { packets: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export function hopTable({ own, over, added }: HopReport): string[] {
  const row = (title: string, { p50, p95, p99 }: Delay) => [title, ...[p50, p95, p99].map((each) => each.toFixed(2))];
  return aligned([
    [`Delay of ${added.packets} packets, ms`, 'median', '95 %', '99 %'],
    row('on one media server', own),
    row('over the trunk to a second one', over),
    row('added to each packet', added),
  ]);
}

/** Empty where the figure is reached. */
export function complaintsAboutHop({ added }: HopReport): string[] {
  if (added.p50 <= MOST_ADDED_MS) return [];
  return [`The trunk adds ${added.p50} ms to half of the packets; at most ${MOST_ADDED_MS} ms was expected.`];
}
