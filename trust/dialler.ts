/** Connections to other servers: whoever answers is identified before the first byte of HTTP is sent. */
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Credentials } from './credentials.ts';
import { Guard } from './guard.ts';
import { authorityFor } from './identity.ts';
import { checkLinkHost, type LinkedPeer, linkLookup } from './link-address.ts';
import { type Role, type ServerName, serverName } from './name.ts';
import type { PeerList } from './peers.ts';
import type { Refusal } from './refusal.ts';

export interface DiallerOptions {
  readonly credentials: Credentials;
  readonly peers: PeerList;
  /** Called for each server that is not who it should be, and for each open connection whose right to be ended. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Called for each new connection, with the time at which what the server showed ends, ms since 1970. */
  readonly onReached?: (server: ServerName, ends: number) => void;
  /** Time for TCP and TLS together, ms; 5000 when left out. */
  readonly timeoutMs?: number;
}

export class PeerDialler {
  readonly #options: DiallerOptions;
  readonly #guard: Guard;
  readonly #agents = new Map<string, Agent>();

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.#guard = new Guard(options);
  }

  /**
   * For `https.request({agent})` and `dialSocket({agent})`. Its sockets lead to that server of that domain or nowhere,
   * whatever host and port are dialled; keeps connections open for reuse. The error of a request is a HawserError
   * TRUST_*, FED_ADDRESS (an SFT of another domain that is said to be in our house), SIG_UNREACHABLE or SIG_TIMEOUT where the connection failed. A server that has not allowed us ends the
   * connection when it knows who we are: the request then fails with ECONNRESET.
   */
  agent(domain: DomainName, role: Role): Agent {
    const name = serverName(domain, role);
    const agent = this.#agents.get(name) ?? new PeerAgent((target) => this.#dial({ domain, role }, target));
    this.#agents.set(name, agent);
    return agent;
  }

  /** Closes every connection. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#guard.close();
  }

  #dial(wanted: ServerName, { host, port }: Target): Promise<TLSSocket> {
    const { credentials, timeoutMs = 5_000 } = this.#options;
    // Of a homeserver the address was looked at where it was found.
    const linked = wanted.role === 'sft' ? this.#guard.view.peers.get(wanted.domain) : undefined;
    return new Promise((resolve, reject) => {
      if (linked) this.#checkHost(linked, host);
      const authority = authorityFor(wanted, this.#guard.view, wanted);
      const socket = connect({
        host,
        port,
        ...(linked && { lookup: linkLookup(linked) }),
        servername: serverName(wanted.domain, wanted.role),
        ca: authority.certificates.map((certificate) => certificate.toString()),
        // The authority on the list is the end of the chain, also where another one certifies it.
        allowPartialTrustChain: true,
        cert: credentials.current.certificate,
        key: credentials.current.key,
        minVersion: 'TLSv1.3',
        ALPNProtocols: ['http/1.1'],
        // Judged below, by the rules of `identify`, so that each refusal has its code.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
      });
      const fail = (error: Error & { code?: string }) => {
        clearTimeout(deadline);
        if (error.code === 'FED_ADDRESS') this.#reportAddress(wanted.domain);
        reject(error instanceof HawserError ? error : new HawserError(codeOf(error), error.code, { cause: error }));
      };
      const deadline = setTimeout(() => socket.destroy(new HawserError('SIG_TIMEOUT', 'TLS')), timeoutMs);
      socket.on('error', fail);
      socket.once('close', () => fail(new HawserError('SIG_UNREACHABLE', 'closed during the handshake')));
      socket.once('secureConnect', () => {
        clearTimeout(deadline);
        const identity = this.#guard.admit(socket, wanted);
        if (identity === undefined) return;
        // OpenSSL's own opinion is the second lock: it knows rules of X.509 that `identify` does not.
        if (socket.authorized) {
          this.#options.onReached?.(wanted, identity.expires);
          return resolve(socket);
        }
        const { remoteAddress: address } = socket;
        this.#guard.report({ code: 'TRUST_TLS', domain: wanted.domain, address, wasOpen: false });
        socket.destroy(new HawserError('TRUST_TLS', String(socket.authorizationError)));
      });
    });
  }

  #checkHost(peer: LinkedPeer, host: string): void {
    try {
      checkLinkHost(peer, host);
    } catch (error) {
      this.#reportAddress(peer.domain, host);
      throw error;
    }
  }

  #reportAddress(domain: DomainName, address?: string): void {
    this.#guard.report({ code: 'FED_ADDRESS', domain, address, wasOpen: false });
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
}

class PeerAgent extends Agent {
  readonly #dial: (target: Target) => Promise<TLSSocket>;

  constructor(dial: (target: Target) => Promise<TLSSocket>) {
    // No session is kept: a resumed one shows no certificate again.
    super({ keepAlive: true, maxCachedSessions: 0 });
    this.#dial = dial;
  }

  override createConnection(
    options: AgentOptions & { host?: string | null; port?: number | string | null },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const done = callback as ((error: Error | null, stream?: Duplex) => void) | undefined;
    this.#dial({ host: options.host ?? 'localhost', port: Number(options.port ?? 443) }).then(
      (socket) => done?.(null, socket),
      (error: Error) => done?.(error),
    );
    return undefined;
  }
}

function codeOf({ code = '' }: { code?: string }) {
  return /^(?:ERR_SSL|ERR_TLS|EPROTO|CERT_)/.test(code) ? 'TRUST_TLS' : 'SIG_UNREACHABLE';
}
