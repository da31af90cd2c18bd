/**
 * For tests: stands for the homeserver of another organisation. It has that domain's certificates and nothing else of a homeserver: it
 * answers what the test says, notes what it was asked, and says what the test lets it say. What it says is signed, with a key that
 * it publishes, so that it can lie about everything else.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { FEDERATION_PATHS, FEDERATION_VERSIONS, type FederationCall } from '#signalling/federation.ts';
import type { DomainKeys } from '#signalling/federation-people.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { TestDomain } from '#trust/testing.ts';
import { digestOf, signRequest } from '../federation/signature.ts';
import { isSigned } from '../federation/signed-requests.ts';
import { makeSigner, type PublicSigner } from './signer.ts';

export interface Asked {
  readonly method: string;
  /** Still percent-encoded. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Of what it was answered itself. */
  readonly headers?: IncomingMessage['headers'];
}

/** What it does with a request; one that answers by itself returns nothing. */
export type Answering = (asked: Asked, response: ServerResponse) => Answer | undefined | Promise<Answer | undefined>;

/** How a request differs from an honest one. */
export interface Twist {
  /** When it says that it was signed, ms since 1970. */
  readonly at?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the JSON of the body. */
  readonly text?: string;
}

/** A door, and whose it is. */
export interface Door {
  readonly domain: DomainName;
  readonly port: number;
}

export class PeerDouble implements AsyncDisposable {
  readonly certificates: TestDomain;
  /** With what it signs, which is what it publishes unless a test changes one of the two. */
  signer: PublicSigner;
  readonly asked: Asked[] = [];
  answering: Answering;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #sockets = new Set<import('node:stream').Duplex>();

  private constructor(certificates: TestDomain, server: Server, agent: Agent, answering: Answering) {
    this.certificates = certificates;
    this.signer = makeSigner();
    this.answering = answering;
    this.#server = server;
    this.#agent = agent;
    server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /**
   * @param authorityOfOthers PEM of whoever is asked and asks
   * @param port of loopback; any free one when left out
   */
  static async start(
    certificates: TestDomain,
    authorityOfOthers: string,
    answering: Answering,
    port = 0,
  ): Promise<PeerDouble> {
    const cert = await readFile(certificates.homeserver.certificate);
    const key = await readFile(certificates.homeserver.key);
    const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const agent = new Agent({ cert, key, ca: authorityOfOthers, keepAlive: true, minVersion: 'TLSv1.3' });
    return new PeerDouble(certificates, server, agent, answering);
  }

  /** `host:port` */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What it answers to `keys` where it is honest. */
  async keys(): Promise<DomainKeys> {
    const { domain, devices } = this.certificates;
    const { raw } = new X509Certificate(await readFile(devices.root));
    return {
      domain,
      signing: [{ id: this.signer.id, key: this.signer.key }],
      devices: { domain, roots: [raw.toString('base64url')], revocations: [], hub: this.signer.key },
    };
  }

  /** Answers as an honest domain whose people are all there and which knows nothing of what it is told. */
  async honestly({ path, body }: Asked): Promise<Answer> {
    const { domain } = this.certificates;
    const found = (answer: object): Answer => ({ status: 200, body: answer });
    switch (callOf(path)) {
      case 'versions':
        return found({ domain, versions: FEDERATION_VERSIONS });
      case 'keys':
        return found(await this.keys());
      case 'identifierQuery': {
        const { handle } = body as { handle: string };
        return found({ user: `mimi://${domain}/u/${handle}`, name: handle });
      }
      case 'peersQuery':
        return found({ refused: [] });
      case 'notify':
        return found({ seq: (body as { seq: number }).seq });
      case 'consent':
      case 'goneDevices':
        return found({});
      case 'keyMaterial':
        return found({ keyPackages: [] });
      default:
        return { status: 404, body: { code: 'HOME_NOT_FOUND', message: 'none', retry: false } };
    }
  }

  /** Asks a homeserver, signed where the call is. @param parameter of the path */
  say(door: Door, call: FederationCall, parameter: string, body?: object, twist: Twist = {}): Promise<Answer> {
    const path = FEDERATION_PATHS[call].replace(/:[a-z]+$/, encodeURIComponent(parameter));
    const text = twist.text ?? (body && JSON.stringify(body));
    const headers = { ...(isSigned(call) && this.#signed(door, path, text, twist.at)), ...twist.headers };
    return this.#ask(door.domain, door.port, path, text, headers);
  }

  /** A connection to a door of others, for what is no request. */
  async raw({ domain, port }: Door): Promise<TLSSocket> {
    const { certificate, key } = this.certificates.homeserver;
    const socket = connect({
      ...{ host: '127.0.0.1', port, servername: domain, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
      cert: await readFile(certificate),
      key: await readFile(key),
    });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    return socket;
  }

  #signed(door: Door, path: string, text: string | undefined, at = Date.now()) {
    const said = { method: text === undefined ? 'GET' : 'POST', path, digest: digestOf(text ?? '') };
    return signRequest({ ...said, from: this.certificates.domain, to: door.domain }, this.signer, at);
  }

  /** Asks a homeserver. @param port of its federation door */
  ask(
    domain: string,
    port: number,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.#ask(domain, port, path, body && JSON.stringify(body), headers);
  }

  #ask(
    domain: string,
    port: number,
    path: string,
    text: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest({
        ...{ agent: this.#agent, host: '127.0.0.1', port, path, servername: domain },
        method: text === undefined ? 'GET' : 'POST',
        headers: {
          ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      });
      request.on('error', reject);
      request.on('response', async (response) => {
        const answer = Buffer.concat((await response.toArray()) as Buffer[]).toString();
        const { statusCode: status = 0, headers: told } = response;
        resolve({ status, body: answer === '' ? undefined : JSON.parse(answer), headers: told });
      });
      request.end(text);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = (await request.toArray().catch(() => [])) as Buffer[];
    const text = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    this.asked.push(asked);
    const answer = await this.answering(asked, response);
    if (!answer) return;
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Which call a path is of; undefined where it is of none. */
export function callOf(path: string): FederationCall | undefined {
  const [found] =
    Object.entries(FEDERATION_PATHS).find(([, each]) =>
      new RegExp(`^${each.replace(/:[a-z]+$/, '[^/]+')}$`).test(path),
    ) ?? [];
  return found as FederationCall | undefined;
}
