/**
 * Sees to it that a stream that was begun gets the key frame that it waits for. mediasoup asks the publisher when a consumer begins, and
 * once more after a second. A publisher who is busy, or has no keys to encrypt with yet, lets both go by; then nothing flows, and whoever
 * receives nothing at all asks for nothing either (a browser asks only where packets come). `layers.e2e.test.ts` has such a publisher.
 */
import type { types } from 'mediasoup';
import { unlessClosed } from './unless-closed.ts';

/** A while after mediasoup has asked for the second time; twice as long after each further time, up to the longest. ms */
const AGAIN_MS = 1_500;
const LONGEST_MS = 3_000;

export class FirstPicture {
  readonly #consumer: types.Consumer;
  readonly #onFault: (error: unknown) => void;
  readonly #isMuted: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #begun = 0;

  /** @param isMuted of a source that is, nothing is asked */
  constructor(consumer: types.Consumer, onFault: (error: unknown) => void, isMuted: () => boolean = () => false) {
    this.#consumer = consumer;
    this.#isMuted = isMuted;
    this.#onFault = onFault;
    consumer.observer.once('close', () => this.stop());
  }

  /** The consumer was resumed: until packets go out, the key frame is asked for again and again. */
  begin(): void {
    if (this.#consumer.kind !== 'video') return;
    this.stop();
    const turn = this.#begun;
    const look = async (before: number, waited: number) => {
      const { closed, paused } = this.#consumer;
      if (closed || paused || turn !== this.#begun) return;
      const sent = await this.#sent();
      if (sent > before || turn !== this.#begun) return;
      if (!this.#consumer.producerPaused && !this.#isMuted()) await this.#consumer.requestKeyFrame();
      again(before, Math.min(2 * waited, LONGEST_MS));
    };
    const again = (before: number, ms: number) => {
      if (turn !== this.#begun) return;
      this.#timer = setTimeout(() => this.#guarded(() => look(before, ms)), ms);
    };
    this.#guarded(async () => again(await this.#sent(), AGAIN_MS));
  }

  stop(): void {
    this.#begun += 1;
    clearTimeout(this.#timer);
  }

  async #sent(): Promise<number> {
    const stats = (await this.#consumer.getStats()) as types.ConsumerStat[];
    return stats.reduce((sum, { type, packetCount }) => sum + (type === 'outbound-rtp' ? packetCount : 0), 0);
  }

  #guarded(work: () => Promise<void>): void {
    unlessClosed(this.#consumer, work).catch(this.#onFault);
  }
}
