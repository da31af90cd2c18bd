/** One check of ICE (RFC 8445, section 7.1) at a media port of the SFT: whether it answers, by UDP, TCP or a relay. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { errnoOf } from '#sft/probe/errno.ts';
import { deadline } from '#signalling/deadline.ts';
import type { TransportOffer } from '#signalling/webrtc.ts';
import { type Attribute, decodeStun, type Endpoint, encodeStun, isSignedWith } from '#turn-config/stun.ts';
import type { TurnClient } from '#turn-config/turn-client.ts';
import { outcomeOf, type TcpOutcome } from './tcp.ts';

const TIMEOUT_MS = 3_000;
const AGAIN_MS = 300;
/** Of a peer-reflexive candidate, of which an ICE-lite side needs no more than that there is one. */
const PRIORITY = 0x6eff_ffff;

export class IceCheck {
  readonly request: Buffer;
  readonly #transaction = randomBytes(12);
  readonly #key: Buffer;

  constructor({ iceParameters: { usernameFragment, password } }: Pick<TransportOffer, 'iceParameters'>) {
    this.#key = Buffer.from(password);
    const priority = Buffer.alloc(4);
    priority.writeUInt32BE(PRIORITY);
    const attributes = new Map<Attribute, Buffer>([
      ['username', Buffer.from(`${usernameFragment}:doctor`)],
      ['iceControlling', randomBytes(8)],
      ['useCandidate', Buffer.alloc(0)],
      ['priority', priority],
    ]);
    const message = { method: 'binding', class: 'request', transaction: this.#transaction, attributes } as const;
    this.request = encodeStun(message, this.#key);
  }

  isAnswer(bytes: Buffer): boolean {
    const message = decodeStun(bytes);
    return (
      message?.class === 'success' && message.transaction.equals(this.#transaction) && isSignedWith(bytes, this.#key)
    );
  }
}

/** @returns ms until the answer; undefined where none came */
export function checkByUdp(check: IceCheck, { ip, port }: Endpoint, now: () => number): Promise<number | undefined> {
  const begin = now();
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4');
    const send = () => socket.send(check.request, port, ip, () => undefined);
    const again = setInterval(send, AGAIN_MS);
    const end = (ms: number | undefined) => {
      clearInterval(again);
      callOff();
      socket.close();
      resolve(ms);
    };
    const callOff = deadline(TIMEOUT_MS, () => end(undefined));
    socket.on('error', () => undefined);
    socket.on('message', (bytes) => check.isAnswer(bytes) && end(Math.round(now() - begin)));
    send();
  });
}

export type TcpCheck = TcpOutcome | { readonly is: 'mute' };

/** With two bytes of length in front of each message (RFC 4571). `mute`: connected, and no answer. */
export function checkByTcp(check: IceCheck, { ip, port }: Endpoint, now: () => number): Promise<TcpCheck> {
  const begin = now();
  return new Promise((resolve) => {
    let isOpen = false;
    const socket = connect({ host: ip, port });
    const end = (outcome: TcpCheck) => {
      callOff();
      socket.destroy();
      resolve(outcome);
    };
    const callOff = deadline(TIMEOUT_MS, () => end({ is: isOpen ? 'mute' : 'silent' }));
    socket.once('connect', () => {
      isOpen = true;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(check.request.length);
      socket.write(Buffer.concat([length, check.request]));
    });
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE()) {
        const length = rest.readUInt16BE();
        if (check.isAnswer(rest.subarray(2, 2 + length))) end({ is: 'open', ms: Math.round(now() - begin) });
        rest = rest.subarray(2 + length);
      }
    });
    socket.once('error', (error) => end(isOpen ? { is: 'mute' } : outcomeOf(errnoOf(error))));
    socket.once('close', () => end({ is: isOpen ? 'mute' : 'silent' }));
  });
}

/** Through a relay that has been given. @returns ms until the answer; undefined where none came */
export function checkByRelay(
  check: IceCheck,
  relay: TurnClient,
  peer: Endpoint,
  now: () => number,
): Promise<number | undefined> {
  const begin = now();
  return new Promise((resolve) => {
    const send = () => relay.send(peer, check.request);
    const again = setInterval(send, AGAIN_MS);
    const end = (ms: number | undefined) => {
      clearInterval(again);
      callOff();
      resolve(ms);
    };
    const callOff = deadline(TIMEOUT_MS, () => end(undefined));
    relay.onData = (bytes) => {
      if (check.isAnswer(bytes)) end(Math.round(now() - begin));
    };
    send();
  });
}
