/**
 * The media workers: each is a process with one WebRtcServer on a fixed port (UDP and TCP) and one Router that hosts
 * every conference placed on it. A Router is not a room; `conference/access.ts` decides who may receive what.
 */
import process from 'node:process';
import { createWorker, type types } from 'mediasoup';
import { checkProfile, ROUTER_CODECS, trunkCapabilities } from './codecs.ts';
import { SOCKET_BUFFER } from './socket-buffer.ts';

export interface MediaOptions {
  readonly workers: number;
  readonly listenIp: string;
  readonly announcedIp?: string | undefined;
  /** Worker i takes UDP and TCP port `port + i`. */
  readonly port: number;
}

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
  readonly #onDied: (worker: MediaWorker) => void;
  readonly #workers: MediaWorker[] = [];
  #closed = false;

  private constructor(options: MediaOptions, onDied: (worker: MediaWorker) => void) {
    this.#options = options;
    this.#onDied = onDied;
  }

  /**
   * @param onDied called after a worker process ended by itself; a new one has taken its place when it is called
   * @throws Error when a port is taken or the worker binary is missing
   */
  static async start(options: MediaOptions, onDied: (worker: MediaWorker) => void): Promise<MediaWorkers> {
    const workers = new MediaWorkers(options, onDied);
    try {
      for (let index = 0; index < options.workers; index++) workers.#workers.push(await workers.#start(index));
    } catch (error) {
      workers.close();
      throw error;
    }
    return workers;
  }

  get all(): readonly MediaWorker[] {
    return this.#workers;
  }

  /** The same key is always given the same worker, so that conferences of the same two domains share a trunk. */
  place(key: string): MediaWorker {
    let hash = 2_166_136_261; // FNV-1a
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 16_777_619);
    const worker = this.#workers[(hash >>> 0) % this.#workers.length];
    if (!worker) throw new Error('no media worker runs');
    return worker;
  }

  close(): void {
    this.#closed = true;
    for (const { worker } of this.#workers) worker.close();
  }

  async #start(index: number): Promise<MediaWorker> {
    const { listenIp, announcedIp, port } = this.#options;
    const worker = await createWorker({ logLevel: 'warn' });
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
      worker.close();
      throw error;
    }
  }

  async #replace(dead: MediaWorker): Promise<void> {
    if (this.#closed) return;
    const fresh = await this.#start(dead.index);
    if (this.#closed) return fresh.worker.close();
    this.#workers[dead.index] = fresh;
    this.#onDied(dead);
  }
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
