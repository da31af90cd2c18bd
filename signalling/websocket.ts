/** The two ends of a contract's WebSocket on Node, on the library `ws`. */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Agent, Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import type { Contract } from './contract.ts';
import { HawserError } from './errors.ts';
import type { Socket } from './rpc.ts';

export interface Acceptor {
  /** Closes every connection at once and stops accepting. */
  close(): void;
  readonly connections: number;
}

export interface AcceptOptions {
  readonly server: HttpServer | HttpsServer;
  readonly path: string;
  readonly contract: Contract;
  /** Connections at once; one more is refused with 503. */
  readonly maxConnections: number;
  /** False refuses the upgrade with 403. */
  readonly allow?: (request: IncomingMessage) => boolean;
  readonly onSocket: (socket: Socket, request: IncomingMessage) => void;
}

const serversWithFallback = new WeakSet<object>();

/** Accepts WebSockets of one contract at one path of an HTTP server; several contracts may share the server. */
export function acceptSockets(options: AcceptOptions): Acceptor {
  const { server, path, contract } = options;
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: contract.maxLength.dialler,
    perMessageDeflate: false,
    handleProtocols: (offered) => protocolsOf(contract).find((each) => offered.has(each)) ?? false,
  });
  let isClosed = false;
  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (pathOf(request) !== path) return;
    // A door that is about to close is not one that there never was.
    if (isClosed) return refuse(stream, 503);
    const offered = request.headers['sec-websocket-protocol']?.split(/\s*,\s*/) ?? [];
    if (!protocolsOf(contract).some((each) => offered.includes(each))) return refuse(stream, 426);
    if (options.allow && !options.allow(request)) return refuse(stream, 403);
    if (wss.clients.size >= options.maxConnections) return refuse(stream, 503);
    wss.handleUpgrade(request, stream, head, (socket) => options.onSocket(socket as unknown as Socket, request));
  };
  server.on('upgrade', onUpgrade);
  const paths = pathsOf(server);
  paths.add(path);
  if (!serversWithFallback.has(server)) {
    serversWithFallback.add(server);
    server.on('upgrade', (request: IncomingMessage, stream: Duplex) => {
      if (!paths.has(pathOf(request))) refuse(stream, 404);
    });
  }
  return {
    get connections() {
      return wss.clients.size;
    },
    close() {
      isClosed = true;
      for (const client of wss.clients) client.terminate();
      wss.close();
    },
  };
}

/** Newest first. */
function protocolsOf({ protocol, earlier = [] }: Contract): string[] {
  return [protocol, ...earlier];
}

const acceptedPaths = new WeakMap<object, Set<string>>();

function pathsOf(server: object): Set<string> {
  const paths = acceptedPaths.get(server) ?? new Set();
  acceptedPaths.set(server, paths);
  return paths;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0] ?? '';
}

const STATUS_TEXT: Record<number, string> = {
  403: 'Forbidden',
  404: 'Not Found',
  426: 'Upgrade Required',
  503: 'Service Unavailable',
};

function refuse(stream: Duplex, status: number): void {
  // Nobody else listens to a stream that was upgraded: without this, a client that resets it would end the process.
  stream.on('error', () => stream.destroy());
  // Node's server would wait for the client to close its half, for ever.
  stream.once('finish', () => stream.destroy());
  stream.end(`HTTP/1.1 ${status} ${STATUS_TEXT[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export interface DialOptions {
  readonly url: string;
  readonly contract: Contract;
  /** TLS of the dialler: its certificate, whom it trusts, which name it expects. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'minVersion'>;
  /** In place of `tls`: makes the connection, and fails with a HawserError where the server is not the one meant. */
  readonly agent?: Agent;
  /** As a browser says of which page it is. */
  readonly origin?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Opens a WebSocket of a contract.
 * @throws HawserError TRUST_TLS where TLS failed, SIG_UNSUPPORTED_VERSION (HTTP 426, or 404: it knows no such contract), SIG_BUSY (HTTP
 * 503), FED_REFUSED (HTTP 403, or cut by the server's door), SIG_UNREACHABLE, or whatever the agent fails with. The detail of what
 * answered without a WebSocket is its status, `HTTP 404`.
 */
export function dialSocket(options: DialOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(options.url, protocolsOf(options.contract), {
      ...options.tls,
      ...(options.agent && { agent: options.agent }),
      ...(options.origin !== undefined && { origin: options.origin }),
      handshakeTimeout: options.timeoutMs ?? 5_000,
      maxPayload: options.contract.maxLength.acceptor,
      perMessageDeflate: false,
      followRedirects: false,
    });
    const abort = () => socket.terminate();
    const fail = (error: Error & { code?: string }) => {
      options.signal?.removeEventListener('abort', abort);
      if (error instanceof HawserError) reject(error);
      else {
        const status = /Unexpected server response: (\d{3})/.exec(error.message)?.[1];
        const detail = status ? `HTTP ${status}` : (error.code ?? error.message.slice(0, 100));
        reject(new HawserError(dialCode(error, status, options), detail, { cause: error }));
      }
    };
    options.signal?.addEventListener('abort', abort, { once: true });
    if (options.signal?.aborted) abort();
    socket.once('error', fail);
    socket.once('open', () => {
      socket.off('error', fail);
      options.signal?.removeEventListener('abort', abort);
      resolve(socket as unknown as Socket);
    });
  });
}

function dialCode(error: Error & { code?: string }, status: string | undefined, options: DialOptions) {
  if (status === '426' || status === '404') return 'SIG_UNSUPPORTED_VERSION';
  if (status === '503') return 'SIG_BUSY';
  if (status === '403') return 'FED_REFUSED';
  // An agent has finished TLS before it hands the connection over: what is cut now was cut by the server's own door.
  if (options.agent && /^(?:ECONNRESET|EPIPE)$/.test(error.code ?? '')) return 'FED_REFUSED';
  if (/^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_)/.test(error.code ?? ''))
    return 'TRUST_TLS';
  return 'SIG_UNREACHABLE';
}
