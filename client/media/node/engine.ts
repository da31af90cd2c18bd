/**
 * The engine of Node: sends and receives frames of VP8 and Opus, encrypted from device to device, or ready RTP payloads, and neither encodes nor
 * decodes. One ICE and DTLS association a transport, as a browser has. For programs that bring their own media, tests and load tests.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { HawserError } from '#signalling/errors.ts';
import { isVideo, type SourceKind } from '#signalling/media-profile.ts';
import type { RtpCapabilities } from '#signalling/webrtc.ts';
import type { IncomingSource, MediaEngine, MediaOffer, MediaSignalling, ReceiverCounters } from '../engine.ts';
import type { NodeEncryption } from './encryption.ts';
import { FrameReceiver } from './frame-receiver.ts';
import { IncomingStream } from './incoming.ts';
import { OutgoingEncoding } from './outgoing.ts';
import { receiveCapabilities, sendParameters } from './parameters.ts';
import type { MediaPath, OpenPath } from './path.ts';
import { type NodePublication, type NodeSource, type NodeStream, openPublication } from './publication.ts';
import { parseRtcp, type ReportBlock, writeNack, writePli, writeReceiverReport } from './rtcp.ts';
import type { ParsedHeader } from './rtp.ts';
import { NodeTransport } from './transport.ts';

export type { NodePacket, NodePublication, NodeSource, NodeStream } from './publication.ts';

export interface NodeEngineOptions {
  /** How the SFT is reached; by WebRTC when left out. Load tests put `PlainPath.open` here. */
  readonly openPath?: OpenPath;
  /** Media goes out and comes in encrypted from device to device. */
  readonly encryption?: NodeEncryption;
}

const REPORT_MS = 1_000;
const REPAIR_MS = 30;
/** A device that asks too often makes publishers send key frames for everybody. */
const KEY_FRAME_MS = 300;

interface Received {
  readonly stream: NodeStream;
  readonly frames: FrameReceiver;
  readonly incoming: IncomingStream;
  readonly rtxSsrc: number | undefined;
}

export class NodeEngine implements MediaEngine<NodeSource, NodeStream, NodePublication> {
  readonly #options: NodeEngineOptions;
  readonly #cname = randomBytes(9).toString('base64url');
  /** The SSRC of reports and feedback of a device that may send nothing else. */
  readonly #reporter = freshSsrc();
  readonly #outgoing = new Map<number, { readonly encoding: OutgoingEncoding; readonly onKeyFrame: () => void }>();
  readonly #byConsumer = new Map<string, Received>();
  readonly #bySsrc = new Map<number, Received>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #router: RtpCapabilities | undefined;
  #signalling: MediaSignalling | undefined;
  #send: MediaPath | undefined;
  #receive: MediaPath | undefined;
  #sendConnecting: Promise<void> | undefined;
  #mids = 0;
  /** From `start` to `close`; a call that is joined again has another one. */
  #stay: symbol | undefined;

  constructor(options: NodeEngineOptions = {}) {
    this.#options = options;
  }

  async start(offer: MediaOffer, signalling: MediaSignalling): Promise<RtpCapabilities> {
    this.#router = offer.capabilities;
    this.#signalling = signalling;
    const stay = Symbol();
    this.#stay = stay;
    const lost = (name: 'send' | 'receive') => () => this.#stay !== stay || signalling.lost(name);
    const nothing = () => undefined;
    const open = this.#options.openPath ?? NodeTransport.open;
    const [send, receive] = await Promise.all([
      open(offer.send, { onRtp: nothing, onRtcp: (it) => this.#hear(it), onLost: lost('send') }),
      open(offer.receive, {
        onRtp: (header, payload) => this.#take(header, payload),
        onRtcp: (packet) => this.#hear(packet),
        onLost: lost('receive'),
      }),
    ]);
    if (this.#stay !== stay) {
      send.close();
      receive.close();
      throw new HawserError('SIG_CLOSED');
    }
    [this.#send, this.#receive] = [send, receive];
    this.#connect('receive', receive).catch(nothing); // told by `lost`
    this.#timers.push(setInterval(() => this.#report(), REPORT_MS));
    this.#timers.push(setInterval(() => this.#askForRepair(), REPAIR_MS));
    return receiveCapabilities(offer.capabilities);
  }

  /** Resolves when packets can be sent. */
  async publish(kind: SourceKind, media: NodeSource, muted: boolean): Promise<NodePublication> {
    const transport = this.#send;
    if (!transport || !this.#router || !this.#signalling) throw new HawserError('SIG_ORDER', 'publish');
    const mid = () => String(this.#mids++);
    const parameters = sendParameters(kind, this.#router, this.#cname, mid, freshSsrc);
    const { payloadType, rtxPayloadType, clockRate, audioLevel } = parameters;
    const encodings = parameters.encodings.map(
      ({ ssrc, rtxSsrc }) =>
        new OutgoingEncoding({
          ssrc,
          payloadType,
          clockRate,
          ...(rtxSsrc !== undefined &&
            rtxPayloadType !== undefined && { rtx: { ssrc: rtxSsrc, payloadType: rtxPayloadType } }),
          send: (header, payload) => transport.sendRtp(header, payload),
          random: Math.random,
        }),
    );
    encodings.forEach((encoding, layer) => {
      this.#outgoing.set(encoding.ssrc, { encoding, onKeyFrame: () => media.onKeyFrameRequest?.(layer) });
    });
    this.#sendConnecting ??= this.#connect('send', transport);
    const source = this.#signalling.publish(kind, parameters.renditions, muted);
    source.catch(() => undefined); // whoever waits for it is told
    await this.#sendConnecting;
    return openPublication({
      kind,
      source,
      encodings,
      muted,
      media,
      ...(audioLevel !== undefined && { audioLevel }),
      ...(this.#options.encryption && { encryption: this.#options.encryption }),
      onSent: (encoding) => encoding.needsReport && this.#reportOf(encoding),
      onClose: () => {
        for (const { ssrc } of encodings) this.#outgoing.delete(ssrc);
      },
    });
  }

  async consume({ consumer, source, participant, kind, rtpParameters }: IncomingSource): Promise<NodeStream> {
    const encoding = rtpParameters.encodings?.[0];
    if (encoding?.ssrc === undefined) throw new HawserError('SIG_SCHEMA', 'consumer without SSRC');
    const { ssrc } = encoding;
    const rtxSsrc = encoding.rtx?.ssrc;
    let askedAt = 0;
    const stream: NodeStream = {
      consumer,
      source,
      kind,
      onRtp: undefined,
      onFrame: undefined,
      requestKeyFrame: () => {
        const now = performance.now();
        if (now - askedAt < KEY_FRAME_MS) return;
        askedAt = now;
        this.#receive?.sendRtcp(writePli(this.#reporter, ssrc));
      },
    };
    const clockRate = rtpParameters.codecs[0]?.clockRate ?? 90_000;
    const { encryption } = this.#options;
    const askAgain = () => isVideo(kind) && stream.requestKeyFrame();
    const frames = new FrameReceiver({
      mimeType: rtpParameters.codecs[0]?.mimeType ?? '',
      ...(encryption && { opening: encryption.incoming(participant, kind, askAgain) }),
      give: (frame) => stream.onFrame?.(frame),
    });
    const received: Received = {
      stream,
      frames,
      incoming: new IncomingStream(ssrc, clockRate, isVideo(kind)),
      rtxSsrc,
    };
    this.#byConsumer.set(consumer, received);
    this.#bySsrc.set(ssrc, received);
    if (rtxSsrc !== undefined) this.#bySsrc.set(rtxSsrc, received);
    return stream;
  }

  closeConsumer(consumer: string): void {
    const received = this.#byConsumer.get(consumer);
    if (!received) return;
    this.#byConsumer.delete(consumer);
    this.#bySsrc.delete(received.incoming.ssrc);
    if (received.rtxSsrc !== undefined) this.#bySsrc.delete(received.rtxSsrc);
  }

  async receiverCounters(): Promise<readonly ReceiverCounters[]> {
    const now = performance.now();
    return [...this.#byConsumer].map(([consumer, { incoming }]) => incoming.counters(consumer, now));
  }

  /** Bytes and packets of SRTP and SRTCP so far. */
  get traffic(): { readonly sent: Traffic; readonly received: Traffic } {
    const sum = (pick: (path: MediaPath) => number) =>
      [this.#send, this.#receive].reduce((total, each) => total + (each ? pick(each) : 0), 0);
    return {
      sent: { bytes: sum((each) => each.bytesSent), packets: sum((each) => each.packetsSent) },
      received: { bytes: sum((each) => each.bytesReceived), packets: sum((each) => each.packetsReceived) },
    };
  }

  close(): void {
    this.#stay = undefined;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#sendConnecting = undefined;
    this.#send?.close();
    this.#receive?.close();
    this.#byConsumer.clear();
    this.#bySsrc.clear();
    this.#outgoing.clear();
  }

  async #connect(name: 'send' | 'receive', transport: MediaPath): Promise<void> {
    const told = this.#signalling?.connect(name, transport.dtlsParameters);
    await Promise.all([transport.connect(), told]);
    this.#signalling?.connected(name);
  }

  #take(header: ParsedHeader, payload: Buffer): void {
    const received = this.#bySsrc.get(header.ssrc);
    if (!received) return;
    const isRepair = header.ssrc === received.rtxSsrc;
    const original = isRepair ? unwrapped(header, payload, received.incoming.ssrc) : { header, payload };
    if (!original || original.payload.length === 0) return; // padding that only probes the path
    if (received.incoming.receive(original.header, original.payload, performance.now(), isRepair)) {
      received.stream.onRtp?.(original.header, original.payload);
      if (received.stream.onFrame) received.frames.take(original.header, original.payload);
    }
  }

  #hear(packet: Buffer): void {
    for (const message of parseRtcp(packet)) {
      if (message.type === 'keyFrame') this.#outgoing.get(message.ssrc)?.onKeyFrame();
      else if (message.type === 'nack') this.#outgoing.get(message.ssrc)?.encoding.repair(message.sequences);
      else if (message.type === 'senderReport') {
        this.#bySsrc.get(message.ssrc)?.incoming.hearSenderReport(message.ntp, performance.now());
      }
    }
  }

  #report(): void {
    for (const { encoding } of this.#outgoing.values()) this.#reportOf(encoding);
    const receive = this.#receive;
    if (!receive?.isConnected) return;
    const now = performance.now();
    const blocks: ReportBlock[] = [];
    for (const { incoming } of this.#byConsumer.values()) {
      const block = incoming.report(now);
      if (block) blocks.push(block);
    }
    for (let at = 0; at < blocks.length; at += 31) {
      receive.sendRtcp(writeReceiverReport(this.#reporter, blocks.slice(at, at + 31)));
    }
  }

  #reportOf(encoding: OutgoingEncoding): void {
    const report = encoding.report(Date.now());
    if (report) this.#send?.sendRtcp(report);
  }

  #askForRepair(): void {
    const now = performance.now();
    for (const { incoming } of this.#byConsumer.values()) {
      const missing = incoming.toAskFor(now);
      if (missing.length > 0) this.#receive?.sendRtcp(writeNack(this.#reporter, incoming.ssrc, missing));
    }
  }
}

export interface Traffic {
  readonly bytes: number;
  readonly packets: number;
}

function freshSsrc(): number {
  return randomInt(1, 0xffff_ffff);
}

/** The packet inside one of a repair stream (RFC 4588, section 4). */
function unwrapped(header: ParsedHeader, payload: Buffer, ssrc: number) {
  if (payload.length < 2) return undefined;
  return { header: { ...header, ssrc, sequence: payload.readUInt16BE(0) }, payload: payload.subarray(2) };
}
