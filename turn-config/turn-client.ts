/** A client of TURN (RFC 8656) over UDP or TLS: asks for a relay and sends through it, to see whether and how far one gets. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { deadline } from '#signalling/deadline.ts';
import {
  type Attribute,
  decodeAddress,
  decodeError,
  decodeStun,
  type Endpoint,
  encodeAddress,
  encodeStun,
  isSignedWith,
  longTermKey,
  type Method,
  type StunMessage,
  stunLength,
} from './stun.ts';

/** The server answered no. Codes: 401 credential, 403 address that is not allowed, 486 quota of the device (RFC 8656, section 19). */
export class TurnRefusal extends Error {
  override readonly name = 'TurnRefusal';
  readonly code: number;

  constructor(code: number, reason: string) {
    super(`the TURN server answered ${code}${reason ? ` ${reason}` : ''}`);
    this.code = code;
  }
}

/** Nothing came back. */
export class TurnSilence extends Error {
  override readonly name = 'TurnSilence';
}

export interface TurnClientOptions {
  readonly server: Endpoint;
  /** With `tls` the options of the handshake: `servername`, `ca`. */
  readonly transport: { readonly kind: 'udp' } | { readonly kind: 'tls'; readonly tls: ConnectionOptions };
  /** How long each question waits for its answer, ms. */
  readonly timeoutMs?: number;
}

export interface Allocation {
  /** From where the relay sends. */
  readonly relayed: Endpoint;
  /** How the server sees this client. */
  readonly mapped: Endpoint | undefined;
}

const FIRST_RETRY_MS = 250;
/** The server still has a relay of whoever had this client's address and port before (RFC 8656, section 7.4). */
const ALLOCATION_MISMATCH = 437;
/** Each time another port of this machine. */
const MAX_PORTS_TRIED = 3;
const UDP_TRANSPORT = Buffer.from([17, 0, 0, 0]);

interface Answer {
  readonly message: StunMessage;
  readonly bytes: Buffer;
}

interface Wire {
  send(bytes: Buffer): void;
  close(): void;
  readonly isReliable: boolean;
}

export class TurnClient {
  readonly #options: Required<TurnClientOptions>;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  #wire: Wire = { send: () => undefined, close: () => undefined, isReliable: true };
  #credential: { readonly username: string; readonly realm: Buffer; nonce: Buffer; readonly key: Buffer } | undefined;
  #allocated = false;
  /** What came by the relay. */
  onData: (data: Buffer, peer: Endpoint) => void = () => undefined;

  private constructor(options: Required<TurnClientOptions>) {
    this.#options = options;
  }

  /** @throws Error of the connection or the handshake, TurnSilence */
  static async connect({ timeoutMs = 5_000, ...options }: TurnClientOptions): Promise<TurnClient> {
    const client = new TurnClient({ ...options, timeoutMs });
    client.#wire = await client.#open();
    return client;
  }

  /** A relay of its own. @throws TurnRefusal, TurnSilence */
  async allocate(username: string, password: string, family: 'ipv4' | 'ipv6' = 'ipv4'): Promise<Allocation> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#allocate(username, password, family);
      } catch (error) {
        const isTaken = error instanceof TurnRefusal && error.code === ALLOCATION_MISMATCH;
        if (!isTaken || tried === MAX_PORTS_TRIED) throw error;
      }
      // The next is open before the last is closed, else it may get the same port.
      const taken = this.#wire;
      this.#wire = await this.#open();
      taken.close();
      this.#credential = undefined;
    }
  }

  async #allocate(username: string, password: string, family: 'ipv4' | 'ipv6'): Promise<Allocation> {
    const attributes = new Map<Attribute, Buffer>([['requestedTransport', UDP_TRANSPORT]]);
    if (family === 'ipv6') attributes.set('requestedFamily', Buffer.from([2, 0, 0, 0]));
    // The first answer brings realm and nonce (RFC 8489, section 9.2.3).
    const first = await this.#ask('allocate', attributes);
    const [realm, nonce] = [first.message.attributes.get('realm'), first.message.attributes.get('nonce')];
    if (first.message.class !== 'error' || !realm || !nonce) throw refusalOf(first.message);
    const key = longTermKey(username, realm.toString('utf8'), password);
    this.#credential = { username, realm, nonce, key };
    const { message } = await this.#request('allocate', attributes);
    const relayed = decodeAddress(message.attributes.get('relayedAddress'), message.transaction);
    if (!relayed) throw new TurnRefusal(0, 'without an address');
    this.#allocated = true;
    return { relayed, mapped: decodeAddress(message.attributes.get('mappedAddress'), message.transaction) };
  }

  /** Lets the relay send to an address, and what comes from there in. @throws TurnRefusal (403), TurnSilence */
  async permit(peer: Endpoint): Promise<void> {
    await this.#request('permit', (transaction) => new Map([['peerAddress', encodeAddress(peer, transaction)]]));
  }

  /** Sends by the relay. What is not permitted is dropped there. */
  send(peer: Endpoint, data: Buffer): void {
    const transaction = randomBytes(12);
    const attributes = new Map<Attribute, Buffer>([
      ['peerAddress', encodeAddress(peer, transaction)],
      ['data', data],
    ]);
    this.#wire.send(encodeStun({ method: 'send', class: 'indication', transaction, attributes }));
  }

  /** Gives the relay back. */
  async close(): Promise<void> {
    if (this.#allocated) {
      this.#allocated = false;
      await this.#request('refresh', new Map([['lifetime', Buffer.alloc(4)]])).catch(() => undefined);
    }
    this.#wire.close();
  }

  #open(): Promise<Wire> {
    const { server, transport, timeoutMs } = this.#options;
    const take = (bytes: Buffer) => this.#take(bytes);
    return transport.kind === 'udp' ? overUdp(server, take) : overTls(server, transport.tls, take, timeoutMs);
  }

  async #request(
    method: Method,
    attributes: ReadonlyMap<Attribute, Buffer> | ((transaction: Buffer) => ReadonlyMap<Attribute, Buffer>),
  ): Promise<Answer> {
    let answer = await this.#ask(method, attributes);
    const nonce = answer.message.attributes.get('nonce');
    // 438: the nonce is stale, and a new one came with the answer.
    if (decodeError(answer.message.attributes.get('errorCode')).code === 438 && nonce && this.#credential) {
      this.#credential = { ...this.#credential, nonce };
      answer = await this.#ask(method, attributes);
    }
    if (answer.message.class !== 'success') throw refusalOf(answer.message);
    if (this.#credential && !isSignedWith(answer.bytes, this.#credential.key))
      throw new TurnRefusal(0, 'and did not sign it: another one answers in its place');
    return answer;
  }

  #ask(
    method: Method,
    attributes: ReadonlyMap<Attribute, Buffer> | ((transaction: Buffer) => ReadonlyMap<Attribute, Buffer>),
  ): Promise<Answer> {
    const transaction = randomBytes(12);
    const id = transaction.toString('hex');
    const all = new Map(typeof attributes === 'function' ? attributes(transaction) : attributes);
    const credential = this.#credential;
    if (credential) {
      all.set('username', Buffer.from(credential.username));
      all.set('realm', credential.realm);
      all.set('nonce', credential.nonce);
    }
    const bytes = encodeStun({ method, class: 'request', transaction, attributes: all }, credential?.key);
    return new Promise((resolve, reject) => {
      let retry: ReturnType<typeof setTimeout> | undefined;
      const callOff = deadline(this.#options.timeoutMs, () => {
        this.#waiting.delete(id);
        clearTimeout(retry);
        reject(new TurnSilence('the TURN server did not answer'));
      });
      this.#waiting.set(id, (answer) => {
        this.#waiting.delete(id);
        callOff();
        clearTimeout(retry);
        resolve(answer);
      });
      const send = (wait: number): void => {
        this.#wire.send(bytes);
        if (!this.#wire.isReliable) retry = setTimeout(() => send(wait * 2), wait);
      };
      send(FIRST_RETRY_MS);
    });
  }

  #take(bytes: Buffer): void {
    const message = decodeStun(bytes);
    if (!message) return;
    if (message.class === 'indication') {
      const peer = decodeAddress(message.attributes.get('peerAddress'), message.transaction);
      const data = message.attributes.get('data');
      if (message.method === 'data' && peer && data) this.onData(data, peer);
      return;
    }
    if (message.class !== 'request') this.#waiting.get(message.transaction.toString('hex'))?.({ message, bytes });
  }
}

function refusalOf(message: StunMessage): TurnRefusal {
  const { code, reason } = decodeError(message.attributes.get('errorCode'));
  return new TurnRefusal(code, reason);
}

async function overUdp(server: Endpoint, take: (bytes: Buffer) => void): Promise<Wire> {
  const socket: UdpSocket = createSocket(isIPv6(server.ip) ? 'udp6' : 'udp4');
  // A port at which nobody listens answers with an error; the time of the question says so in its own words.
  socket.on('error', () => undefined);
  socket.on('message', take);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(server.port, server.ip, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  return {
    send: (bytes) => socket.send(bytes, () => undefined),
    close: () => socket.close(),
    isReliable: false,
  };
}

async function overTls(
  server: Endpoint,
  options: ConnectionOptions,
  take: (bytes: Buffer) => void,
  timeoutMs: number,
): Promise<Wire> {
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const opening = connectTls({ ...options, host: server.ip, port: server.port }, () => resolve(opening));
    const callOff = deadline(timeoutMs, () => opening.destroy(new TurnSilence('no TLS connection')));
    opening.once('error', reject).once('secureConnect', callOff).once('close', callOff);
  });
  socket.on('error', () => undefined);
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const length = stunLength(rest);
      if (length === undefined || rest.length < length) return;
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
  return { send: (bytes) => socket.write(bytes), close: () => socket.destroy(), isReliable: true };
}
