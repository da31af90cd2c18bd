/**
 * Typed requests, responses and notifications over one WebSocket, the same code at both ends and on every connection of
 * Hawser. Whatever arrives is bounded before it is parsed (bytes, nesting, rate), parsed by the schema of the contract,
 * and answered with a coded error where it is wrong; a message that breaks the protocol closes the connection.
 */
import { Compile, type Validator } from 'typebox/compile';
import type {
  Contract,
  Note,
  NotificationName,
  Params,
  RequestName,
  Result,
  SentNotification,
  SentRequest,
  Side,
} from './contract.ts';
import { ERRORS, type ErrorCode, HawserError, isErrorCode } from './errors.ts';
import { nestingWithin } from './nesting.ts';

/** What both `ws` and the browser's WebSocket offer, and all that the layer needs. */
export interface Socket {
  readonly bufferedAmount: number;
  readonly readyState: number;
  /** The one that both sides chose in the handshake. */
  readonly protocol: string;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  /** Only `ws` has it: drops the connection without the closing handshake. */
  terminate?(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
}

export interface Limits {
  /** How long a request waits for its answer, ms. */
  readonly requestTimeoutMs: number;
  /** Time between pings, ms. */
  readonly pingMs: number;
  /** Silence of the other side after which the connection is closed, ms. */
  readonly silenceMs: number;
  /** Bytes that may wait in the socket before the other side counts as not reading. */
  readonly maxBufferedBytes: number;
  /** Requests of the other side that may wait for an answer at once. */
  readonly maxPending: number;
  /** Messages a second that the other side may send over a longer time; twice as many in a burst. */
  readonly messagesPerSecond: number;
  /** Deepest nesting of a message. */
  readonly maxDepth: number;
}

export const LIMITS: Limits = {
  requestTimeoutMs: 10_000,
  pingMs: 5_000,
  silenceMs: 15_000,
  maxBufferedBytes: 4 * 1024 * 1024,
  maxPending: 64,
  messagesPerSecond: 200,
  maxDepth: 12,
};

export interface Closing {
  readonly code: ErrorCode | 'normal';
  /** WebSocket close code. */
  readonly close: number;
  readonly detail: string;
}

type Other<S extends Side> = S extends 'dialler' ? 'acceptor' : 'dialler';

export type RequestHandlers<C extends Contract, S extends Side> = {
  readonly [M in SentRequest<C, Other<S>>]: (
    params: Params<C, M & RequestName<C>>,
  ) => Promise<Result<C, M & RequestName<C>>>;
};

export type NotificationHandlers<C extends Contract, S extends Side> = {
  readonly [M in SentNotification<C, Other<S>>]: (params: Note<C, M & NotificationName<C>>) => void;
};

export interface RpcOptions<C extends Contract, S extends Side> {
  readonly contract: C;
  readonly side: S;
  readonly socket: Socket;
  readonly requests: RequestHandlers<C, S>;
  readonly notifications: NotificationHandlers<C, S>;
  readonly limits?: Partial<Limits>;
  /** Called once, however the connection ended. */
  readonly onClose?: (closing: Closing) => void;
  /** An error that has no code: a fault of ours. It is answered with SIG_INTERNAL and its id. */
  readonly onFault?: (error: unknown, id: string) => void;
}

interface Pending {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: HawserError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

interface Parsers {
  readonly params: Validator;
  readonly result: Validator | undefined;
  readonly from: Side | 'both';
}

const OPEN = 1;
const NORMAL = 1000;
const compiled = new WeakMap<Contract, Map<string, Parsers>>();

function parsersOf(contract: Contract): Map<string, Parsers> {
  let parsers = compiled.get(contract);
  if (!parsers) {
    parsers = new Map();
    for (const [name, spec] of Object.entries(contract.requests)) {
      parsers.set(name, { params: Compile(spec.params), result: Compile(spec.result), from: spec.from });
    }
    for (const [name, spec] of Object.entries(contract.notifications)) {
      parsers.set(name, { params: Compile(spec.params), result: undefined, from: spec.from });
    }
    compiled.set(contract, parsers);
  }
  return parsers;
}

/** One end of one connection. */
export class Rpc<C extends Contract, S extends Side> {
  readonly #options: RpcOptions<C, S>;
  readonly #limits: Limits;
  readonly #parsers: Map<string, Parsers>;
  readonly #pending = new Map<number, Pending>();
  readonly #pingTimer: ReturnType<typeof setInterval>;
  #nextId = 1;
  #handling = 0;
  #closing: Closing | undefined;
  #lastHeard = performance.now();
  #tokens: number;
  #tokensAt = performance.now();
  #rttMs: number | undefined;

  constructor(options: RpcOptions<C, S>) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#parsers = parsersOf(options.contract);
    this.#tokens = this.#limits.messagesPerSecond * 2;
    const { socket } = options;
    socket.addEventListener('message', (event) => this.#receive(event.data));
    socket.addEventListener('close', (event) => this.#closed(event.code, event.reason));
    socket.addEventListener('error', () => undefined); // a close event follows each error
    this.#pingTimer = setInterval(() => this.#ping(), this.#limits.pingMs);
  }

  get isOpen(): boolean {
    return this.#closing === undefined && this.#options.socket.readyState === OPEN;
  }

  /** How the connection ended; undefined while it lives. */
  get closing(): Closing | undefined {
    return this.#closing;
  }

  /** Round trip of the newest ping, ms. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** ms since anything came from the other side. */
  get silentForMs(): number {
    return performance.now() - this.#lastHeard;
  }

  /** Rejects with a HawserError: the other side's code, SIG_TIMEOUT, SIG_CLOSED or SIG_SCHEMA. */
  request<M extends SentRequest<C, S> & RequestName<C>>(
    method: M,
    params: Params<C, M>,
    timeoutMs = this.#limits.requestTimeoutMs,
  ): Promise<Result<C, M>> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) {
        reject(new HawserError('SIG_CLOSED', method));
        return;
      }
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new HawserError('SIG_TIMEOUT', method));
      }, timeoutMs);
      this.#pending.set(id, { method, resolve: (result) => resolve(result as Result<C, M>), reject, timer });
      this.#send({ id, method, params });
    });
  }

  /** Does nothing on a closed connection: state is stated again in full on the next one. */
  notify<M extends SentNotification<C, S> & NotificationName<C>>(method: M, params: Note<C, M>): void {
    if (this.isOpen) this.#send({ method, params });
  }

  /** As `notify`, with the parameters as JSON already: what goes to many is written once. */
  notifyJson<M extends SentNotification<C, S> & NotificationName<C>>(method: M, params: string): void {
    if (this.isOpen) this.#sendText(`{"method":"${method}","params":${params}}`);
  }

  /** Ends the connection; the other side is told the code. */
  close(code: ErrorCode | 'normal' = 'normal', detail = ''): void {
    if (this.#closing) return;
    const close = code === 'normal' ? NORMAL : ERRORS[code].close;
    // A close reason holds 123 bytes (RFC 6455, section 5.5).
    const reason = (code === 'normal' ? detail : `${code} ${detail}`.trim()).slice(0, 100);
    this.#finish({ code, close, detail });
    const { socket } = this.#options;
    socket.close(close === 1009 ? 4413 : close, reason);
    // Whoever does not answer the closing handshake shall not hold the socket.
    if (socket.terminate) setTimeout(() => socket.terminate?.(), 1_000).unref?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #finish(closing: Closing): void {
    if (this.#closing) return;
    this.#closing = closing;
    clearInterval(this.#pingTimer);
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(
        closing.code === 'normal'
          ? new HawserError('SIG_CLOSED', pending.method)
          : new HawserError(closing.code, closing.detail || undefined),
      );
    }
    this.#pending.clear();
    this.#options.onClose?.(closing);
  }

  #closed(close: number, reason: string): void {
    const [word = '', ...rest] = reason.split(' ');
    if (isErrorCode(word)) this.#finish({ code: word, close, detail: rest.join(' ') });
    else if (close === NORMAL || close === 1001) this.#finish({ code: 'normal', close, detail: reason });
    else this.#finish({ code: close === 1009 ? 'SIG_TOO_LARGE' : 'SIG_CLOSED', close, detail: reason });
  }

  #send(message: object): void {
    this.#sendText(JSON.stringify(message));
  }

  #sendText(text: string): void {
    const { socket } = this.#options;
    if (socket.readyState !== OPEN) return;
    if (socket.bufferedAmount > this.#limits.maxBufferedBytes) {
      this.close('SIG_BACKPRESSURE');
      return;
    }
    socket.send(text);
  }

  #ping(): void {
    // Where this process was kept from the processor, what the other side said meanwhile is read before it is judged.
    if (this.#isSilent) setTimeout(() => this.#isSilent && this.close('SIG_TIMEOUT', 'silent'));
    else this.#send({ ping: Math.round(performance.now() * 1000) });
  }

  get #isSilent(): boolean {
    return this.silentForMs > this.#limits.silenceMs;
  }

  /** A token bucket: true while the other side keeps to its rate. */
  #withinRate(now: number): boolean {
    const rate = this.#limits.messagesPerSecond;
    this.#tokens = Math.min(rate * 2, this.#tokens + ((now - this.#tokensAt) / 1000) * rate);
    this.#tokensAt = now;
    this.#tokens -= 1;
    return this.#tokens >= 0;
  }

  #receive(data: unknown): void {
    if (this.#closing) return;
    const now = performance.now();
    this.#lastHeard = now;
    if (!this.#withinRate(now)) return this.close('SIG_FLOOD');
    if (typeof data !== 'string') return this.close('SIG_MALFORMED', 'binary');
    if (data.length > this.#options.contract.maxLength[other(this.#options.side)]) return this.close('SIG_TOO_LARGE');
    if (!nestingWithin(data, this.#limits.maxDepth)) return this.close('SIG_TOO_DEEP');
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      return this.close('SIG_MALFORMED', 'not JSON');
    }
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      return this.close('SIG_MALFORMED', 'not an object');
    }
    this.#dispatch(message as Record<string, unknown>);
  }

  #dispatch(message: Record<string, unknown>): void {
    const members = Object.keys(message).length;
    const { id, method, ping, pong } = message;
    if (members === 1 && isCount(ping)) return this.#send({ pong: ping });
    if (members === 1 && isCount(pong)) {
      this.#rttMs = Math.max(0, performance.now() - pong / 1000);
      return;
    }
    if (members === 3 && isCount(id) && typeof method === 'string' && 'params' in message) {
      return this.#request(id, method, message.params);
    }
    if (members === 2 && typeof method === 'string' && 'params' in message) {
      return this.#notification(method, message.params);
    }
    if (members === 2 && isCount(id) && ('result' in message || 'error' in message)) {
      return this.#response(id, message);
    }
    this.close('SIG_MALFORMED', 'unknown form');
  }

  /** The parsers of a method that the other side may call, or undefined after closing. */
  #accept(method: string, isRequest: boolean, params: unknown): boolean {
    const parsers = this.#parsers.get(method);
    if (!parsers || (parsers.result !== undefined) !== isRequest || parsers.from === this.#options.side) {
      this.close('SIG_UNKNOWN_METHOD', method.slice(0, 40));
      return false;
    }
    if (!parsers.params.Check(params)) {
      this.close('SIG_SCHEMA', `${method}${pathOfFirstError(parsers.params, params)}`);
      return false;
    }
    return true;
  }

  #notification(method: string, params: unknown): void {
    if (!this.#accept(method, false, params)) return;
    const handlers = this.#options.notifications as Record<string, ((params: unknown) => void) | undefined>;
    try {
      handlers[method]?.(params);
    } catch (error) {
      if (error instanceof HawserError) this.close(error.code, error.detail);
      else this.close('SIG_INTERNAL', this.#fault(error));
    }
  }

  #request(id: number, method: string, params: unknown): void {
    if (!this.#accept(method, true, params)) return;
    if (this.#handling >= this.#limits.maxPending) {
      this.#send({ id, error: { code: 'SIG_BUSY' } });
      return;
    }
    const handlers = this.#options.requests as Record<string, ((params: unknown) => Promise<unknown>) | undefined>;
    const handler = handlers[method];
    if (!handler) return this.close('SIG_UNKNOWN_METHOD', method);
    this.#handling += 1;
    let answer: Promise<unknown>;
    try {
      answer = handler(params);
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer
      .then(
        (result) => this.#send({ id, result }),
        (error: unknown) => {
          if (error instanceof HawserError) this.#send({ id, error: { code: error.code, detail: error.detail } });
          else this.#send({ id, error: { code: 'SIG_INTERNAL', detail: this.#fault(error) } });
        },
      )
      .finally(() => {
        this.#handling -= 1;
      });
  }

  #response(id: number, message: Record<string, unknown>): void {
    const pending = this.#pending.get(id);
    if (!pending) return; // the answer to a request that timed out
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if ('error' in message) {
      const error = message.error as { code?: unknown; detail?: unknown } | null;
      const code = typeof error?.code === 'string' && isErrorCode(error.code) ? error.code : 'SIG_INTERNAL';
      const detail = typeof error?.detail === 'string' ? error.detail.slice(0, 500) : undefined;
      pending.reject(new HawserError(code, detail));
      return;
    }
    const parser = this.#parsers.get(pending.method)?.result;
    if (!parser?.Check(message.result)) {
      pending.reject(new HawserError('SIG_SCHEMA', pending.method));
      this.close('SIG_SCHEMA', pending.method);
      return;
    }
    pending.resolve(message.result);
  }

  #fault(error: unknown): string {
    const id = Math.random().toString(36).slice(2, 10);
    this.#options.onFault?.(error, id);
    return id;
  }
}

function other(side: Side): Side {
  return side === 'dialler' ? 'acceptor' : 'dialler';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function pathOfFirstError(parser: Validator, value: unknown): string {
  const first = parser.Errors(value)[0] as { instancePath?: string } | undefined;
  return first?.instancePath?.slice(0, 60) ?? '';
}
