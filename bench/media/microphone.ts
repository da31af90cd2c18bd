/**
 * What a microphone sends: one Opus frame each 20 ms while its owner speaks, with its loudness beside it; in silence a
 * comfort frame each 400 ms and nothing in between, as Chromium does with DTX. Pure.
 */
import type { MediaPacket } from './camera.ts';
import type { Clip } from './clips.ts';

export interface SoundPacket extends MediaPacket {
  /** -dBov (RFC 6464). */
  readonly audioLevel: number;
}

/** Somebody who speaks at a usual distance from the microphone, syllable by syllable; the clip has four a second. */
const SPEECH_LEVELS = [26, 30, 24, 33] as const;
const FRAMES_A_SYLLABLE = 12;
const SILENCE_LEVEL = 127;
/** A frame that decodes to silence. */
const COMFORT = Buffer.from([0xf8, 0xff, 0xfe]);
/** 400 ms, in frames. */
const COMFORT_FRAMES = 20;

/** Whether a payload is speech and not comfort noise: the shortest frame of the clip has many times as many bytes. */
export function isSpeech(payload: Buffer): boolean {
  return payload.length > 2 * COMFORT.length;
}

export class Microphone {
  readonly #clip: Clip;
  #index: number;
  #timestamp: number;
  /** Frames of silence so far; undefined while somebody speaks. */
  #silent: number | undefined = 0;

  /** @param random in [0, 1) */
  constructor(clip: Clip, random: () => number) {
    this.#clip = clip;
    this.#index = Math.floor(random() * clip.frames.length);
    this.#timestamp = Math.floor(random() * 0x1_0000_0000);
  }

  /** What is sent in the next 20 ms. */
  next(isSpeaking: boolean): SoundPacket[] {
    const index = this.#index++;
    const timestamp = this.#timestamp;
    this.#timestamp = (this.#timestamp + this.#clip.ticks) % 0x1_0000_0000;
    if (!isSpeaking) return this.#silence(timestamp);
    const frame = this.#clip.frames[index % this.#clip.frames.length];
    if (!frame) throw new Error('an empty clip');
    // RFC 3551, section 4.1: the first packet after a silence carries the marker.
    const marker = this.#silent !== undefined;
    this.#silent = undefined;
    const audioLevel = SPEECH_LEVELS[Math.floor(index / FRAMES_A_SYLLABLE) % SPEECH_LEVELS.length] ?? SPEECH_LEVELS[0];
    return [{ layer: 0, payload: frame.data, timestamp, marker, at: 0, audioLevel }];
  }

  #silence(timestamp: number): SoundPacket[] {
    const silent = this.#silent ?? 0;
    this.#silent = silent + 1;
    if (silent % COMFORT_FRAMES !== 0) return [];
    return [{ layer: 0, payload: COMFORT, timestamp, marker: false, at: 0, audioLevel: SILENCE_LEVEL }];
  }
}
