/**
 * A fake of a browser maker's push service, on loopback: takes wake-ups over TLS as the real ones do (RFC 8030), and refuses
 * what is not signed for it (RFC 8292).
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { importJWK, jwtVerify } from 'jose';
import type { TestDomain } from '#trust/testing.ts';
import type { PushNetwork } from '../push-sender.ts';

export interface TakenPush {
  readonly path: string;
  readonly body: string;
  readonly ttl: number;
  readonly urgency: string;
  readonly topic: string;
  /** The key that signed it, base64url, and whom it names as its sender. */
  readonly key: string;
  readonly subject: string;
}

export class FakePushService implements AsyncDisposable {
  readonly name: string;
  readonly taken: TakenPush[] = [];
  /** Why a request was refused as not signed for this service. */
  readonly unsigned: string[] = [];
  /** What it answers to a path; 201 where it says nothing. */
  readonly answers = new Map<string, { readonly status: number; readonly headers?: Record<string, string> }>();
  readonly #server: Server;
  readonly #ca: string;

  private constructor(name: string, server: Server, ca: string) {
    this.name = name;
    this.#server = server;
    this.#ca = ca;
  }

  /** @param authority whose certificate it shows */
  static async listen(authority: TestDomain, name = 'push.example'): Promise<FakePushService> {
    const { certificate, key } = await authority.issue({ names: [name] });
    const server = createServer({ cert: await readFile(certificate), key: await readFile(key) });
    const service = new FakePushService(name, server, await readFile(authority.authority, 'utf8'));
    server.on('request', (request, response) => {
      service.#take(request).then(
        () => {
          const { status, headers = {} } = service.answers.get(request.url ?? '') ?? { status: 201 };
          response.writeHead(status, headers).end();
        },
        (error: unknown) => {
          service.unsigned.push(String(error));
          response.writeHead(403).end();
        },
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get endpoint(): string {
    return `https://${this.name}/wake/`;
  }

  /** For a sender: its name leads here. */
  get network(): PushNetwork {
    return {
      resolve: async (host) => (host === this.name ? [{ address: '127.0.0.1', family: 4 }] : []),
      isPublic: (address) => address === '127.0.0.1',
      port: (this.#server.address() as AddressInfo).port,
      ca: this.#ca,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage): Promise<void> {
    const body = await text(request);
    const [, token = '', key = ''] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(request.headers.authorization ?? '') ?? [];
    const point = Buffer.from(key, 'base64url');
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    const publicKey = await importJWK({ kty: 'EC', crv: 'P-256', ...(x && { x }), ...(y && { y }) }, 'ES256');
    const { payload } = await jwtVerify(token, publicKey, { audience: `https://${this.name}`, maxTokenAge: undefined });
    // RFC 8292, section 2: a day at most.
    if (!payload.exp || payload.exp > Date.now() / 1000 + 24 * 3_600) throw new Error('it does not end within a day');
    if (request.headers.host !== this.name) throw new Error(`for ${request.headers.host}`);
    this.taken.push({
      ...{ path: request.url ?? '', body, key, subject: String(payload.sub) },
      ttl: Number(request.headers.ttl),
      urgency: String(request.headers.urgency),
      topic: String(request.headers.topic),
    });
  }
}
