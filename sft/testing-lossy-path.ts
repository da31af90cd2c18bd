/**
 * For tests: the network between the trunks of two SFTs on this machine. Each SFT announces an address of its own on
 * loopback on which the path listens in its stead, and takes packets from the other's announced address only, so that
 * everything goes through here. It runs in a thread, so that what the test does does not hold packets up.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';

interface End {
  readonly announcedIp: string;
  readonly ports: { readonly from: number; readonly to: number };
}

/** Share of the packets that is lost, 0 to 1; and how long the others take, ms. */
interface Trouble {
  readonly loss?: number;
  readonly delayMs?: number;
}

const REAL = '127.0.0.1';

export class LossyPath {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  static async open(a: End, b: End): Promise<LossyPath> {
    const thread = new Worker(new URL(import.meta.url), { workerData: { path: [a, b] } });
    await once(thread, 'message');
    return new LossyPath(thread);
  }

  trouble(trouble: Trouble): void {
    this.#thread.postMessage(trouble);
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

/** A socket at every announced port of an end, by port. */
async function listen({ announcedIp, ports }: End): Promise<Map<number, Socket>> {
  const sockets = new Map<number, Socket>();
  for (let port = ports.from; port <= ports.to; port++) {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
    await new Promise<void>((resolve) => socket.bind(port, announcedIp, resolve));
    sockets.set(port, socket);
  }
  return sockets;
}

async function run(a: End, b: End): Promise<void> {
  const ends = [await listen(a), await listen(b)] as const;
  let trouble: Trouble = {};
  let credit = 0;
  parentPort?.on('message', (change: Trouble) => {
    trouble = change;
  });
  // What comes for one end goes on to its real address, from the announced address of whoever sent it.
  for (const [sockets, others] of [ends, [ends[1], ends[0]]] as const) {
    for (const [port, socket] of sockets) {
      socket.on('message', (packet, from) => {
        credit += trouble.loss ?? 0;
        if (credit >= 1) {
          credit -= 1;
          return;
        }
        const send = () => others.get(from.port)?.send(packet, port, REAL);
        if (trouble.delayMs) setTimeout(send, trouble.delayMs);
        else send();
      });
    }
  }
  parentPort?.postMessage('ready');
}

const data = workerData as { path?: readonly [End, End] } | null;
if (parentPort && data?.path) await run(...data.path);
