/** HTTP by hand over TCP, because a client of a library sends nothing that is wrong. */
import { connect, type Socket } from 'node:net';
import type { Answer } from './judge.ts';

/** `closed`: without an answer. `silent`: nothing came for as long as anything may take. */
export type Reply = Answer | 'closed' | 'silent';

/** What one input may take, ms, on a machine that does other things too. */
export const LONGEST_MS = 10_000;
/** Where the server may wait for the rest of a request: then it is told that nothing more comes. ms */
const PATIENCE_MS = 40;

export interface Sending {
  /** It may be no request: the connection is not used for another one, and may be closed without an answer. */
  readonly isWhole: boolean;
}

export class Wire {
  readonly #port: number;
  readonly #idle: Socket[] = [];
  readonly #open = new Set<Socket>();

  constructor(port: number) {
    this.#port = port;
  }

  async exchange(bytes: Uint8Array, { isWhole }: Sending): Promise<Reply> {
    const socket = (isWhole && this.#take()) || (await this.#dial());
    return new Promise((resolve) => {
      let heard = Buffer.alloc(0);
      const settle = (reply: Reply, keep: boolean) => {
        clearTimeout(longest);
        clearTimeout(patience);
        socket.removeAllListeners('data').removeAllListeners('close');
        if (keep) this.#idle.push(socket);
        else socket.destroy();
        resolve(reply);
      };
      const longest = setTimeout(() => settle('silent', false), LONGEST_MS);
      const patience = isWhole ? undefined : setTimeout(() => socket.end(), PATIENCE_MS);
      socket.on('data', (data) => {
        heard = Buffer.concat([heard, data]);
        const read = answerIn(heard);
        if (read) settle(read.answer, isWhole && read.isKept);
      });
      socket.once('close', () => settle(answerIn(heard, true)?.answer ?? 'closed', false));
      socket.write(bytes);
    });
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #take(): Socket | undefined {
    for (let socket = this.#idle.pop(); socket; socket = this.#idle.pop()) if (!socket.destroyed) return socket;
    return undefined;
  }

  #dial(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true, allowHalfOpen: true });
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        // The other end may close while this one still writes; `close` follows.
        socket.on('error', () => undefined);
        socket.once('end', () => socket.destroy());
        resolve(socket);
      });
    });
  }
}

/** The first answer of what came, once it is whole. Interim ones are skipped. */
export function answerIn(heard: Buffer, isOver = false): { answer: Answer; isKept: boolean } | undefined {
  const end = heard.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = heard.toString('latin1', 0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  if (status >= 100 && status < 200 && status !== 101) return answerIn(heard.subarray(end + 4), isOver);
  const rest = heard.subarray(end + 4);
  const isKept = !/^connection: close/im.test(head);
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (status === 204 || status === 304 || status === 101) return { answer: { status, body: '' }, isKept };
  if (length !== undefined) {
    if (rest.length < Number(length) && !isOver) return undefined;
    return { answer: { status, body: rest.toString('utf8', 0, Number(length)) }, isKept };
  }
  if (/^transfer-encoding: chunked/im.test(head)) {
    if (!rest.includes('0\r\n\r\n') && !isOver) return undefined;
    return { answer: { status, body: rest.toString('utf8') }, isKept: false };
  }
  return isOver ? { answer: { status, body: rest.toString('utf8') }, isKept: false } : undefined;
}
