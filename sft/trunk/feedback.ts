/**
 * Finds floods of key-frame requests and of NACKs. What an honest peer may ask for follows from what it is sent: key frames
 * come at least 330 ms apart, and a request that waits for one is not repeated before a second is over; its NACK generator
 * runs each 40 ms and asks for what is missing of what was sent, some of it again. Pure; time passed in, ms.
 */
import { Sustained } from './sustained.ts';

export interface Feedback {
  readonly key: string;
  /** A second: packets sent, key frames asked for, NACK messages, and packets that these asked for. */
  readonly packets: number;
  readonly keyFrameRequests: number;
  readonly nacks: number;
  readonly nackPackets: number;
}

export interface FeedbackJudgement {
  /** Streams to rest for a while. */
  readonly rest: readonly string[];
  readonly cut: boolean;
}

/** How long a stream rests, ms. */
export const REST_MS = 2_000;
const LASTING_MS = 3_000;
/** How long a flood is remembered, ms: another one is not bounded but cut off. */
const MEMORY_MS = 60_000;

/** A stream and second; a crowd that comes in at once asks for more on one of them for a moment. */
const KEY_FRAME_REQUESTS = 5;
const NACKS = 100;
const NACK_PACKETS = 50;
/** For the whole peer besides, so that one stream with little to it is not judged by a moment. */
const SPARE = 20;

export class FeedbackFlood {
  readonly #flood = new Sustained(LASTING_MS);
  #boundAt: number | undefined;

  look(streams: readonly Feedback[], now: number): FeedbackJudgement {
    if (this.#boundAt !== undefined && now - this.#boundAt > MEMORY_MS) this.#boundAt = undefined;
    // While they rest, requests that were under way still arrive.
    if (this.#boundAt !== undefined && now - this.#boundAt < REST_MS) return { rest: [], cut: false };
    const over = streams.filter((stream) => excessOf(stream) > 0);
    const excess = streams.reduce((sum, stream) => sum + Math.max(0, excessOf(stream)), 0);
    if (!this.#flood.look(excess > SPARE, now)) return { rest: [], cut: false };
    this.#flood.reset();
    if (this.#boundAt !== undefined) return { rest: [], cut: true };
    this.#boundAt = now;
    return { rest: over.map(({ key }) => key), cut: false };
  }
}

/** By how many messages or packets a second the stream's feedback exceeds what can be honest. */
function excessOf({ packets, keyFrameRequests, nacks, nackPackets }: Feedback): number {
  return Math.max(keyFrameRequests - KEY_FRAME_REQUESTS, nacks - NACKS, nackPackets - packets - NACK_PACKETS);
}
