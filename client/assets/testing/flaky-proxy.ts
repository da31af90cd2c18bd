/** For tests: a network that breaks off. Passes bytes between a client and a server, and cuts each connection after a while. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class FlakyProxy implements AsyncDisposable {
  /** How many bytes, in both directions together, the next connection lives for. */
  lifetime: () => number = () => Number.POSITIVE_INFINITY;
  /** While true, nothing passes and nothing is said about it. */
  isStalled = false;
  connections = 0;
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL) {
    this.#server = createServer((near) => this.#join(near, connect(Number(target.port), target.hostname)));
  }

  static async start(target: string): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(new URL(target));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts what is open now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    this.connections += 1;
    let left = this.lifetime();
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes) => {
        if (this.isStalled) return;
        left -= bytes.length;
        if (left > 0) {
          if (!to.write(bytes)) {
            from.pause();
            to.once('drain', () => from.resume());
          }
          return;
        }
        this.cuts += 1;
        // Some of them, as a real line does.
        to.end(bytes.subarray(0, Math.max(0, bytes.length + left)));
        from.destroy();
      });
    }
  }
}
