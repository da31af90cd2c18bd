/**
 * One client of an XMPP server (RFC 6120, 6121), for a comparison on the same machine: it registers (XEP-0077), writes to one person
 * or to a room (XEP-0045), and counts. That the server has a message it learns by stream management (XEP-0198). What comes is
 * counted and not parsed: only servers that were started for this are at the other end.
 */
import { connect, type Socket } from 'node:net';

export interface XmppServer {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
}

const STREAM = 'http://etherx.jabber.org/streams';
const MANAGEMENT = 'urn:xmpp:sm:3';
/** A room of 500 that all leave at once keeps a server busy for a minute, with telling each of each. */
const ANSWER_MS = 180_000;
/** The longest of what is looked for may be cut in two by the network. */
const TAIL = 80;

export class XmppDevice {
  readonly name: string;
  readonly #server: XmppServer;
  #socket: Socket | undefined;
  #tail = '';
  /** Stanzas sent and received since stream management was switched on. */
  #sent = 0;
  #got = 0;
  #waiting: { readonly number: number; readonly resolve: () => void }[] = [];
  #expecting: { readonly text: RegExp; readonly resolve: () => void } | undefined;
  /** Messages with a text that came. */
  received = 0;

  constructor(server: XmppServer, name: string) {
    this.#server = server;
    this.name = name;
  }

  get address(): string {
    return `${this.name}@${this.#server.domain}`;
  }

  get isConnected(): boolean {
    return this.#socket?.readyState === 'open';
  }

  /** An account, a session and its presence. @param isNew whether the account has to be made */
  async connect(isNew: boolean): Promise<void> {
    const { host, port } = this.#server;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#hear(text));
    socket.on('error', () => undefined);
    await this.#ask(this.#opening(), /<\/stream:features>/);
    if (isNew) {
      const query = `<query xmlns='jabber:iq:register'><username>${this.name}</username><password>bench</password></query>`;
      await this.#ask(`<iq type='set' id='account'>${query}</iq>`, /<iq [^>]*id='account'/);
    }
    const secret = Buffer.from(`\0${this.name}\0bench`).toString('base64');
    await this.#ask(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`, /<success /);
    await this.#ask(this.#opening(), /<\/stream:features>/);
    const bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
    await this.#ask(`<iq type='set' id='bind'>${bind}</iq>`, /<iq [^>]*id='bind'/);
    await this.#ask(`<enable xmlns='${MANAGEMENT}'/>`, /<enabled /);
    this.#got = 0;
    await this.#send('<presence/>');
  }

  /** Resolves when the server has it. @param to an address, or a room's @param type of RFC 6121, section 5.2.2 */
  write(to: string, type: 'chat' | 'groupchat', text: string): Promise<void> {
    return this.#send(`<message to='${to}' type='${type}'><body>${text}</body></message>`);
  }

  /** Goes into a room, and opens it where it is new. */
  async enter(room: string, isNew: boolean): Promise<void> {
    const hello = `<presence to='${room}/${this.name}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`;
    this.#sent += 1;
    await this.#ask(hello, /<status code='110'\/>/);
    if (!isNew) return;
    const form = "<x xmlns='jabber:x:data' type='submit'/>";
    const query = `<query xmlns='http://jabber.org/protocol/muc#owner'>${form}</query>`;
    this.#sent += 1;
    await this.#ask(`<iq type='set' id='room' to='${room}'>${query}</iq>`, /<iq [^>]*id='room'/);
  }

  /** Says so, because a session that only vanishes is kept for when it comes back. */
  close(): void {
    this.#socket?.end('</stream:stream>');
  }

  #opening(): string {
    return `<stream:stream xmlns='jabber:client' xmlns:stream='${STREAM}' to='${this.#server.domain}' version='1.0'>`;
  }

  #send(stanza: string): Promise<void> {
    const number = ++this.#sent;
    return new Promise((resolve) => {
      this.#waiting.push({ number, resolve });
      this.#socket?.write(`${stanza}<r xmlns='${MANAGEMENT}'/>`);
    });
  }

  #ask(text: string, answer: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer ${answer} to ${this.name}`)), ANSWER_MS);
      this.#expecting = {
        text: answer,
        resolve: () => {
          clearTimeout(timer);
          this.#expecting = undefined;
          resolve();
        },
      };
      this.#socket?.write(text);
    });
  }

  #hear(chunk: string): void {
    const known = this.#tail.length;
    const text = this.#tail + chunk;
    // Whatever ends in the part that is known was counted with it.
    const fresh = (pattern: RegExp) =>
      [...text.matchAll(pattern)].filter((match) => match.index + match[0].length > known);
    this.received += fresh(/<body>/g).length;
    this.#got += fresh(/<(?:message|presence|iq) /g).length;
    const handled = fresh(/<a [^>]*h='(\d+)'[^>]*>/g).at(-1)?.[1];
    if (handled !== undefined) this.#acknowledged(Number(handled));
    if (fresh(/<r [^>]*>/g).length > 0) this.#socket?.write(`<a xmlns='${MANAGEMENT}' h='${this.#got}'/>`);
    if (this.#expecting && fresh(new RegExp(this.#expecting.text, 'g')).length > 0) this.#expecting.resolve();
    this.#tail = text.slice(-TAIL);
  }

  #acknowledged(handled: number): void {
    const done = this.#waiting.filter(({ number }) => number <= handled);
    this.#waiting = this.#waiting.filter(({ number }) => number > handled);
    for (const { resolve } of done) resolve();
  }
}
