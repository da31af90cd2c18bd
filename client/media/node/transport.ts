/**
 * One path to the SFT: ICE and DTLS by werift, SRTP by our own file. werift's classes are used below its peer connection, so
 * there is no SDP anywhere.
 */
import {
  CandidatePairState,
  Connection,
  candidateFromSdp,
  type IceCandidate,
  RTCDtlsTransport,
  RTCIceGatherer,
  RTCIceTransport,
} from 'werift';
import { HawserError } from '#signalling/errors.ts';
import type { DtlsParameters, TransportOffer } from '#signalling/webrtc.ts';
import type { MediaPath, PathEvents } from './path.ts';
import { isMedia, isRtcp, parseHeader } from './rtp.ts';
import { AEAD_AES_128_GCM, deriveKeys, KEY_LENGTH, SALT_LENGTH, SrtpReceiver, SrtpSender } from './srtp.ts';

/** How long a path may take to come about, ms. */
const CONNECT_MS = 10_000;
/** werift sends a check five times within 1.6 s and then waits for ever; an SFT that is busy may be silent for longer. ms */
const CHECK_AGAIN_MS = 100;
/** Packets of the SFT that are kept until ICE is done: its first word, and some repetitions. */
const MAX_EARLY = 8;

export class NodeTransport implements MediaPath {
  readonly #ice: RTCIceTransport;
  readonly #dtls: RTCDtlsTransport;
  readonly #events: PathEvents;
  readonly #connectMs: number;
  #sender: SrtpSender | undefined;
  #receiver: SrtpReceiver | undefined;
  #closed = false;
  bytesSent = 0;
  bytesReceived = 0;
  packetsSent = 0;
  packetsReceived = 0;

  private constructor(ice: RTCIceTransport, dtls: RTCDtlsTransport, events: PathEvents, connectMs: number) {
    this.#ice = ice;
    this.#dtls = dtls;
    this.#events = events;
    this.#connectMs = connectMs;
  }

  /** Prepares the path and sends nothing yet. @param connectMs how long it may take to come about */
  static async open(offer: TransportOffer, events: PathEvents, connectMs = CONNECT_MS): Promise<NodeTransport> {
    const certificate = await RTCDtlsTransport.SetupCertificate();
    const ice = new RTCIceTransport(new RTCIceGatherer(gathering(offer)));
    // The SFT is ICE-lite, so this side controls (RFC 8445, section 6.1.1).
    ice.connection.iceControlling = true;
    const dtls = new RTCDtlsTransport({}, ice, certificate, [AEAD_AES_128_GCM]);
    // werift waits 100 ms before it speaks as a DTLS client; as a server it answers at once.
    dtls.role = 'server';
    // Only the keys of the negotiated profile are wanted, not werift's own packet path.
    dtls.srtpStarted = true;
    const transport = new NodeTransport(ice, dtls, events, connectMs);
    await ice.gather();
    ice.setRemoteParams({ ...offer.iceParameters, iceLite: offer.iceParameters.iceLite ?? false });
    for (const candidate of offer.iceCandidates) {
      if (candidate.protocol === 'udp') await ice.addRemoteCandidate(toIce(candidate));
    }
    await ice.addRemoteCandidate(undefined);
    dtls.setRemoteParams({
      fingerprints: offer.dtlsParameters.fingerprints.map(({ algorithm, value }) => ({ algorithm, value })),
      role: 'client',
    });
    return transport;
  }

  get dtlsParameters(): DtlsParameters {
    const fingerprints = this.#dtls.localParameters.fingerprints.map(({ value }) => ({
      algorithm: 'sha-256' as const,
      value,
    }));
    return { role: 'server', fingerprints };
  }

  get isConnected(): boolean {
    return this.#sender !== undefined && !this.#closed;
  }

  /**
   * Resolves when media can be sent.
   * @throws HawserError SIG_TIMEOUT where nobody answers, and what werift says
   */
  async connect(): Promise<void> {
    const overdue = Promise.withResolvers<never>();
    const timer = setTimeout(() => overdue.reject(new HawserError('SIG_TIMEOUT', 'media path')), this.#connectMs);
    const checks = setInterval(() => this.#closed || checkAgain(this.#ice), CHECK_AGAIN_MS);
    try {
      await Promise.race([this.#handshake(), overdue.promise]);
    } catch (error) {
      if (!this.#closed) this.#events.onLost();
      throw error;
    } finally {
      clearInterval(checks);
      clearTimeout(timer);
    }
    if (this.#closed || !this.#dtls.dtls) return;
    const keys = this.#dtls.dtls.extractSessionKeys(KEY_LENGTH, SALT_LENGTH);
    this.#receiver = new SrtpReceiver(deriveKeys({ key: keys.remoteKey, salt: keys.remoteSalt }));
    this.#sender = new SrtpSender(deriveKeys({ key: keys.localKey, salt: keys.localSalt }));
    this.#ice.connection.onData.subscribe((packet) => this.#receive(packet));
    this.#ice.onStateChange.subscribe((state) => {
      if (state === 'failed' && !this.#closed) this.#events.onLost();
    });
    this.#dtls.onStateChange.subscribe((state) => {
      if ((state === 'closed' || state === 'failed') && !this.#closed) this.#events.onLost();
    });
  }

  /**
   * The SFT speaks as soon as the first check of ICE reaches it; werift drops what it is to send before the last one is over. So
   * what comes meanwhile is answered afterwards: it may come only once (mediasoup 3.27.1 ends its repetitions when the timer for
   * them fires early, as it does in a busy worker), and not again before 100 ms are over.
   */
  async #handshake(): Promise<void> {
    const { connection } = this.#ice;
    const early: Buffer[] = [];
    const listening = connection.onData.subscribe((packet) => early.length < MAX_EARLY && early.push(packet));
    await this.#ice.start();
    listening.unSubscribe();
    const handshake = this.#dtls.start();
    for (const packet of early) connection.onData.execute(packet);
    await handshake;
  }

  sendRtp(header: Buffer, payload: Buffer): void {
    if (this.#sender) this.#send(this.#sender.protectRtp(header, payload));
  }

  sendRtcp(packet: Buffer): void {
    if (this.#sender) this.#send(this.#sender.protectRtcp(packet));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dtls.dtls?.close();
    void this.#dtls.stop();
  }

  #send(packet: Buffer): void {
    if (this.#closed) return;
    this.bytesSent += packet.length;
    this.packetsSent += 1;
    void this.#ice.connection.send(packet).catch(() => undefined); // UDP: what cannot be sent is lost
  }

  #receive(packet: Buffer): void {
    if (this.#closed || !this.#receiver || !isMedia(packet)) return;
    this.bytesReceived += packet.length;
    this.packetsReceived += 1;
    if (isRtcp(packet)) {
      const opened = this.#receiver.openRtcp(packet);
      if (opened) this.#events.onRtcp(opened);
      return;
    }
    const header = parseHeader(packet);
    const payload = header && this.#receiver.openRtp(packet, header.length);
    if (header && payload) this.#events.onRtp(header, header.hasPadding ? unpadded(payload) : payload);
  }
}

function checkAgain({ connection }: RTCIceTransport): void {
  if (!(connection instanceof Connection)) return;
  for (const pair of connection.checkList) {
    if (pair.state === CandidatePairState.FAILED) pair.handle = connection.checkStart(pair);
  }
}

function unpadded(payload: Buffer): Buffer {
  return payload.subarray(0, Math.max(0, payload.length - (payload.at(-1) ?? 0)));
}

/** An SFT that is on loopback only is reached from loopback, so that no packet of a test leaves it. */
function gathering(offer: TransportOffer) {
  const loopback = offer.iceCandidates.every(({ ip }) => ip === '127.0.0.1');
  if (!loopback) return { useIpv4: true, useIpv6: offer.iceCandidates.some(({ ip }) => ip.includes(':')) };
  return {
    useIpv4: false,
    useIpv6: false,
    interfaceAddresses: { udp4: '127.0.0.1' },
    additionalHostAddresses: ['127.0.0.1'],
  };
}

function toIce(candidate: TransportOffer['iceCandidates'][number]): IceCandidate {
  const { foundation, protocol, priority, ip, port, type } = candidate;
  return candidateFromSdp(`${foundation} 1 ${protocol} ${priority} ${ip} ${port} typ ${type}`);
}
