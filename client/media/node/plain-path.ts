/**
 * A path of plain RTP over UDP, without ICE, DTLS and SRTP: for load tests against an SFT on the same machine that was
 * configured to take it. Nobody else offers it.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { HawserError } from '#signalling/errors.ts';
import type { DtlsParameters, TransportOffer } from '#signalling/webrtc.ts';
import type { MediaPath, PathEvents } from './path.ts';
import { writeReceiverReport } from './rtcp.ts';
import { isMedia, isRtcp, parseHeader } from './rtp.ts';

/** The contract wants a fingerprint; there is nothing that it could be of. */
const NO_DTLS: DtlsParameters = { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: '00' }] };
const HELLO_MS = 50;

export class PlainPath implements MediaPath {
  readonly dtlsParameters = NO_DTLS;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #ip: string;
  readonly #events: PathEvents;
  #hello: ReturnType<typeof setInterval> | undefined;
  #closed = false;
  bytesSent = 0;
  bytesReceived = 0;
  packetsSent = 0;
  packetsReceived = 0;

  private constructor(socket: Socket, ip: string, port: number, events: PathEvents) {
    this.#socket = socket;
    this.#ip = ip;
    this.#port = port;
    this.#events = events;
    socket.on('message', (packet) => this.#receive(packet));
    socket.on('error', () => this.#closed || events.onLost());
  }

  /** @throws HawserError SFT_MEDIA_REFUSED where the SFT is not on this machine */
  static async open(offer: TransportOffer, events: PathEvents): Promise<PlainPath> {
    const [candidate] = offer.iceCandidates;
    if (!candidate?.ip.startsWith('127.')) throw new HawserError('SFT_MEDIA_REFUSED', 'plain RTP stays on loopback');
    const socket = createSocket('udp4');
    socket.bind(0, candidate.ip);
    await once(socket, 'listening');
    return new PlainPath(socket, candidate.ip, candidate.port, events);
  }

  get isConnected(): boolean {
    return !this.#closed;
  }

  /** The SFT learns where this end is from the first packet, so that one is sent until something comes back. */
  async connect(): Promise<void> {
    const hello = () => this.sendRtcp(writeReceiverReport(1, []));
    hello();
    this.#hello = setInterval(hello, HELLO_MS);
  }

  sendRtp(header: Buffer, payload: Buffer): void {
    this.#send(Buffer.concat([header, payload]));
  }

  sendRtcp(packet: Buffer): void {
    this.#send(packet);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#hello);
    this.#socket.close();
  }

  #send(packet: Buffer): void {
    if (this.#closed) return;
    this.bytesSent += packet.length;
    this.packetsSent += 1;
    this.#socket.send(packet, this.#port, this.#ip);
  }

  #receive(packet: Buffer): void {
    if (this.#closed || !isMedia(packet)) return;
    clearInterval(this.#hello);
    this.bytesReceived += packet.length;
    this.packetsReceived += 1;
    if (isRtcp(packet)) return this.#events.onRtcp(packet);
    const header = parseHeader(packet);
    if (!header) return;
    const payload = packet.subarray(header.length);
    const padding = header.hasPadding ? (payload.at(-1) ?? 0) : 0;
    this.#events.onRtp(header, payload.subarray(0, Math.max(0, payload.length - padding)));
  }
}
