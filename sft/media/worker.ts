/**
 * The media workers: each is a process with one WebRtcServer on a fixed port (UDP and TCP) and one Router that hosts
 * every conference placed on it. A Router is not a room; `conference/access.ts` decides who may receive what.
 */
import { once } from 'node:events';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { createWorker, type types } from 'mediasoup';
import { HawserError } from '#signalling/errors.ts';
import { checkProfile, ROUTER_CODECS, trunkCapabilities } from './codecs.ts';
import { SOCKET_BUFFER } from './socket-buffer.ts';

export interface MediaOptions {
  readonly workers: number;
  readonly listenIp: string;
  readonly announcedIp?: string | undefined;
  /** Worker i takes UDP and TCP port `port + i`. */
  readonly port: number;
  /** The program of a worker; what mediasoup takes by itself when left out. */
  readonly program?: string;
}

export interface MediaEvents {
  /**
   * A worker process ended by itself. A new one has taken its place, or could not be started at once: that is tried again until it
   * can, and meanwhile the others take its calls.
   */
  onDied(worker: MediaWorker): void;
  /** What the SFT goes on without for now: a worker that could not be replaced. */
  onFault(error: unknown, what: string): void;
}

/** From the first attempt to the second one; then twice as long each time, up to the last. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** What a worker may take to end when it is told to. */
const MOST_END_MS = 2_000;

export interface MediaWorker {
  readonly index: number;
  readonly worker: types.Worker;
  readonly server: types.WebRtcServer;
  readonly router: types.Router;
  /** Where it takes media of clients. */
  readonly listenIp: string;
  readonly trunkCapabilities: types.RtpCapabilities;
}

export class MediaWorkers {
  readonly #options: MediaOptions;
  readonly #events: MediaEvents;
  readonly #workers: MediaWorker[] = [];
  readonly #closing = new AbortController();

  private constructor(options: MediaOptions, events: MediaEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** @throws Error when a port is taken or the worker binary is missing */
  static async start(options: MediaOptions, events: MediaEvents): Promise<MediaWorkers> {
    const workers = new MediaWorkers(options, events);
    try {
      for (let index = 0; index < options.workers; index++) workers.#workers.push(await workers.#start(index));
    } catch (error) {
      await workers.close();
      throw error;
    }
    return workers;
  }

  /** Those that are alive. */
  get all(): readonly MediaWorker[] {
    return this.#workers.filter(({ worker }) => !worker.closed);
  }

  /**
   * The same key is always given the same worker, so that conferences of the same two domains share a trunk; another one only while that
   * has died and is not replaced.
   * @throws HawserError SFT_WORKER_DIED when none is alive
   */
  place(key: string): MediaWorker {
    let hash = 2_166_136_261; // FNV-1a
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 16_777_619);
    const of = (workers: readonly MediaWorker[]) => workers[(hash >>> 0) % workers.length];
    const own = of(this.#workers);
    const worker = own && !own.worker.closed ? own : of(this.all);
    if (!worker) throw new HawserError('SFT_WORKER_DIED');
    return worker;
  }

  /** Resolves when their processes are gone, and their ports with them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#workers.map(({ worker }) => end(worker)));
  }

  async #start(index: number): Promise<MediaWorker> {
    const { listenIp, announcedIp, port, program } = this.#options;
    const worker = await createWorker({ logLevel: 'warn', ...(program === undefined ? {} : { workerBin: program }) });
    outliveSignals(worker);
    const listen = { ip: listenIp, port: port + index, ...(announcedIp ? { announcedAddress: announcedIp } : {}) };
    try {
      const server = await worker.createWebRtcServer({
        listenInfos: [
          { protocol: 'udp', ...listen, ...SOCKET_BUFFER },
          { protocol: 'tcp', ...listen },
        ],
      });
      const router = await worker.createRouter({ mediaCodecs: ROUTER_CODECS });
      checkProfile(router.rtpCapabilities);
      const media = {
        index,
        worker,
        server,
        router,
        listenIp,
        trunkCapabilities: trunkCapabilities(router.rtpCapabilities),
      };
      worker.on('died', () => void this.#replace(media));
      return media;
    } catch (error) {
      await end(worker);
      throw error;
    }
  }

  /** Never rejects: what the new one lacks, such as the program in the middle of an upgrade, may be there a moment later. */
  async #replace(dead: MediaWorker): Promise<void> {
    const { signal } = this.#closing;
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)) {
      const fresh = await this.#start(dead.index).catch((error: unknown) => {
        this.#events.onFault(error, 'a media worker that ended could not be replaced; it is tried again');
      });
      if (signal.aborted) return fresh && end(fresh.worker);
      if (fresh) this.#workers[dead.index] = fresh;
      if (retryMs === FIRST_RETRY_MS) this.#events.onDied(dead);
      if (fresh) return;
      await setTimeout(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Resolves when the process is gone. One that does not obey in time is ended by force. */
async function end(worker: types.Worker): Promise<void> {
  if (worker.subprocessClosed) return;
  const gone = once(worker, 'subprocessclose').then(() => true);
  const isGone = () => Promise.race([gone, setTimeout(MOST_END_MS, false, { ref: false })]);
  worker.close();
  if (await isGone()) return;
  try {
    process.kill(worker.pid, 'SIGKILL');
  } catch {
    // It went in this moment.
  }
  await isGone();
}

/**
 * mediasoup closes a worker when this process gets SIGTERM or SIGINT. When it ends is this process's to decide: calls go on while it
 * drains, and whoever ends is told so before.
 */
function outliveSignals(worker: types.Worker): void {
  const theirs: unknown = Reflect.get(worker, 'onSignal');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    for (const listener of process.listeners(signal)) if (listener === theirs) process.off(signal, listener);
  }
}
