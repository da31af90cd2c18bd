/** A person who publishes the clips: camera and microphone, each at its own pace. */
import type { NodePublication } from '#client/media/node/engine.ts';
import { Camera, type MediaPacket } from '../media/camera.ts';
import type { Clips } from '../media/clips.ts';
import { Microphone, type SoundPacket } from '../media/microphone.ts';
import { Pacer } from '../media/pacer.ts';
import type { Person } from './person.ts';

const SOUND_MS = 20;

export class Publisher {
  readonly person: Person;
  readonly #publications: readonly NodePublication[];
  readonly #streams: readonly {
    readonly pacer: Pacer<MediaPacket | SoundPacket>;
    readonly publication: NodePublication;
  }[];

  private constructor(person: Person, camera: Camera, clips: Clips, pair: readonly [NodePublication, NodePublication]) {
    const now = performance.now();
    const microphone = new Microphone(clips.microphone, Math.random);
    const frameMs = 1_000 / (clips.camera[0]?.framesPerSecond ?? 30);
    this.person = person;
    this.#publications = pair;
    this.#streams = [
      // Cameras do not take their pictures in step with each other.
      { pacer: new Pacer(frameMs, now + Math.random() * frameMs, () => camera.next()), publication: pair[0] },
      { pacer: new Pacer(SOUND_MS, now + Math.random() * SOUND_MS, () => microphone.next()), publication: pair[1] },
    ];
  }

  /** @throws Error where the SFT refuses a source */
  static async start(person: Person, clips: Clips): Promise<Publisher> {
    const camera = new Camera(clips.camera, Math.random);
    const onKeyFrameRequest = (layer: number) => camera.requestKeyFrame(layer);
    const [picture, sound] = await Promise.all([
      person.conference.publish('camera', { onKeyFrameRequest }),
      person.conference.publish('microphone', {}),
    ]);
    if (!picture || !sound) throw new Error('The SFT did not take the camera or the microphone of a publisher.');
    return new Publisher(person, camera, clips, [picture, sound]);
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
    for (const publication of this.#publications) publication.close();
    this.person.close();
  }
}
