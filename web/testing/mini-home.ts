/**
 * The neighbour that the page's test talks to: serves the built page under the content security policy of the homeserver,
 * knows one conversation in which nothing is said, makes the browser a device, and lets into the calls of one SFT.
 */

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { MiniSft } from '#client/testing/mini-sft.ts';
import {
  API,
  type Call,
  CLIENT_HOME,
  type Conversation,
  EVENTS_PATH,
  type HomeEvent,
} from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, DomainName, UserId } from '#signalling/ids.ts';
import { Rpc } from '#signalling/rpc.ts';
import { acceptSockets } from '#signalling/websocket.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const TOKEN = 'token-of-the-test-0123456789';
const DOMAIN = 'alpha.example' as DomainName;
export const PASSWORD = 'correct horse';
const ROOM = 'mimi://alpha.example/r/0123456789abcdef' as ConversationId;

const userOf = (handle: string, domain: DomainName = DOMAIN) => ({
  user: `mimi://${domain}/u/${handle}` as UserId,
  domain,
  name: handle[0]?.toUpperCase() + handle.slice(1),
});

export class MiniHome {
  readonly #folder: string;
  readonly #sft: MiniSft;
  readonly #server: Server;
  readonly #acceptor: ReturnType<typeof acceptSockets>;
  readonly #listeners = new Set<Rpc<typeof CLIENT_HOME, 'acceptor'>>();
  #call: Call | undefined;
  #seq = 0;

  private constructor(folder: string, sft: MiniSft, server: Server) {
    this.#folder = folder;
    this.#sft = sft;
    this.#server = server;
    this.#acceptor = acceptSockets({
      server,
      path: EVENTS_PATH,
      contract: CLIENT_HOME,
      maxConnections: 10,
      onSocket: (socket) => {
        const rpc = new Rpc({
          contract: CLIENT_HOME,
          side: 'acceptor',
          socket,
          notifications: { acknowledge: () => undefined },
          requests: {
            hello: async () => ({ user: { ...userOf('alice'), handle: 'alice' } }),
            receive: async () => ({ queue: 'empty' }),
            send: () => Promise.reject(new HawserError('HOME_NO_DEVICE')),
          },
          onClose: () => this.#listeners.delete(rpc),
        });
        this.#listeners.add(rpc);
      },
    });
  }

  static async start(folder: string, sft: MiniSft): Promise<MiniHome> {
    const server = createServer((request, response) => {
      home.#answer(request, response).catch(() => response.writeHead(500).end());
    });
    const home = new MiniHome(folder, sft, server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return home;
  }

  /** A secure context, as every name below `localhost` is. */
  get url(): string {
    return `http://alpha.localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Somebody else has started a call in the conversation. */
  ring(): void {
    this.#call ??= this.#sft.ticket('bob', 'beta.example' as DomainName).call;
    this.#tell({ type: 'ringing', conversation: ROOM, call: structuredClone(this.#call) });
  }

  close(): void {
    this.#acceptor.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get #conversation(): Conversation {
    return {
      conversation: ROOM,
      hub: DOMAIN,
      title: 'Harbour',
      members: [
        { ...userOf('alice'), role: 'admin' },
        { ...userOf('bob', 'beta.example' as DomainName), role: 'member' },
      ],
      ...(this.#call && { call: this.#call }),
    };
  }

  #tell(event: HomeEvent): void {
    this.#seq += 1;
    for (const rpc of this.#listeners) rpc.notify('event', { seq: this.#seq, event });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (!path.startsWith(API)) return this.#file(path, response);
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const refuse = (status: number, code: string) => json(status, { code, message: code, retry: false });
    const route = `${request.method} ${path.slice(API.length + 1).replace(/mimi[^/]*/, ':id')}`;
    const body = await textOf(request);
    if (route === 'POST sessions') {
      const { handle, password } = JSON.parse(body) as { handle: string; password: string };
      if (password !== PASSWORD) return void refuse(401, 'HOME_WRONG_CREDENTIALS');
      const user = { ...userOf(handle), handle };
      return void json(200, { accessToken: TOKEN, expiresInSeconds: 600, user });
    }
    if (route === 'GET registration') {
      return void json(200, { mode: 'closed', emailDomains: [], passwordReset: false });
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void refuse(401, 'HOME_UNAUTHENTICATED');
    if (path === `${API}/devices`) {
      if (request.method === 'GET') return void json(200, { devices: [] });
      const notBefore = Date.now();
      return void json(201, {
        device: `${userOf('alice').user}/d/browser`,
        certificates: ['AAAA', 'AAAA'],
        notBefore,
        notAfter: notBefore + 90 * 86_400_000,
      });
    }
    if (path === `${API}/devices/current/key-packages`) return void json(200, { left: 100 });
    if (route === 'GET organisations') return void json(200, { organisations: [] });
    if (route === 'GET connections') return void json(200, { connections: [] });
    if (route === 'GET push') return void json(200, {});
    if (route === 'GET conversations') return void json(200, { conversations: [this.#conversation] });
    if (route === 'POST conversations/:id/call' || route === 'POST conversations/:id/call/tickets') {
      const ticket = this.#sft.ticket('alice');
      this.#call = ticket.call;
      return void json(200, ticket);
    }
    refuse(404, 'HOME_NOT_FOUND');
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const file = path === '/' ? 'index.html' : normalize(path).slice(1);
    const content = await readFile(join(this.#folder, file)).catch(() => undefined);
    if (!content) return void response.writeHead(404).end();
    const sft = new URL(this.#sft.url);
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' blob: data:",
      "media-src 'self' blob:",
      `connect-src 'self' ${this.url.replace('http', 'ws')} ${sft.protocol}//${sft.host}`,
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ];
    const headers = {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': policy.join('; '),
    };
    response.writeHead(200, headers).end(content);
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
