/** A microphone of somebody who speaks when told to, and is as silent as Chromium with DTX otherwise. Pure. */
import type { SoundPacket } from './microphone.ts';
import { FRAME_TICKS, type Speech } from './speech.ts';

/** In silence one packet goes out each 400 ms, so that the receiver's comfort noise goes on (RFC 7587, section 3.1.3). */
export const COMFORT_EVERY = 20;
const SILENCE_LEVEL = 127;

export class SpeakingMicrophone {
  readonly #comfort: Buffer;
  #timestamp: number;
  #speech: { readonly clip: Speech; readonly until: number; at: number } | undefined;
  /** Frames since a packet went out. */
  #quiet: number;

  /** @param random in [0, 1) */
  constructor(comfort: Buffer, random: () => number) {
    this.#comfort = comfort;
    this.#timestamp = Math.floor(random() * 0x1_0000_0000);
    this.#quiet = Math.floor(random() * COMFORT_EVERY);
  }

  get isSpeaking(): boolean {
    return this.#speech !== undefined;
  }

  /** Speaks from the next 20 ms on, the clip again and again. @param frames of 20 ms each */
  speak(clip: Speech, frames: number): void {
    this.#speech = { clip, until: frames, at: 0 };
  }

  /** Stops in the middle of a word. */
  hush(): void {
    this.#speech = undefined;
  }

  /** What goes out in the next 20 ms: one packet, or none. */
  next(): SoundPacket[] {
    const { payload, level } = this.#nextFrame();
    const timestamp = this.#timestamp;
    this.#timestamp = (this.#timestamp + FRAME_TICKS) % 0x1_0000_0000;
    const isFirst = this.#quiet > 0;
    this.#quiet = payload ? 0 : this.#quiet + 1;
    return payload ? [{ layer: 0, payload, timestamp, marker: isFirst, at: 0, audioLevel: level }] : [];
  }

  #nextFrame(): { readonly payload: Buffer | undefined; readonly level: number } {
    const speech = this.#speech;
    const frame = speech?.clip.frames[speech.at % speech.clip.frames.length];
    if (!speech || !frame) {
      return { payload: this.#quiet >= COMFORT_EVERY - 1 ? this.#comfort : undefined, level: SILENCE_LEVEL };
    }
    speech.at += 1;
    if (speech.at >= speech.until) this.#speech = undefined;
    return { payload: frame.packet, level: frame.level };
  }
}
