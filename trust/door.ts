/** The door for other servers: an HTTPS server that knows who is there before it reads the first byte of HTTP. */
import { constants } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { Server, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Credential, Credentials } from './credentials.ts';
import { Guard } from './guard.ts';
import type { Accepts, PeerIdentity } from './identity.ts';
import type { PeerList } from './peers.ts';
import type { Refusal } from './refusal.ts';

export { knownPeer, peerOf } from './guard.ts';

type HttpLimit =
  | 'requestTimeout'
  | 'headersTimeout'
  | 'keepAliveTimeout'
  | 'maxHeaderSize'
  | 'connectionsCheckingInterval';

export interface DoorOptions {
  readonly credentials: Credentials;
  readonly peers: PeerList;
  /** The homeserver's door: `{own: ['sft'], peers: ['homeserver']}`; the SFT's: `{own: [], peers: ['sft']}`. */
  readonly accepts: Accepts;
  /** Called once for each connection that was refused, or ended because its right to be did. */
  readonly onRefused?: (refusal: Refusal) => void;
  readonly requestListener?: RequestListener;
  /** Limits of HTTP, such as `requestTimeout`. */
  readonly http?: Pick<ServerOptions, HttpLimit>;
  /** Time for TCP and TLS together, ms; 3000 when left out. */
  readonly handshakeTimeoutMs?: number;
  /** Handshakes at once; the oldest gives way to one more. 256 when left out. */
  readonly maxHandshakes?: number;
  /** Open connections of one server; one more is refused with SIG_FLOOD. 600 when left out. */
  readonly maxConnections?: number;
}

/**
 * Not yet listening. For Fastify: `serverFactory: (handler) => createPeerServer({...options, requestListener: handler})`.
 * Takes what it made down with its `close()`; `credentials` and `peers` stay the caller's.
 */
export function createPeerServer(options: DoorOptions): Server {
  return new Door(options);
}

interface Handshake {
  readonly socket: Socket;
  readonly address: string | undefined;
  readonly deadline: ReturnType<typeof setTimeout>;
}

class Door extends Server {
  readonly #options: DoorOptions;
  readonly #guard: Guard;
  /** By address and port of the other side, oldest first. */
  readonly #handshakes = new Map<string, Handshake>();
  /** Open connections, by server. */
  readonly #open = new Map<string, number>();

  constructor(options: DoorOptions) {
    super({ ...options.http, ...tlsOptions(options.credentials.current) }, options.requestListener);
    this.#options = options;
    this.#guard = new Guard(options);
    const stop = options.credentials.onChange(() => this.setSecureContext(tlsOptions(options.credentials.current)));
    this.once('close', () => {
      stop();
      this.#guard.close();
    });
    // TLS and HTTP listen on these events themselves. They hear of a connection when we have let it pass, not before.
    this.#between('connection', (socket: Socket) => this.#begin(socket));
    this.#between('secureConnection', (socket: TLSSocket) => this.#identify(socket));
  }

  /** Also ends the handshakes that are going on; connections that were let in are the caller's to end. */
  override close(callback?: (error?: Error) => void): this {
    for (const key of this.#handshakes.keys()) this.#end(key)?.socket.destroy();
    return super.close(callback);
  }

  #between<S extends Socket>(event: 'connection' | 'secureConnection', passes: (socket: S) => boolean): void {
    const inner = this.listeners(event);
    this.removeAllListeners(event);
    this.on(event, (socket: S) => {
      if (!passes(socket)) return;
      for (const listener of inner) Reflect.apply(listener, this, [socket]);
    });
  }

  #begin(socket: Socket): boolean {
    const key = keyOf(socket);
    if (key === undefined) {
      socket.destroy();
      return false;
    }
    const { handshakeTimeoutMs = 3_000, maxHandshakes = 256 } = this.#options;
    // Who is honest has finished within a few round trips: the oldest is the likeliest to be somebody who holds places.
    const [oldest] = this.#handshakes.keys();
    if (oldest !== undefined && this.#handshakes.size >= maxHandshakes) this.#fail(oldest);
    const deadline = setTimeout(() => this.#fail(key), handshakeTimeoutMs);
    this.#handshakes.set(key, { socket, address: socket.remoteAddress, deadline });
    socket.once('close', () => this.#fail(key));
    return true;
  }

  /** Undefined where that handshake has ended already. */
  #end(key: string): Handshake | undefined {
    const handshake = this.#handshakes.get(key);
    clearTimeout(handshake?.deadline);
    this.#handshakes.delete(key);
    return handshake;
  }

  #fail(key: string): void {
    const handshake = this.#end(key);
    if (handshake === undefined) return;
    handshake.socket.destroy();
    this.#guard.report({ code: 'TRUST_TLS', domain: undefined, address: handshake.address, wasOpen: false });
  }

  #identify(socket: TLSSocket): boolean {
    socket.on('error', () => undefined); // a reset is no fault of ours; 'close' follows
    const key = keyOf(socket);
    if (key !== undefined) this.#end(key);
    const identity = this.#guard.admit(socket, this.#options.accepts);
    return identity !== undefined && this.#count(socket, identity);
  }

  /** Whoever is let in holds only so much of the memory and the file descriptors that all share. */
  #count(socket: TLSSocket, { domain, role }: PeerIdentity): boolean {
    const { maxConnections = 600 } = this.#options;
    const server = `${role} ${domain}`;
    const count = this.#open.get(server) ?? 0;
    if (count >= maxConnections) {
      socket.destroy();
      this.#guard.report({ code: 'SIG_FLOOD', domain, address: socket.remoteAddress, wasOpen: false });
      return false;
    }
    this.#open.set(server, count + 1);
    socket.once('close', () => {
      const left = (this.#open.get(server) ?? 1) - 1;
      if (left > 0) this.#open.set(server, left);
      else this.#open.delete(server);
    });
    return true;
  }
}

/** Undefined where the other side is gone already. */
function keyOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

/**
 * Every client certificate is let through TLS and judged afterwards, because which authority counts depends on the name in
 * it. No list of acceptable authorities is sent: it would tell strangers whom this domain has allowed.
 */
function tlsOptions({ certificate, key }: Credential) {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.3' as const,
    requestCert: true,
    rejectUnauthorized: false,
    // A resumed session shows no certificate again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
