/**
 * For tests: the far end of a link and its trunk, spoken by hand down to the packet, for peers that misbehave. RTP and
 * RTCP are protected by the reference that also tests the media worker.
 */
import { createDecipheriv } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { deriveKeys, protectRtcp, protectRtp, type SessionKeys } from '#cli/worker/srtp-reference.ts';
import type { ConferenceId, ParticipantId, SourceId, TrunkId } from '#signalling/ids.ts';
import { PAYLOAD, type SourceKind, SRTP_SUITE } from '#signalling/media-profile.ts';
import { type Hello, LINK_VERSIONS, type LinkStream } from '#signalling/sft-link.ts';
import { until } from '#signalling/testing.ts';
import { newParticipantId, randomId, type TestSft } from './testing.ts';

const KEY = Buffer.alloc(44, 7);
const MASTER = { key: KEY.subarray(0, 32), salt: KEY.subarray(32) };
const RTP_KEYS = deriveKeys(SRTP_SUITE, MASTER, 'rtp');
const RTCP_KEYS = deriveKeys(SRTP_SUITE, MASTER, 'rtcp');
const OWN_SSRC = 77;
const TICK_MS = 20;
const PACKET_BYTES = 1_000;
const TAG_BYTES = 16;

type Link = Awaited<ReturnType<TestSft['dialLink']>>;

export class FarSide {
  readonly link: Link;
  readonly conference: ConferenceId;
  readonly participant: ParticipantId = newParticipantId();
  /** Highest sequence number that came under each SSRC, and how many packets. */
  readonly received = new Map<number, { packets: number; highest: number }>();
  /** Told of the payload of each RTP packet that came and is genuine. */
  onRtp: ((ssrc: number, payload: Buffer) => void) | undefined;
  readonly #as: TestSft;
  readonly #theirs: SessionKeys;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #trunk: TrunkId;
  readonly #timers = new Set<ReturnType<typeof setInterval>>();
  readonly #sequences = new Map<number, number>();
  readonly #rollovers = new Map<number, number>();
  #rtcpIndex = 0;
  #seq = 0;
  #closed = false;

  private constructor(
    as: TestSft,
    link: Link,
    conference: ConferenceId,
    socket: Socket,
    port: number,
    trunk: TrunkId,
    theirs: SessionKeys,
  ) {
    this.#as = as;
    this.#theirs = theirs;
    this.link = link;
    this.conference = conference;
    this.#socket = socket;
    this.#port = port;
    this.#trunk = trunk;
    socket.on('message', (packet) => this.#receive(packet));
  }

  /** Joins a conference of the anchor in the name of a domain, with a trunk. */
  static async join(
    as: TestSft,
    anchor: TestSft,
    conference: ConferenceId,
    versions: Hello['versions'] = LINK_VERSIONS,
  ): Promise<FarSide> {
    const link = await as.dialLink(anchor);
    await link.rpc.request('hello', {
      versions,
      domain: as.domain,
      software: 'test',
      workers: [{ index: 0 }],
    });
    const grant = await anchor.grant({ conference, domain: as.domain });
    await link.rpc.request('join', { conference, grant, worker: 0 });
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const trunk = randomId<TrunkId>(12);
    const { address, srtp } = await link.rpc.request('trunk', {
      trunk,
      from: 0,
      to: 0,
      address: { ip: '127.0.0.1', port: socket.address().port },
      srtp: { suite: SRTP_SUITE, key: KEY.toString('base64') },
    });
    const key = Buffer.from(srtp.key, 'base64');
    const theirs = deriveKeys(SRTP_SUITE, { key: key.subarray(0, 32), salt: key.subarray(32) }, 'rtp');
    return new FarSide(as, link, conference, socket, address.port, trunk, theirs);
  }

  /** States one participant with a source of one layer, and the SSRC that carries it. */
  announce(kind: SourceKind, ssrc: number, layer = 0): SourceId {
    const source = randomId<SourceId>(12);
    const { conference, participant } = this;
    const origin = this.#as.domain;
    const codec = kind === 'microphone' ? ('opus' as const) : ('vp8' as const);
    this.#seq += 1;
    this.link.rpc.notify('sources', {
      conference,
      seq: this.#seq,
      participants: [{ participant, origin, hand: false }],
      sources: [{ source, participant, origin, kind, codec, layers: [layer], muted: false }],
    });
    const streams = [{ source, layers: [layer], ssrc, ...(kind === 'microphone' ? {} : { rtxSsrc: ssrc + 1 }) }];
    this.link.rpc.notify('streams', { conference, seq: this.#seq, trunk: this.#trunk, streams });
    return source;
  }

  /** What was offered of a kind, once it is there. */
  async offered(kind: SourceKind): Promise<LinkStream[]> {
    let streams: LinkStream[] = [];
    await until(() => {
      const last = (method: string) => this.link.heard.findLast((each) => each.method === method)?.note;
      const { sources = [] } = (last('sources') ?? {}) as { sources?: { source: SourceId; kind: SourceKind }[] };
      const offer = (last('streams') ?? {}) as { streams?: LinkStream[] };
      const ofKind = new Set(sources.filter((each) => each.kind === kind).map(({ source }) => source));
      streams = (offer.streams ?? []).filter(({ source }) => ofKind.has(source));
      return streams.length > 0;
    }, `an offer of a ${kind}`);
    return streams;
  }

  /** Of whatever was offered, as if it could all be received. */
  demand(...demands: { source: SourceId; layers: number[] }[]): void {
    this.#seq += 1;
    const offer = this.link.heard.findLast(({ method }) => method === 'streams')?.note as { seq: number } | undefined;
    const ready = offer?.seq ?? 0;
    this.link.rpc.notify('demand', { conference: this.conference, seq: this.#seq, ready, since: ready, demands });
  }

  /** Sends video packets under an SSRC at a bit rate, each of them a key frame, until the far side is disposed of. */
  send(ssrc: number, bitrate: number): void {
    this.#every(bitrate / 8 / PACKET_BYTES, () => this.#sendRtp(ssrc));
  }

  /** Sends RTCP a number of times a second. */
  repeat(perSecond: number, packet: () => Buffer): void {
    this.#every(perSecond, () => this.#sendRtcp(packet()));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.link[Symbol.dispose]();
  }

  /** As often as is due each time: timers of a busy process come late. */
  #every(perSecond: number, work: () => void): void {
    const begin = performance.now();
    let done = 0;
    const look = () => {
      for (const due = Math.floor(((performance.now() - begin) * perSecond) / 1_000); done < due; done++) work();
    };
    this.#timers.add(setInterval(look, TICK_MS));
  }

  #sendRtp(ssrc: number): void {
    const sequence = ((this.#sequences.get(ssrc) ?? 0) + 1) & 0xffff;
    this.#sequences.set(ssrc, sequence);
    const packet = Buffer.alloc(12 + PACKET_BYTES);
    packet.writeUInt8(0x80, 0);
    packet.writeUInt8(0x80 | PAYLOAD.vp8, 1);
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE((sequence * 3_000) >>> 0, 4);
    packet.writeUInt32BE(ssrc, 8);
    packet.writeUInt8(0x10, 12); // VP8 payload descriptor: first partition of a frame (RFC 7741)
    this.#socket.send(protectRtp(SRTP_SUITE, RTP_KEYS, packet), this.#port, '127.0.0.1');
  }

  #sendRtcp(packet: Buffer): void {
    this.#rtcpIndex += 1;
    this.#socket.send(protectRtcp(SRTP_SUITE, RTCP_KEYS, packet, this.#rtcpIndex), this.#port, '127.0.0.1');
  }

  #receive(packet: Buffer): void {
    const type = packet.readUInt8(1) & 0x7f;
    if (type >= 64 && type <= 95) return; // RTCP (RFC 5761, section 4)
    const ssrc = packet.readUInt32BE(8);
    const before = this.received.get(ssrc);
    const sequence = packet.readUInt16BE(2);
    this.received.set(ssrc, { packets: (before?.packets ?? 0) + 1, highest: sequence });
    if (!this.onRtp) return;
    // Nothing is lost or late on loopback: a number that is much smaller has begun anew.
    const rollover = this.#rollovers.get(ssrc) ?? 0;
    const now = before !== undefined && before.highest - sequence > 0x8000 ? rollover + 1 : rollover;
    this.#rollovers.set(ssrc, now);
    this.onRtp(ssrc, open(this.#theirs, packet, now));
  }
}

/** The payload of a protected packet (RFC 7714, section 8). @throws Error where it is not genuine */
function open({ key, salt }: SessionKeys, packet: Buffer, rollover: number): Buffer {
  const first = packet.readUInt8(0);
  const extension = 12 + 4 * (first & 0x0f);
  const header = first & 0x10 ? extension + 4 + 4 * packet.readUInt16BE(extension + 2) : extension;
  const nonce = Buffer.from(salt);
  nonce.writeUInt32BE((nonce.readUInt32BE(2) ^ packet.readUInt32BE(8)) >>> 0, 2);
  nonce.writeUInt32BE((nonce.readUInt32BE(6) ^ rollover) >>> 0, 6);
  nonce.writeUInt16BE(nonce.readUInt16BE(10) ^ packet.readUInt16BE(2), 10);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAAD(packet.subarray(0, header));
  decipher.setAuthTag(packet.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(packet.subarray(header, -TAG_BYTES)), decipher.final()]);
}

function feedback(type: 205 | 206, media: number, content = Buffer.alloc(0)): Buffer {
  const packet = Buffer.alloc(12);
  packet.writeUInt8(0x81, 0);
  packet.writeUInt8(type, 1);
  packet.writeUInt16BE(2 + content.length / 4, 2);
  packet.writeUInt32BE(OWN_SSRC, 4);
  packet.writeUInt32BE(media, 8);
  return Buffer.concat([packet, content]);
}

/** Picture Loss Indication (RFC 4585, section 6.3.1). */
export function pli(media: number): Buffer {
  return feedback(206, media);
}

/** Generic NACK of a packet and the sixteen after it (RFC 4585, section 6.2.1). */
export function nack(media: number, sequence: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeUInt16BE(sequence & 0xffff, 0);
  content.writeUInt16BE(0xffff, 2);
  return feedback(205, media, content);
}
