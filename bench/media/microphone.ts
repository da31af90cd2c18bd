/** What a microphone sends: one Opus frame each 20 ms, with its loudness beside it. Pure. */
import type { MediaPacket } from './camera.ts';
import type { Clip } from './clips.ts';

export interface SoundPacket extends MediaPacket {
  /** -dBov (RFC 6464). */
  readonly audioLevel: number;
}

/** Somebody who speaks at a usual distance from the microphone. */
const SPEECH_LEVEL = 28;

export class Microphone {
  readonly #clip: Clip;
  #index: number;
  #timestamp: number;

  /** @param random in [0, 1) */
  constructor(clip: Clip, random: () => number) {
    this.#clip = clip;
    this.#index = Math.floor(random() * clip.frames.length);
    this.#timestamp = Math.floor(random() * 0x1_0000_0000);
  }

  next(): SoundPacket[] {
    const frame = this.#clip.frames[this.#index % this.#clip.frames.length];
    if (!frame) throw new Error('an empty clip');
    const { data: payload } = frame;
    const timestamp = this.#timestamp;
    this.#index += 1;
    this.#timestamp = (this.#timestamp + this.#clip.ticks) % 0x1_0000_0000;
    return [{ layer: 0, payload, timestamp, marker: false, at: 0, audioLevel: SPEECH_LEVEL }];
  }
}
