/** The demo's letter box: takes the e-mail of both organisations, delivers none, and shows it over HTTP on loopback. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Catcher } from '#homeserver/testing/catcher.ts';
import { Problem } from '../errors.ts';
import { MAIL_PAGE_HEADERS, mailPage } from './mail-page.ts';

const HOST = '127.0.0.1';

/** A page of somebody else can send requests to loopback, under a name of its own that leads there. */
const OWN_HOST = /^(localhost|127\.0\.0\.1)(:\d+)?$/;

export class Mailbox {
  readonly #catcher: Catcher;
  readonly #server: Server;
  readonly #port: number;

  private constructor(catcher: Catcher, port: number) {
    this.#catcher = catcher;
    this.#port = port;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** @param port of loopback for the list. @throws Problem where it is taken */
  static async open(port: number): Promise<Mailbox> {
    const mailbox = new Mailbox(await Catcher.listen(), port);
    const opened = new Promise<void>((resolve, reject) => {
      mailbox.#server.once('error', reject).listen(port, HOST, resolve);
    });
    await opened.catch(async (error: NodeJS.ErrnoException) => {
      await mailbox.#catcher.close();
      throw new Problem(
        `The letter box of the demo cannot have port ${port} (${error.code}). Free it, and start again.`,
      );
    });
    return mailbox;
  }

  /** For `homeserver.mail.url`. */
  get smtp(): string {
    return this.#catcher.url;
  }

  /** The newest e-mails as JSON, the newest first; `?to=` names one address. */
  get url(): string {
    return `http://${HOST}:${this.#port}/mails`;
  }

  /** The same for people. */
  get page(): string {
    return `http://${HOST}:${this.#port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#catcher.close();
  }

  #answer({ method, url = '/', headers }: IncomingMessage, response: ServerResponse): void {
    const send = (status: number, body: object) =>
      response
        .writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
        .end(JSON.stringify(body));
    const { pathname, searchParams } = new URL(url, `http://${HOST}`);
    if (!OWN_HOST.test(headers.host ?? '')) return void send(403, { message: 'Ask for 127.0.0.1.' });
    const isPage = pathname === '/';
    if (method !== 'GET' || !(isPage || pathname === '/mails')) {
      return void send(404, { message: 'GET /mails lists the e-mails.' });
    }
    if (isPage) return void response.writeHead(200, MAIL_PAGE_HEADERS).end(mailPage(this.#catcher.mails.toReversed()));
    const to = searchParams.get('to');
    const mails = this.#catcher.mails.filter((mail) => to === null || mail.to.includes(to));
    send(200, { mails: mails.map(({ raw: _raw, ...mail }) => mail).toReversed() });
  }
}
