/**
 * For tests: the network between an SFT's media port and its clients on this machine. The SFT announces an address of its own
 * on loopback, on which the path listens in its stead. Towards the clients no more goes through than a certain rate; what
 * is above it waits, and is dropped where too much waits. It runs in a thread, so that what the test does holds no packets up.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { RateLimit } from '#bench/border/line.ts';

interface End {
  readonly announcedIp: string;
  readonly port: number;
}

const REAL = '127.0.0.1';
const MEBI = 2 ** 20;

export class NarrowPath {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  /** As wide as it can be, until `limit` says otherwise. */
  static async open(end: End): Promise<NarrowPath> {
    const thread = new Worker(new URL(import.meta.url), { workerData: { narrow: end } });
    await once(thread, 'message');
    return new NarrowPath(thread);
  }

  /** @param mbit towards all clients together; no limit when left out */
  limit(mbit?: number): void {
    this.#thread.postMessage({ mbit });
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

async function run({ announcedIp, port }: End): Promise<void> {
  let limit: RateLimit | undefined;
  parentPort?.on('message', ({ mbit }: { mbit?: number }) => {
    limit = mbit === undefined ? undefined : new RateLimit(mbit);
  });
  const front = createSocket({ type: 'udp4', recvBufferSize: 4 * MEBI });
  /** One for each client, so that the SFT can tell them apart. */
  const backs = new Map<string, Socket>();
  const backOf = ({ address, port: client }: RemoteInfo) => {
    const name = `${address}:${client}`;
    const known = backs.get(name);
    if (known) return known;
    const back = createSocket({ type: 'udp4', recvBufferSize: 4 * MEBI });
    backs.set(name, back);
    return back.on('message', (packet) => {
      const now = performance.now();
      const leaves = limit ? limit.departure(packet.length, now) : now;
      if (leaves === undefined) return;
      setTimeout(() => front.send(packet, client, address), leaves - now);
    });
  };
  front.on('message', (packet, from) => backOf(from).send(packet, port, REAL));
  await new Promise<void>((resolve) => front.bind(port, announcedIp, resolve));
  parentPort?.postMessage('ready');
}

const data = workerData as { narrow?: End } | null;
if (parentPort && data?.narrow) await run(data.narrow);
