/**
 * The deliveries of one connection, counted without being parsed: at 60,000 a second the one who reads them all properly would be
 * measured, and not the server. Everything else on the connection goes through to the protocol's own code.
 */
import type { Socket } from '#signalling/rpc.ts';

const DELIVERY = '{"method":"delivery"';
const POSITION = '"position":';

export interface Delivered {
  readonly entries: number;
  /** Of the newest. */
  readonly position: number;
}

/** The same socket without its deliveries, which go to `onDelivery`. */
export function withoutDeliveries(socket: Socket, onDelivery: (delivered: Delivered, text: string) => void): Socket {
  const addEventListener = (type: string, listener: (event: never) => void): void => {
    if (type !== 'message') return (socket.addEventListener as typeof addEventListener)(type, listener);
    socket.addEventListener('message', (event) => {
      const { data } = event;
      if (typeof data === 'string' && data.startsWith(DELIVERY)) onDelivery(countIn(data), data);
      else listener(event as never);
    });
  };
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    get readyState() {
      return socket.readyState;
    },
    protocol: socket.protocol,
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate?.(),
    addEventListener: addEventListener as Socket['addEventListener'],
  };
}

/** base64url holds no quotation marks, so that a payload cannot look like an entry. */
export function countIn(delivery: string): Delivered {
  let [entries, last] = [0, 0];
  for (let at = delivery.indexOf(POSITION); at !== -1; at = delivery.indexOf(POSITION, at + POSITION.length)) {
    entries += 1;
    last = at;
  }
  return {
    entries,
    position: Number.parseInt(delivery.slice(last + POSITION.length, last + POSITION.length + 16), 10),
  };
}
