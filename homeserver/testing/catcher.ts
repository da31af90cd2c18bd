/**
 * Takes every e-mail and delivers none: a mail server for the demo and for tests. It knows as much of SMTP (RFC 5321) as a
 * client needs to get rid of a message, with TLS where it has a certificate, and can be told to refuse.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';

export interface CaughtMail {
  /** ms since 1970 */
  readonly at: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** As it came, headers and all. */
  readonly raw: string;
}

/** PEM. */
export interface CatcherTls {
  readonly cert: string;
  readonly key: string;
  /** TLS from the first byte; begun with STARTTLS when left out. */
  readonly isImplicit?: boolean;
}

/**
 * `451 later` or `550 unknown`: the answer to a command, in place of the usual one; undefined for the usual one. Asked with
 * the command's name, AUTH with all of its line, and with CONNECT and MESSAGE for what has no name; and whether it came by TLS.
 */
export type Refusal = (command: string, isSecure: boolean) => string | undefined;

const MAX_KEPT = 200;
const MAX_BYTES = 256 * 1024;

export class Catcher {
  readonly mails: CaughtMail[] = [];
  /** What the next commands are answered with. */
  refuse: Refusal = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();

  private constructor(tls: CatcherTls | undefined) {
    this.#server = tls?.isImplicit
      ? createTlsServer(tls, (socket) => this.#serve(socket, undefined))
      : createServer((socket) => this.#serve(socket, tls));
  }

  /** @param port of loopback; any free one when left out */
  static async listen(port = 0, tls?: CatcherTls): Promise<Catcher> {
    const catcher = new Catcher(tls);
    await new Promise<void>((resolve, reject) => {
      catcher.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return catcher;
  }

  /** `smtp://127.0.0.1:2525` */
  get url(): string {
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The newest e-mail to an address once there are `count` of them. Rejects after ten seconds. */
  async mailTo(address: string, count = 1): Promise<CaughtMail> {
    const end = performance.now() + 10_000;
    for (;;) {
      const found = this.mails.filter(({ to }) => to.includes(address));
      const newest = found.at(-1);
      if (newest && found.length >= count) return newest;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`no e-mail ${count} to ${address}`);
      await this.#next(left);
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  #keep(mail: CaughtMail): void {
    this.mails.push(mail);
    if (this.mails.length > MAX_KEPT) this.mails.shift();
    for (const done of [...this.#waiting]) done();
  }

  #serve(socket: Socket, tls: CatcherTls | undefined): void {
    let current = socket;
    const hear = (connection: Socket) => {
      this.#sockets.add(connection);
      connection.once('close', () => this.#sockets.delete(connection));
      connection.on('error', () => connection.destroy());
      connection.setEncoding('latin1'); // bytes as they are; the text is decoded when it is whole
      connection.on('data', (data) => session.hear(String(data)));
    };
    const session = new Session({
      say: (line) => current.write(`${line}\r\n`),
      refuse: (command) => this.refuse(command, current instanceof TLSSocket),
      keep: (mail) => this.#keep(mail),
      end: () => current.end(),
      ...(tls && {
        startTls: () => {
          socket.removeAllListeners('data');
          current = new TLSSocket(socket, { isServer: true, cert: tls.cert, key: tls.key });
          hear(current);
        },
      }),
    });
    hear(socket);
    session.greet();
  }
}

interface SessionOptions {
  readonly say: (line: string) => void;
  readonly refuse: (command: string) => string | undefined;
  readonly keep: (mail: CaughtMail) => void;
  readonly end: () => void;
  /** The rest of the connection is TLS. Absent where there is none to begin. */
  readonly startTls?: () => void;
}

/** One connection: commands until DATA, then lines until a single dot. */
class Session {
  readonly #say: (line: string) => void;
  readonly #refuse: (command: string) => string | undefined;
  readonly #keep: (mail: CaughtMail) => void;
  readonly #end: () => void;
  #startTls: (() => void) | undefined;
  #buffer = '';
  #from = '';
  #to: string[] = [];
  #data: string[] | undefined;
  #bytes = 0;

  constructor({ say, refuse, keep, end, startTls }: SessionOptions) {
    this.#say = say;
    this.#refuse = refuse;
    this.#keep = keep;
    this.#end = end;
    this.#startTls = startTls;
  }

  greet(): void {
    this.#say(this.#refuse('CONNECT') ?? '220 catcher ESMTP');
  }

  hear(data: string): void {
    this.#buffer += data;
    this.#bytes += data.length;
    if (this.#bytes > MAX_BYTES) return this.#end();
    for (;;) {
      const at = this.#buffer.indexOf('\r\n');
      if (at === -1) return;
      const line = this.#buffer.slice(0, at);
      this.#buffer = this.#buffer.slice(at + 2);
      if (this.#data) this.#line(line, this.#data);
      else this.#command(line);
    }
  }

  #line(line: string, data: string[]): void {
    if (line !== '.') {
      // A line that began with a dot has one more on the way (RFC 5321, section 4.5.2).
      data.push(line.startsWith('.') ? line.slice(1) : line);
      return;
    }
    this.#data = undefined;
    this.#bytes = 0;
    const refused = this.#refuse('MESSAGE');
    if (!refused)
      this.#keep({
        at: Date.now(),
        from: this.#from,
        to: this.#to,
        ...parsed(data.map((each) => `${each}\r\n`).join('')),
      });
    this.#say(refused ?? '250 caught');
  }

  #command(line: string): void {
    const verb = line.slice(0, 4).toUpperCase();
    const refused = this.#refuse(verb === 'AUTH' ? line : verb);
    if (refused) return this.#say(refused);
    switch (verb) {
      case 'EHLO':
      case 'HELO':
      case 'RSET':
        this.#from = '';
        this.#to = [];
        if (verb === 'EHLO' && this.#startTls) return this.#say('250-catcher\r\n250 STARTTLS');
        return this.#say(verb === 'RSET' ? '250 ok' : '250 catcher');
      case 'STAR': {
        const startTls = this.#startTls;
        if (!startTls) return this.#say('502 unknown command');
        this.#startTls = undefined;
        // What came in clear is of no account any more (RFC 3207, section 4.2).
        this.#buffer = '';
        this.#say('220 go ahead');
        return startTls();
      }
      case 'MAIL':
        this.#from = pathIn(line);
        this.#to = [];
        return this.#say('250 ok');
      case 'RCPT':
        this.#to.push(pathIn(line));
        return this.#say('250 ok');
      case 'DATA':
        this.#data = [];
        return this.#say('354 until a single dot');
      case 'NOOP':
        return this.#say('250 ok');
      case 'QUIT':
        this.#say('221 bye');
        return this.#end();
      default:
        return this.#say('502 unknown command');
    }
  }
}

function pathIn(line: string): string {
  return /<([^<>]*)>/.exec(line)?.[1] ?? '';
}

/** Of a message with one part. */
function parsed(raw: string): Pick<CaughtMail, 'subject' | 'text' | 'raw'> {
  const end = raw.indexOf('\r\n\r\n');
  const head = (end === -1 ? raw : raw.slice(0, end)).replaceAll(/\r\n[ \t]+/g, ' ');
  const body = end === -1 ? '' : raw.slice(end + 4);
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
  const encoding = header('content-transfer-encoding').toLowerCase();
  const bytes =
    encoding === 'quoted-printable' ? unquoted(body) : Buffer.from(body, encoding === 'base64' ? 'base64' : 'latin1');
  return { subject: header('subject'), text: bytes.toString('utf8').replaceAll('\r\n', '\n'), raw };
}

/** RFC 2045, section 6.7. */
function unquoted(text: string): Buffer {
  const joined = text.replaceAll(/=\r\n/g, '');
  return Buffer.from(
    joined.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}
