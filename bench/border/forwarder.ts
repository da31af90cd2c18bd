/**
 * The border between media servers, as a router would be that counts: each server is told addresses that belong to the
 * border, and sees all packets come from the address that it was told. Counts what each side sends, as UDP payload.
 *
 * A side announces one address, its front, to all others. Who sends to a front is known by its own address, and whom it
 * means by the front; so one pair of addresses a side is enough, however many sides there are.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { monotonicMs } from '../measure/clock.ts';
import { Departures } from './departures.ts';
import { type Impairment, Line } from './line.ts';

export interface Ports {
  readonly from: number;
  readonly to: number;
}

/** One media server at the border. The first side is the anchor; the others exchange media with it, not with each other. */
export interface BorderSide {
  readonly name: string;
  /** Where its server has its trunk ports. */
  readonly own: string;
  /** What its server announces: the border's address for it. */
  readonly front: string;
  readonly ports: Ports;
}

/** Addresses of the nth side, counted from 0; 127.0.0.1 is left to everybody else. Linux has all of 127.0.0.0/8. */
export function addressesOf(index: number): Pick<BorderSide, 'own' | 'front'> {
  return { own: `127.0.${index + 1}.1`, front: `127.0.${index + 1}.2` };
}

/** Every way over the border, `[from, to]`: the anchor to each other side, and back. */
export function waysOf<Side>([anchor, ...others]: readonly Side[]): (readonly [from: Side, to: Side])[] {
  if (anchor === undefined) return [];
  return others.flatMap((other) => [[anchor, other] as const, [other, anchor] as const]);
}

export interface Count {
  readonly bytes: number;
  readonly packets: number;
}

/** What the servers sent, by direction, `alpha>beta`. */
export type BorderCounts = Readonly<Record<string, Count>>;

/** What became of it on a line that is impaired; the rest waits in the queue. */
export interface Outcome {
  readonly carried: Count;
  /** At random. */
  readonly lost: Count;
  /** The queue before the rate limit was full. */
  readonly limited: Count;
}

/** By direction. */
export type BorderOutcomes = Readonly<Record<string, Outcome>>;

interface Tally {
  bytes: number;
  packets: number;
}

/**
 * A second and more at 30 Mbit/s, so that this process may be kept from the processor for a while. The kernel gives less
 * where net.core.rmem_max says so; what is lost then is seen by `lostAt`.
 */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** From one side to another. */
interface Way {
  readonly from: BorderSide;
  readonly to: BorderSide;
  readonly offered: Tally;
  readonly carried: Tally;
  readonly lost: Tally;
  readonly limited: Tally;
  /** Absent where nothing is in the way of a packet. */
  readonly line?: Line;
  readonly departures: Departures;
}

export class Forwarder {
  readonly #ways: readonly Way[];
  readonly #sockets = new Map<string, Socket>();
  /** Packets that came from elsewhere than the servers, or from one to another that it has no business with; they go nowhere. */
  strays = 0;
  /** Packets that the system did not take from us. */
  refused = 0;

  private constructor(sides: readonly BorderSide[], impairment: Impairment | undefined) {
    this.#ways = waysOf(sides).map(([from, to], index) => ({
      from,
      to,
      offered: { bytes: 0, packets: 0 },
      carried: { bytes: 0, packets: 0 },
      lost: { bytes: 0, packets: 0 },
      limited: { bytes: 0, packets: 0 },
      ...(impairment && { line: new Line(impairment, index) }),
      departures: new Departures(),
    }));
  }

  /**
   * @param impairment what each direction does to its packets; nothing when left out
   * @throws Error with the code EADDRINUSE where a port of the border is taken
   */
  static async open(sides: readonly BorderSide[], impairment?: Impairment): Promise<Forwarder> {
    const forwarder = new Forwarder(sides, impairment);
    try {
      await Promise.all(sides.map((side) => forwarder.#listen(side)));
    } catch (error) {
      forwarder.close();
      throw error;
    }
    return forwarder;
  }

  get counts(): BorderCounts {
    return this.#byDirection(({ offered }) => ({ ...offered }));
  }

  get outcomes(): BorderOutcomes {
    return this.#byDirection(({ carried, lost, limited }) => {
      return { carried: { ...carried }, lost: { ...lost }, limited: { ...limited } };
    });
  }

  close(): void {
    for (const { departures } of this.#ways) departures.close();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** Takes what the others send to the front of `to`. */
  async #listen(to: BorderSide): Promise<void> {
    const ways = new Map(this.#ways.filter((way) => way.to === to).map((way) => [way.from.own, way]));
    const ports = Array.from({ length: to.ports.to - to.ports.from + 1 }, (_, index) => to.ports.from + index);
    await Promise.all(
      ports.map(async (port) => {
        const socket = createSocket({ type: 'udp4', lookup: literally });
        socket.on('message', (packet, sender) => this.#pass(packet, sender, ways.get(sender.address), port));
        this.#sockets.set(`${to.front}:${port}`, socket);
        const listening = once(socket, 'listening'); // `bind` emits it at once, because nothing has to be looked up
        socket.bind({ port, address: to.front, exclusive: true });
        await listening;
        socket.on('error', () => undefined); // an ICMP refusal of a server that is not there yet or no longer
        socket.setRecvBufferSize(BUFFER_BYTES);
        socket.setSendBufferSize(BUFFER_BYTES);
      }),
    );
  }

  #pass(packet: Buffer, sender: RemoteInfo, way: Way | undefined, port: number): void {
    const out = way && this.#sockets.get(`${way.from.front}:${sender.port}`);
    if (!out) {
      this.strays += 1;
      return;
    }
    add(way.offered, packet);
    if (!way.line) {
      this.#send(packet, out, way, port);
      return;
    }
    const fate = way.line.fateOf(packet.length, monotonicMs());
    if (typeof fate === 'number') way.departures.add(fate, () => this.#send(packet, out, way, port));
    else add(way[fate], packet);
  }

  #send(packet: Buffer, out: Socket, way: Way, port: number): void {
    add(way.carried, packet);
    out.send(packet, port, way.to.own, (error) => {
      if (error) this.refused += 1;
    });
  }

  #byDirection<T>(of: (way: Way) => T): Record<string, T> {
    return Object.fromEntries(this.#ways.map((way) => [directionOf(way.from.name, way.to.name), of(way)]));
  }
}

function add(tally: Tally, packet: Buffer): void {
  tally.bytes += packet.length;
  tally.packets += 1;
}

/** `alpha>beta` */
export function directionOf(from: string, to: string): string {
  return `${from}>${to}`;
}

/** All addresses here are numbers; without this Node takes the way over the event loop for each packet. */
function literally(
  address: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, address, 4);
}
