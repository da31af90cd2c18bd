/**
 * How loud the microphones of this SFT's own people are, from the level that RTP carries in clear. One observer of
 * mediasoup looks each 250 ms at the most and overlooks who has not sent ten packets since it last did, so that it
 * may see somebody only 430 ms after the first word. Several that take turns see everybody within 180 ms, for the ten
 * packets, and one turn.
 */
import type { types } from 'mediasoup';
import type { SourceId } from '#signalling/ids.ts';

/** Shortest interval of an observer, ms. */
const INTERVAL_MS = 250;
const OBSERVERS = 4;
const TURN_MS = INTERVAL_MS / OBSERVERS;
/**
 * How often one of them, in turn, is set on its time again, ms. Each tick of the worker's timers comes late by what the
 * worker is busy with, the next one is counted from there, and two that come at one moment stay together: two of four
 * were after two minutes, all four after twelve.
 */
const ALIGN_MS = 5_000;
/** More than the SFT admits; mediasoup takes 16 bits. */
const MAX_ENTRIES = 10_000;

export class LevelMeter {
  readonly #observers: readonly types.AudioLevelObserver[];
  readonly #sources = new Map<string, SourceId>();
  readonly #begin: number;
  readonly #onFault: (error: unknown) => void;
  #aligning: types.AudioLevelObserver | undefined;
  #timer: ReturnType<typeof setTimeout>;
  #closed = false;

  private constructor(
    observers: readonly types.AudioLevelObserver[],
    onLevels: (levels: ReadonlyMap<SourceId, number>) => void,
    onFault: (error: unknown) => void,
  ) {
    this.#observers = observers;
    this.#begin = performance.now();
    this.#onFault = onFault;
    for (const observer of observers) {
      observer.on('volumes', (volumes) => {
        const levels = volumes.map(({ producer, volume }) => [this.#sources.get(producer.id), volume] as const);
        onLevels(new Map(levels.filter((entry): entry is [SourceId, number] => entry[0] !== undefined)));
      });
      observer.on('silence', () => {
        // It says so too when it is stopped to be set on its time.
        if (observer !== this.#aligning) onLevels(new Map());
      });
    }
    this.#timer = setTimeout(() => this.#align(0), TURN_MS);
  }

  /**
   * @param threshold softest level that is told of, dBov
   * @param onLevels called some times a second while anybody speaks, with all who do, and once when nobody does any more
   */
  static async open(
    router: types.Router,
    threshold: number,
    onLevels: (levels: ReadonlyMap<SourceId, number>) => void,
    onFault: (error: unknown) => void,
  ): Promise<LevelMeter> {
    const options = { interval: INTERVAL_MS, threshold, maxEntries: MAX_ENTRIES };
    const observers = await Promise.all(
      Array.from({ length: OBSERVERS }, () => router.createAudioLevelObserver(options)),
    );
    return new LevelMeter(observers, onLevels, onFault);
  }

  /** Does nothing the second time. */
  async add(source: SourceId, producer: types.Producer): Promise<void> {
    if (producer.closed || this.#sources.has(producer.id)) return;
    this.#sources.set(producer.id, source);
    producer.observer.once('close', () => this.#sources.delete(producer.id));
    await Promise.all(this.#observers.map((observer) => observer.addProducer({ producerId: producer.id })));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const observer of this.#observers) observer.close();
  }

  /** Starts the period of one observer anew at its place in the turn, at the beginning all of them. */
  #align(index: number): void {
    const observer = this.#observers[index % OBSERVERS];
    if (!observer) return;
    this.#aligning = observer;
    Promise.all([observer.pause(), observer.resume()])
      .catch((error: unknown) => this.#closed || this.#onFault(error))
      .finally(() => {
        if (this.#aligning === observer) this.#aligning = undefined;
      });
    const next = index + 1;
    const after = next < OBSERVERS ? 0 : ALIGN_MS * (next - OBSERVERS + 1);
    const at = this.#begin + after + TURN_MS * ((next % OBSERVERS) + 1);
    this.#timer = setTimeout(() => this.#align(next), Math.max(0, at - performance.now()));
  }
}
