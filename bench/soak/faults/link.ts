/**
 * The network from one homeserver to another: a port of loopback that leads to the other's, and that can be cut or slow. Each direction
 * has its own, since whoever asks makes the connection. What is inside stays TLS.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * How it is cut. `reset`: nobody listens, and who was connected is told. `silent`: nothing comes through, and nobody is told; what was
 * on its way comes in the end, late. `answers`: requests come through and the answers to them are lost.
 */
export type Cut = 'reset' | 'silent' | 'answers';

interface Pair {
  readonly client: Socket;
  readonly there: Pump;
  readonly back: Pump;
}

export class Link implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #cut: Cut | undefined;
  #delayMs = 0;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  /** @param target port of loopback */
  static async open(target: number): Promise<Link> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Link(server, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(how: Cut): void {
    this.heal();
    this.#cut = how;
    if (how === 'reset') this.#reset(this.#pairs);
    for (const pair of this.#pairs) this.#hold(pair);
  }

  heal(): void {
    if (this.#cut === 'answers') this.#reset([...this.#pairs].filter(({ back }) => back.isHolding));
    this.#cut = undefined;
    for (const pair of this.#pairs) this.#hold(pair);
  }

  /** @param ms one way */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reset(this.#pairs);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#cut === 'reset') {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const target = connect(this.#target, '127.0.0.1');
    const pair = { client, there: new Pump(client, target), back: new Pump(target, client) };
    this.#pairs.add(pair);
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#end(pair));
    }
    pair.there.delayMs = pair.back.delayMs = () => this.#delayMs;
    this.#hold(pair);
  }

  /** What had come before one side closed still goes to the other, and that it closed: where the link is cut, when it is healed. */
  #end(pair: Pair): void {
    if (!pair.there.isHeld && !pair.back.isHeld) this.#pairs.delete(pair);
    pair.there.end();
    pair.back.end();
  }

  #hold({ there, back }: Pair): void {
    there.hold(this.#cut === 'silent');
    back.hold(this.#cut === 'silent' || this.#cut === 'answers');
  }

  #reset(pairs: Iterable<Pair>): void {
    for (const { client, there } of [...pairs]) {
      client.resetAndDestroy();
      there.drop();
    }
  }
}

/** One direction of one connection: what comes in goes out in the same order, later, and not while it is held. */
class Pump {
  delayMs: () => number = () => 0;
  readonly #to: Socket;
  readonly #chunks: { readonly at: number; readonly bytes: Buffer }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;
  #isEnding = false;
  /** The other side is told, once: each time would leave one more listener with its socket. */
  #isEnded = false;

  constructor(from: Socket, to: Socket) {
    this.#to = to;
    from.on('data', (bytes: Buffer) => {
      this.#chunks.push({ at: performance.now() + this.delayMs(), bytes });
      this.#go();
    });
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  get isHolding(): boolean {
    return this.#chunks.length > 0;
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#go();
  }

  end(): void {
    this.#isEnding = true;
    this.#go();
  }

  drop(): void {
    this.#chunks.length = 0;
    clearTimeout(this.#timer);
    this.#to.destroy();
  }

  #go(): void {
    if (this.#isHeld) return;
    clearTimeout(this.#timer);
    for (let chunk = this.#chunks[0]; chunk; chunk = this.#chunks[0]) {
      const left = chunk.at - performance.now();
      if (left > 0) {
        this.#timer = setTimeout(() => this.#go(), left);
        return;
      }
      this.#chunks.shift();
      if (this.#to.writable) this.#to.write(chunk.bytes);
    }
    if (!this.#isEnding || this.#isEnded) return;
    this.#isEnded = true;
    this.#to.destroySoon();
  }
}
