/** For tests: a way to a port on which answers can be lost. What is asked arrives. */

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class LossyLink implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Nothing comes back any more: whoever waits for an answer is hung up on. */
  isLosing = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param to `host:port` */
  static async open(to: string): Promise<LossyLink> {
    const server = createServer();
    const link = new LossyLink(server);
    const [host = '', port = ''] = to.split(':');
    server.on('connection', (near) => link.#join(near, connect(Number(port), host)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return link;
  }

  /** `host:port` */
  get address(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return `127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, far: Socket): void {
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      if (this.isLosing) end();
      else near.write(bytes);
    });
  }
}
