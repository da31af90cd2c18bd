/** One side's UDP ports of a probe: sends datagrams to those of the other side and notes what comes from there. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { PROBE_SIZES, type ProbeSeen } from '#signalling/probe.ts';
import { decodeDatagram, encodeDatagram, type Kind } from './datagram.ts';

export interface Remote {
  readonly ip: string;
  readonly ports: readonly number[];
}

/** Each size twice, so that one lost packet is no closed port. */
const TIMES = 2;
/** Time between two bursts of a volley, ms, and how many datagrams each has: about 10 Mbit/s. */
const PACE_MS = 5;
const BURST = 8;
const STREAM_SIZE = 1_200;
/** Most that one look may make up of the time in which this process was kept from sending, ms: a burst would be lost on the way. */
const CATCH_UP_MS = 20;
/** Turns of the loop in which what has come is read, of some 32 datagrams each. */
const MOST_TURNS = 200;
const SIZES: readonly number[] = PROBE_SIZES;
const ECHO_SIZE = 200;
/** What is lost here because this process was busy would be taken for loss on the way. The system gives what it allows. Bytes */
const RECEIVE_BUFFER = 1 << 20;

export class ProbePorts {
  readonly ports: readonly number[];
  readonly #sockets: readonly Socket[];
  readonly #key: Buffer;
  #remote: Remote | undefined;
  readonly #sizes = new Map<number, number>();
  #streamed = { packets: 0, bytes: 0 };
  #translated: ProbeSeen['translated'];
  readonly #echoes = new Map<number, number>();
  readonly #rtts: number[] = [];
  readonly #now: () => number;
  #unsent = 0;
  /** Datagrams, of whomever. */
  #came = 0;
  #closed = false;

  private constructor(ports: readonly number[], sockets: readonly Socket[], key: Buffer, now: () => number) {
    this.ports = ports;
    this.#sockets = sockets;
    this.#key = key;
    this.#now = now;
    for (const socket of sockets) socket.on('message', (bytes, from) => this.#take(socket, bytes, from));
  }

  /** Those of the ports that can be had. @param now ms of a clock that only goes forward */
  static async open(ip: string, ports: readonly number[], key: Buffer, now: () => number): Promise<ProbePorts> {
    const bound = await Promise.all(ports.map((port) => bind(ip, port)));
    const had = ports.flatMap((port, index) => {
      const socket = bound[index];
      return socket ? [{ port, socket }] : [];
    });
    return new ProbePorts(
      had.map(({ port }) => port),
      had.map(({ socket }) => socket),
      key,
      now,
    );
  }

  connect(remote: Remote): void {
    this.#remote = remote;
  }

  /** Each port of the one side with one of the other; the shorter row begins anew. */
  get pairs(): number {
    const far = this.#remote?.ports.length ?? 0;
    return far === 0 || this.ports.length === 0 ? 0 : Math.max(far, this.ports.length);
  }

  portsOf(pair: number): { readonly own: number; readonly far: number } {
    const far = this.#remote?.ports ?? [];
    return { own: this.ports[pair % this.ports.length] ?? 0, far: far[pair % far.length] ?? 0 };
  }

  /** Datagrams that the system did not let out: a firewall of this machine, mostly. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Every size on every pair. Resolves when all of it was sent. */
  async volley(): Promise<void> {
    let burst = 0;
    for (let time = 0; time < TIMES; time++) {
      for (let pair = 0; pair < this.pairs && !this.#closed; pair++) {
        for (const size of PROBE_SIZES) this.#send('volley', pair, time, size);
        if (++burst % (BURST / PROBE_SIZES.length) === 0) await pause(PACE_MS);
      }
    }
  }

  /** Media as a trunk has it, on the first pair. */
  async stream(kbps: number, ms: number): Promise<{ packets: number; bytes: number }> {
    const begin = this.#now();
    const perMs = kbps / 8 / STREAM_SIZE;
    let [packets, clock] = [0, 0];
    while (clock < ms && !this.#closed) {
      while (packets < clock * perMs) this.#send('stream', 0, packets++, STREAM_SIZE);
      await pause(PACE_MS);
      clock = Math.min(this.#now() - begin, clock + CATCH_UP_MS);
    }
    return { packets, bytes: packets * STREAM_SIZE };
  }

  /** Asks for echoes on the first pair. */
  async echo(times: number): Promise<void> {
    for (let number = 0; number < times && !this.#closed; number++) {
      this.#echoes.set(number, this.#now());
      this.#send('echo', 0, number, ECHO_SIZE);
      await pause(PACE_MS * 4);
    }
  }

  /** Median, ms; undefined where nothing came back. */
  get rttMs(): number | undefined {
    return this.#rtts.toSorted((a, b) => a - b)[Math.floor(this.#rtts.length / 2)];
  }

  /** With what has come and was not read yet, because this process is behind: none of that was lost on the way. */
  async seen(): Promise<ProbeSeen> {
    let quiet = 0;
    for (let turn = 0; turn < MOST_TURNS && quiet < 2; turn++) {
      const before = this.#came;
      await setImmediate();
      quiet = this.#came === before ? quiet + 1 : 0;
    }
    return {
      pairs: [...this.#sizes].map(([pair, sizes]) => ({ pair, sizes })),
      ...this.#streamed,
      ...(this.#translated && { translated: this.#translated }),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#sockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
  }

  #send(kind: Kind, pair: number, number: number, size: number): void {
    const remote = this.#remote;
    const socket = this.#sockets[pair % this.#sockets.length];
    if (this.#closed || !remote || !socket) return;
    socket.send(encodeDatagram({ kind, pair, number, size }, this.#key), this.portsOf(pair).far, remote.ip, (error) => {
      if (error) this.#unsent += 1;
    });
  }

  #take(socket: Socket, bytes: Buffer, from: { readonly address: string; readonly port: number }): void {
    this.#came += 1;
    const datagram = decodeDatagram(bytes, this.#key);
    if (!datagram || datagram.pair >= this.pairs || this.#closed) return;
    const { kind, pair, number, size } = datagram;
    const said = { ip: this.#remote?.ip ?? '', port: this.portsOf(pair).far };
    if (from.address !== said.ip || from.port !== said.port) {
      this.#translated ??= { said, seen: { ip: from.address, port: from.port } };
    }
    switch (kind) {
      case 'volley': {
        const index = SIZES.indexOf(size);
        if (index >= 0) this.#sizes.set(pair, (this.#sizes.get(pair) ?? 0) | (1 << index));
        return;
      }
      case 'stream':
        this.#streamed = { packets: this.#streamed.packets + 1, bytes: this.#streamed.bytes + size };
        return;
      case 'echo':
        // To where it was said that the other side is, as everything: what came from elsewhere is not answered there.
        if (socket === this.#sockets[pair % this.#sockets.length]) this.#send('echoed', pair, number, size);
        return;
      case 'echoed': {
        const sent = this.#echoes.get(number);
        if (this.#echoes.delete(number) && sent !== undefined) this.#rtts.push(this.#now() - sent);
        return;
      }
    }
  }
}

/** Undefined where the port is taken. */
function bind(ip: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: isIPv6(ip) ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BUFFER });
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ address: ip, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
