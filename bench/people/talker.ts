/** A person at whom nobody looks: silent, and speaks when told to. */
import type { NodePublication } from '#client/media/node/engine.ts';
import type { SourceId } from '#signalling/ids.ts';
import { Pacer } from '../media/pacer.ts';
import { SpeakingMicrophone } from '../media/speaking-microphone.ts';
import type { Speech } from '../media/speech.ts';
import type { NodeConference } from './person.ts';

export const SOUND_MS = 20;

/** What was sent since the talker was last told to speak. */
export interface Spoken {
  /** ms; when each packet of speech went out, by its RTP timestamp. */
  readonly packets: ReadonlyMap<number, number>;
}

export class Talker {
  readonly source: SourceId;
  readonly #publication: NodePublication;
  readonly #microphone: SpeakingMicrophone;
  readonly #pacer: Pacer<ReturnType<SpeakingMicrophone['next']>[number]>;
  #spoken = new Map<number, number>();

  private constructor(source: SourceId, publication: NodePublication, comfort: Buffer) {
    this.source = source;
    this.#publication = publication;
    this.#microphone = new SpeakingMicrophone(comfort, Math.random);
    const begin = performance.now() + Math.random() * SOUND_MS;
    this.#pacer = new Pacer(SOUND_MS, begin, () => this.#microphone.next());
  }

  /** @throws Error where the SFT does not take the microphone */
  static async start(person: { readonly conference: NodeConference }, comfort: Buffer): Promise<Talker> {
    const publication = await person.conference.publish('microphone', {});
    if (!publication) throw new Error('The SFT did not take the microphone of a talker.');
    return new Talker(await publication.source, publication, comfort);
  }

  get isSpeaking(): boolean {
    return this.#microphone.isSpeaking;
  }

  /** Speaks from the next frame on. */
  speak(clip: Speech, ms: number): Spoken {
    this.#spoken = new Map();
    this.#microphone.speak(clip, Math.round(ms / SOUND_MS));
    return { packets: this.#spoken };
  }

  /** Stops in the middle of a word. */
  hush(): void {
    this.#microphone.hush();
  }

  /** Sends what is due. @param now ms of `performance.now` */
  send(now: number): void {
    for (const packet of this.#pacer.due(now)) {
      const { payload: data, marker: isFirst, timestamp, audioLevel } = packet;
      void this.#publication.sendFrame({ data, isFirst, timestamp, audioLevel });
      if (packet.audioLevel < SILENT) this.#spoken.set(packet.timestamp, performance.now());
    }
  }
}

/** -dBov of a frame without any sound. */
const SILENT = 127;
