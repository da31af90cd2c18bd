/** Opens a contract's WebSocket with what browsers and Node both have. */
import type { Contract } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Socket } from '#signalling/rpc.ts';

/** @throws HawserError SIG_UNREACHABLE: a browser does not tell a page why a WebSocket could not be opened */
export type Dial = (url: string, contract: Contract, signal?: AbortSignal) => Promise<Socket>;

const TIMEOUT_MS = 8_000;

export const dialWebSocket: Dial = (url, contract, signal) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, contract.protocol);
    const settle = (error?: HawserError) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.removeEventListener('open', opened);
      socket.removeEventListener('close', failed);
      if (error === undefined) return resolve(socket);
      socket.close();
      reject(error);
    };
    const opened = () => settle();
    const failed = () => settle(new HawserError('SIG_UNREACHABLE'));
    const abort = () => settle(new HawserError('SIG_CLOSED'));
    const timer = setTimeout(() => settle(new HawserError('SIG_TIMEOUT')), TIMEOUT_MS);
    socket.addEventListener('open', opened);
    socket.addEventListener('close', failed);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
  });
