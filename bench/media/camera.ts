/**
 * What a camera sends, frame by frame: all layers of one moment under one timestamp, as a browser's simulcast does. Each
 * layer plays its clip round and round. Asked for a key frame, a layer jumps to one with its next frame, and is back in
 * its round when that next comes to a key frame, so that cameras that were asked at once do not stay in step. Pure.
 */

import { packetise } from '#client/media/node/vp8.ts';
import type { Clip } from './clips.ts';

export interface MediaFrame {
  readonly layer: number;
  readonly data: Buffer;
  readonly isKey: boolean;
  readonly timestamp: number;
  /** As of a packet: frames go out at once. */
  readonly at: 0;
}

export interface MediaPacket {
  readonly layer: number;
  readonly payload: Buffer;
  readonly timestamp: number;
  readonly marker: boolean;
  /** Where in the time until the next frame it is to be sent, 0 to 1. */
  readonly at: number;
}

interface LayerState {
  readonly clip: Clip;
  position: number;
  pictureId: number;
  isAsked: boolean;
  isActive: boolean;
}

/** The last packet of a frame is out before the next frame is there. */
const SPREAD = 0.9;

export class Camera {
  readonly #layers: readonly LayerState[];
  readonly #ticks: number;
  #index: number;
  #timestamp: number;

  /** @param random in [0, 1): where in the round it begins, and with which timestamp and picture ids */
  constructor(clips: readonly Clip[], random: () => number) {
    const [first] = clips;
    if (!first) throw new Error('a camera needs a clip');
    this.#ticks = first.ticks;
    this.#index = Math.floor(random() * first.frames.length);
    this.#timestamp = Math.floor(random() * 0x1_0000_0000);
    this.#layers = clips.map((clip) => ({
      clip,
      position: this.#index,
      pictureId: Math.floor(random() * 0x8000),
      isAsked: true, // nothing before a key frame can be decoded
      isActive: true,
    }));
  }

  requestKeyFrame(layer: number): void {
    const state = this.#layers[layer];
    if (state) state.isAsked = true;
  }

  /** Makes pictures of these layers only; one that comes back begins with a key frame. */
  setLayers(layers: readonly number[]): void {
    for (const [layer, state] of this.#layers.entries()) {
      const isActive = layers.includes(layer);
      if (isActive && !state.isActive) state.isAsked = true;
      state.isActive = isActive;
    }
  }

  /** The packets of the next moment, in the order in which they are to be sent. */
  next(): MediaPacket[] {
    const packets = this.nextFrames().flatMap(({ layer, data, timestamp }) => {
      const payloads = packetise(data, this.#countPicture(layer));
      return payloads.map((payload, index) => ({
        ...{ layer, payload, timestamp },
        marker: index === payloads.length - 1,
        at: (SPREAD * index) / payloads.length,
      }));
    });
    return packets.sort((a, b) => a.at - b.at);
  }

  /** The same as whole frames, for whoever encrypts them. */
  nextFrames(): MediaFrame[] {
    const timestamp = this.#timestamp;
    const frames = this.#layers.flatMap((state, layer) => {
      if (!state.isActive) return [];
      const { data, isKey } = this.#frameOf(state);
      return [{ ...{ layer, data, isKey, timestamp }, at: 0 as const }];
    });
    this.#index += 1;
    this.#timestamp = (this.#timestamp + this.#ticks) % 0x1_0000_0000;
    return frames;
  }

  #countPicture(layer: number): number {
    const state = this.#layers[layer];
    if (!state) throw new RangeError('no such layer');
    state.pictureId = (state.pictureId + 1) & 0x7fff;
    return state.pictureId;
  }

  #frameOf(state: LayerState) {
    const { frames } = state.clip;
    const inRound = this.#index % frames.length;
    if (frames[inRound]?.isKey) state.position = inRound;
    else if (state.isAsked) state.position = keyFrameBefore(frames, inRound);
    const frame = frames[state.position % frames.length];
    if (!frame) throw new Error('an empty clip');
    if (frame.isKey) state.isAsked = false;
    state.position += 1;
    return frame;
  }
}

function keyFrameBefore(frames: readonly { readonly isKey: boolean }[], index: number): number {
  return Math.max(
    0,
    frames.findLastIndex(({ isKey }, at) => isKey && at <= index),
  );
}
