/** A person who publishes the clips: camera, microphone and screen, each at its own pace. */
import type { NodePublication } from '#client/media/node/engine.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { Camera, type MediaPacket } from '../media/camera.ts';
import type { Clip, Clips } from '../media/clips.ts';
import { Microphone, type SoundPacket } from '../media/microphone.ts';
import { Pacer } from '../media/pacer.ts';
import type { Person } from './person.ts';

const SOUND_MS = 20;

interface Stream {
  readonly pacer: Pacer<MediaPacket | SoundPacket>;
  readonly publication: NodePublication;
}

export class Publisher {
  readonly person: Person;
  readonly #streams: readonly Stream[];

  private constructor(person: Person, streams: readonly Stream[]) {
    this.person = person;
    this.#streams = streams;
  }

  /**
   * @param isSpeaking asked before each 20 ms of sound
   * @throws Error where the SFT refuses a source
   */
  static async start(
    person: Person,
    kinds: readonly SourceKind[],
    clips: Clips,
    isSpeaking: () => boolean,
  ): Promise<Publisher> {
    const streams = kinds.map((kind) =>
      kind === 'microphone'
        ? startSound(person, clips.microphone, isSpeaking)
        : startPictures(person, kind, kind === 'screen' ? [clips.screen] : clips.camera),
    );
    return new Publisher(person, await Promise.all(streams));
  }

  /** Sends what is due. @param now ms of `performance.now` */
  send(now: number): void {
    for (const { pacer, publication } of this.#streams) {
      for (const packet of pacer.due(now)) publication.sendRtp(packet);
    }
  }

  /** Pictures and sounds that were left out because this process did not get the processor in time. */
  get skipped(): number {
    return this.#streams.reduce((sum, { pacer }) => sum + pacer.skipped, 0);
  }

  close(): void {
    for (const { publication } of this.#streams) publication.close();
    this.person.close();
  }
}

async function startPictures(person: Person, kind: 'camera' | 'screen', clips: readonly Clip[]): Promise<Stream> {
  const camera = new Camera(clips, Math.random);
  const source = {
    onKeyFrameRequest: (layer: number) => camera.requestKeyFrame(layer),
    onLayers: (layers: readonly number[]) => camera.setLayers(layers),
  };
  const publication = taken(kind, await person.conference.publish(kind, source));
  const frameMs = 1_000 / (clips[0]?.framesPerSecond ?? 30);
  return { publication, pacer: new Pacer(frameMs, begin(frameMs), () => camera.next()) };
}

async function startSound(person: Person, clip: Clip, isSpeaking: () => boolean): Promise<Stream> {
  const microphone = new Microphone(clip, Math.random);
  const publication = taken('microphone', await person.conference.publish('microphone', {}));
  return { publication, pacer: new Pacer(SOUND_MS, begin(SOUND_MS), () => microphone.next(isSpeaking())) };
}

/** Cameras do not take their pictures in step with each other. */
function begin(interval: number): number {
  return performance.now() + Math.random() * interval;
}

function taken(kind: SourceKind, publication: NodePublication | undefined): NodePublication {
  if (!publication) throw new Error(`The SFT did not take the ${kind} of a publisher.`);
  return publication;
}
