/** One encoding that is sent: numbers its packets, keeps the newest for repair, and says how it stands in reports. */
import { writeSenderReport } from './rtcp.ts';
import { type Extension, type RtpHeader, writeHeader } from './rtp.ts';

export interface OutgoingOptions {
  readonly ssrc: number;
  readonly payloadType: number;
  /** Absent where lost packets are not sent again. */
  readonly rtx?: { readonly ssrc: number; readonly payloadType: number };
  readonly clockRate: number;
  readonly send: (header: Buffer, payload: Buffer) => void;
  /** A number in [0, 1): sequence numbers begin somewhere (RFC 3550, section 5.1). */
  readonly random: () => number;
}

/** Packets kept for repair: at 1.5 Mbit/s a good second. */
const KEPT = 256;

interface Kept {
  readonly header: RtpHeader;
  readonly payload: Buffer;
}

export class OutgoingEncoding {
  readonly #options: OutgoingOptions;
  readonly #kept: (Kept | undefined)[] = new Array<Kept | undefined>(KEPT);
  #sequence: number;
  #rtxSequence: number;
  #lastTimestamp = 0;
  #lastSentAt: number | undefined;
  #reported = false;
  packets = 0;
  /** Of payloads, as sender reports count them. */
  bytes = 0;
  repaired = 0;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    // Low enough that a receiver cannot take the first packets for ones of before a wrap.
    this.#sequence = Math.floor(options.random() * 0x7fff);
    this.#rtxSequence = Math.floor(options.random() * 0x7fff);
  }

  get ssrc(): number {
    return this.#options.ssrc;
  }

  get rtxSsrc(): number | undefined {
    return this.#options.rtx?.ssrc;
  }

  /** @param now ms since 1970. @param timestamp in units of the clock rate */
  send(payload: Buffer, timestamp: number, marker: boolean, extensions: readonly Extension[], now: number): void {
    const { ssrc, payloadType, send, rtx } = this.#options;
    const header = { payloadType, marker, sequence: this.#sequence, timestamp, ssrc };
    this.#sequence = (this.#sequence + 1) & 0xffff;
    send(writeHeader(header, extensions), payload);
    if (rtx) this.#kept[header.sequence % KEPT] = { header, payload };
    this.packets += 1;
    this.bytes += payload.length;
    this.#lastTimestamp = timestamp;
    this.#lastSentAt = now;
  }

  /** Sends lost packets again on the repair stream (RFC 4588, section 4). */
  repair(sequences: readonly number[]): void {
    const { rtx, send } = this.#options;
    if (!rtx) return;
    for (const sequence of sequences) {
      const kept = this.#kept[sequence % KEPT];
      if (kept?.header.sequence !== sequence) continue;
      const original = Buffer.alloc(2);
      original.writeUInt16BE(sequence);
      const header = { ...kept.header, ssrc: rtx.ssrc, payloadType: rtx.payloadType, sequence: this.#rtxSequence };
      this.#rtxSequence = (this.#rtxSequence + 1) & 0xffff;
      send(writeHeader(header), Buffer.concat([original, kept.payload]));
      this.repaired += 1;
    }
  }

  /** True until the first report: mediasoup cannot change between layers before it has one of each. */
  get needsReport(): boolean {
    return !this.#reported && this.packets > 0;
  }

  /** Undefined where nothing was sent yet. @param now ms since 1970 */
  report(now: number): Buffer | undefined {
    if (this.#lastSentAt === undefined) return undefined;
    this.#reported = true;
    const { ssrc, clockRate } = this.#options;
    const since = ((now - this.#lastSentAt) / 1000) * clockRate;
    const rtpTimestamp = (this.#lastTimestamp + Math.round(since)) >>> 0;
    return writeSenderReport({ ssrc, now, rtpTimestamp, packets: this.packets, bytes: this.bytes });
  }
}
