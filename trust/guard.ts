/** Open connections to other servers: who each is, and that it ends as soon as its right to be does. */
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import type { Credentials } from './credentials.ts';
import { type Accepts, claimOf, identify, type PeerIdentity, type TrustView } from './identity.ts';
import type { ServerName } from './name.ts';
import type { PeerList } from './peers.ts';
import type { Refusal } from './refusal.ts';

/** A certificate that ends has ended for its connections within this time. */
const EXPIRY_LOOK_MS = 500;
/** More certificates are not taken out of a handshake. */
const MAX_CHAIN = 6;

export interface GuardOptions {
  readonly credentials: Credentials;
  readonly peers: PeerList;
  readonly onRefused?: ((refusal: Refusal) => void) | undefined;
}

interface Watched {
  readonly chain: readonly X509Certificate[];
  readonly wanted: Accepts | ServerName;
  readonly address: string | undefined;
  expires: number;
}

const identities = new WeakMap<object, PeerIdentity>();

/**
 * Who is at the other end of a socket of `createPeerServer` or of a dialler's agent: `peerOf(request.socket)`.
 * @throws HawserError TRUST_NO_CERTIFICATE for any other socket
 */
export function peerOf(socket: object): PeerIdentity {
  const identity = knownPeer(socket);
  if (identity === undefined) throw new HawserError('TRUST_NO_CERTIFICATE');
  return identity;
}

/** The same; undefined for a socket that was not let in, or not yet. */
export function knownPeer(socket: object): PeerIdentity | undefined {
  return identities.get(socket);
}

export class Guard {
  readonly #options: GuardOptions;
  readonly #sockets = new Map<TLSSocket, Watched>();
  readonly #stops: readonly (() => void)[];
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: GuardOptions) {
    this.#options = options;
    const judgeAll = () => this.#judge(() => true);
    this.#stops = [options.credentials.onChange(judgeAll), options.peers.onChange(judgeAll)];
    this.#timer = setInterval(() => {
      const now = Date.now();
      this.#judge(({ expires }) => expires <= now);
    }, EXPIRY_LOOK_MS);
    this.#timer.unref();
  }

  /** What decides at this moment. */
  get view(): TrustView {
    return { own: this.#options.credentials.current, peers: this.#options.peers.current };
  }

  /**
   * Identifies the other end of a socket whose handshake is done, and watches it from now on. A socket that is refused is
   * destroyed and reported.
   */
  admit(socket: TLSSocket, wanted: Accepts | ServerName): PeerIdentity | undefined {
    const { remoteAddress: address } = socket;
    let chain: readonly X509Certificate[] = [];
    try {
      chain = chainOf(socket);
      const identity = identify({ chain, view: this.view, wanted, now: Date.now() });
      identities.set(socket, identity);
      this.#sockets.set(socket, { chain, wanted, address, expires: identity.expires });
      socket.once('close', () => this.#sockets.delete(socket));
      return identity;
    } catch (error) {
      socket.destroy(error instanceof HawserError && 'domain' in wanted ? error : undefined);
      this.report({ code: codeOf(error), domain: claimOf(chain)?.domain, address, wasOpen: false });
      return undefined;
    }
  }

  report(refusal: Refusal): void {
    this.#options.onRefused?.(refusal);
  }

  /** Destroys what is open and stops watching. */
  close(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #judge(which: (watched: Watched) => boolean): void {
    const now = Date.now();
    const view = this.view;
    // Several connections of one server share its certificate, and with it the verdict.
    const verdicts = new Map<string, PeerIdentity | ErrorCode>();
    for (const [socket, watched] of this.#sockets) {
      if (!which(watched)) continue;
      const { chain, wanted, address } = watched;
      const print = chain[0]?.fingerprint256 ?? '';
      const verdict = verdicts.get(print) ?? judged(() => identify({ chain, view, wanted, now }));
      verdicts.set(print, verdict);
      if (typeof verdict !== 'string') {
        watched.expires = verdict.expires;
        continue;
      }
      this.#sockets.delete(socket);
      socket.destroy();
      this.report({ code: verdict, domain: claimOf(chain)?.domain, address, wasOpen: true });
    }
  }
}

function judged(identity: () => PeerIdentity): PeerIdentity | ErrorCode {
  try {
    return identity();
  } catch (error) {
    return codeOf(error);
  }
}

/** Whatever else goes wrong with a stranger's certificate is no reason to let it in. */
function codeOf(error: unknown): ErrorCode {
  return error instanceof HawserError ? error.code : 'TRUST_TLS';
}

/** What the other side showed, its own certificate first. */
function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  const prints = new Set<string>();
  for (let shown = socket.getPeerCertificate(true); shown?.raw && chain.length < MAX_CHAIN; ) {
    // A self-signed certificate is its own issuer, without end.
    if (prints.has(shown.fingerprint256)) break;
    prints.add(shown.fingerprint256);
    chain.push(new X509Certificate(shown.raw));
    shown = shown.issuerCertificate;
  }
  return chain;
}
