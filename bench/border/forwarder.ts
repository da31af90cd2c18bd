/**
 * The border between two media servers, as a router would be that counts: each server is told an address that belongs to
 * the border, and sees all packets come from the address that it was told. Counts what each side sends, as UDP payload.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Ports {
  readonly from: number;
  readonly to: number;
}

/** One of the two sides. */
export interface BorderSide {
  readonly name: string;
  /** Where its server has its trunk ports. */
  readonly own: string;
  /** What its server announces: the border's address for it. */
  readonly front: string;
  readonly ports: Ports;
}

export interface Count {
  readonly bytes: number;
  readonly packets: number;
}

/** By direction, `alpha>beta`. */
export type BorderCounts = Readonly<Record<string, Count>>;

interface Tally {
  bytes: number;
  packets: number;
}

/**
 * A second and more at 30 Mbit/s, so that this process may be kept from the processor for a while. The kernel gives less
 * where net.core.rmem_max says so; what is lost then is seen by `lostAt`.
 */
const BUFFER_BYTES = 4 * 1024 * 1024;

export class Forwarder {
  readonly #sides: readonly [BorderSide, BorderSide];
  readonly #sockets = new Map<string, Socket>();
  readonly #counts = new Map<string, Tally>();
  /** Packets that came from elsewhere than the two servers; they go nowhere. */
  strays = 0;
  /** Packets that the system did not take from us. */
  refused = 0;

  private constructor(sides: readonly [BorderSide, BorderSide]) {
    this.#sides = sides;
  }

  /** @throws Error with the code EADDRINUSE where a port of the border is taken */
  static async open(sides: readonly [BorderSide, BorderSide]): Promise<Forwarder> {
    const forwarder = new Forwarder(sides);
    try {
      await Promise.all([forwarder.#listen(sides[0], sides[1]), forwarder.#listen(sides[1], sides[0])]);
    } catch (error) {
      forwarder.close();
      throw error;
    }
    return forwarder;
  }

  get counts(): BorderCounts {
    const [a, b] = this.#sides;
    const of = (from: BorderSide, to: BorderSide) => [directionOf(from, to), { ...this.#tally(from, to) }] as const;
    return Object.fromEntries([of(a, b), of(b, a)]);
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** Takes what `far` sends to the front of `near`. */
  async #listen(near: BorderSide, far: BorderSide): Promise<void> {
    const tally = this.#tally(far, near);
    const ports = Array.from({ length: near.ports.to - near.ports.from + 1 }, (_, index) => near.ports.from + index);
    await Promise.all(
      ports.map(async (port) => {
        const socket = createSocket({ type: 'udp4', lookup: literally });
        socket.on('message', (packet, from) => this.#pass(packet, from, far, near, port, tally));
        this.#sockets.set(`${near.front}:${port}`, socket);
        const listening = once(socket, 'listening'); // `bind` emits it at once, because nothing has to be looked up
        socket.bind({ port, address: near.front, exclusive: true });
        await listening;
        socket.on('error', () => undefined); // an ICMP refusal of a server that is not there yet or no longer
        socket.setRecvBufferSize(BUFFER_BYTES);
        socket.setSendBufferSize(BUFFER_BYTES);
      }),
    );
  }

  #pass(packet: Buffer, from: RemoteInfo, far: BorderSide, near: BorderSide, port: number, tally: Tally): void {
    const out = from.address === far.own ? this.#sockets.get(`${far.front}:${from.port}`) : undefined;
    if (!out) {
      this.strays += 1;
      return;
    }
    tally.bytes += packet.length;
    tally.packets += 1;
    out.send(packet, port, near.own, (error) => {
      if (error) this.refused += 1;
    });
  }

  #tally(from: BorderSide, to: BorderSide): Tally {
    const direction = directionOf(from, to);
    const tally = this.#counts.get(direction) ?? { bytes: 0, packets: 0 };
    this.#counts.set(direction, tally);
    return tally;
  }
}

function directionOf(from: BorderSide, to: BorderSide): string {
  return `${from.name}>${to.name}`;
}

/** All addresses here are numbers; without this Node takes the way over the event loop for each packet. */
function literally(
  address: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, address, 4);
}
