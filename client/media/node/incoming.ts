/** One stream that is received: its counters, its reports, and the requests for what was lost (RFC 3550, appendix A). */
import type { ReceiverCounters } from '../engine.ts';
import type { ReportBlock } from './rtcp.ts';
import { type ParsedHeader, sequenceDistance } from './rtp.ts';
import { vp8Start } from './vp8.ts';

/** How often and for how long a lost packet is asked for, ms. */
const ASK_AGAIN_MS = 60;
const ASKS = 4;
/** A packet of a voice that is later than this is of no use to anybody, ms. */
const LATE_MS = 1_000;
/** A gap larger than this is a new beginning, not loss. */
const LARGEST_GAP = 200;

interface Missing {
  asked: number;
  askedAt: number;
}

export class IncomingStream {
  readonly ssrc: number;
  readonly isVideo: boolean;
  readonly #clockRate: number;
  readonly #missing = new Map<number, Missing>();
  #base: number | undefined;
  #highest = 0;
  #cycles = 0;
  #packets = 0;
  #bytes = 0;
  #frames = 0;
  #keyFrames = 0;
  #jitter = 0;
  #transit: number | undefined;
  #expectedBefore = 0;
  #packetsBefore = 0;
  #senderReport: { readonly ntp: number; readonly at: number } | undefined;
  #width: number | undefined;
  #height: number | undefined;

  constructor(ssrc: number, clockRate: number, isVideo: boolean) {
    this.ssrc = ssrc;
    this.#clockRate = clockRate;
    this.isVideo = isVideo;
  }

  get keyFrames(): number {
    return this.#keyFrames;
  }

  /** A packet of the stream itself, or one that came by repair. @param now ms. @returns false where it came before */
  receive(header: ParsedHeader, payload: Buffer, now: number, isRepair: boolean): boolean {
    if (!this.#count(header.sequence, now, isRepair)) return false;
    this.#packets += 1;
    this.#bytes += payload.length + header.length;
    if (!isRepair) this.#measureJitter(header.timestamp, now);
    if (this.isVideo && payload.length > 0) {
      if (header.marker) this.#frames += 1;
      const start = vp8Start(payload);
      if (start?.isKeyFrame) {
        this.#keyFrames += 1;
        this.#width = start.width;
        this.#height = start.height;
      }
    }
    return true;
  }

  hearSenderReport(ntp: number, now: number): void {
    this.#senderReport = { ntp, at: now };
  }

  /** Sequence numbers that are to be asked for now, ascending in time. A voice is not asked for, but may come late. */
  toAskFor(now: number): readonly number[] {
    if (!this.isVideo) {
      for (const [sequence, { askedAt }] of this.#missing) if (now - askedAt > LATE_MS) this.#missing.delete(sequence);
      return [];
    }
    const due: number[] = [];
    for (const [sequence, missing] of this.#missing) {
      if (missing.asked > 0 && now - missing.askedAt < ASK_AGAIN_MS) continue;
      missing.asked += 1;
      missing.askedAt = now;
      if (missing.asked > ASKS) this.#missing.delete(sequence);
      else due.push(sequence);
    }
    return due;
  }

  /** Undefined where nothing has come yet. */
  report(now: number): ReportBlock | undefined {
    if (this.#base === undefined) return undefined;
    const expected = this.#expected;
    const expectedSince = expected - this.#expectedBefore;
    const lostSince = expectedSince - (this.#packets - this.#packetsBefore);
    this.#expectedBefore = expected;
    this.#packetsBefore = this.#packets;
    const heard = this.#senderReport;
    return {
      ssrc: this.ssrc,
      fractionLost:
        expectedSince > 0 && lostSince > 0 ? Math.min(255, Math.floor((lostSince * 256) / expectedSince)) : 0,
      lost: this.#lost,
      highestSequence: this.#cycles * 0x1_0000 + this.#highest,
      jitter: this.#jitter,
      lastSenderReport: heard?.ntp ?? 0,
      delaySinceLast: heard ? Math.round(((now - heard.at) / 1000) * 0x1_0000) : 0,
    };
  }

  counters(consumer: string, now: number): ReceiverCounters {
    return {
      consumer,
      at: now,
      bytes: this.#bytes,
      packets: this.#packets,
      packetsLost: this.#lost,
      jitterMs: (this.#jitter / this.#clockRate) * 1000,
      ...(this.isVideo && { framesDecoded: this.#frames }),
      ...(this.#width !== undefined && { width: this.#width }),
      ...(this.#height !== undefined && { height: this.#height }),
    };
  }

  get #expected(): number {
    return this.#base === undefined ? 0 : this.#cycles * 0x1_0000 + this.#highest - this.#base + 1;
  }

  get #lost(): number {
    return Math.max(0, this.#expected - this.#packets);
  }

  #count(sequence: number, now: number, isRepair: boolean): boolean {
    if (this.#base === undefined) {
      if (isRepair) return false;
      this.#base = sequence;
      this.#highest = sequence;
      return true;
    }
    const distance = sequenceDistance(this.#highest, sequence);
    if (distance <= 0) return this.#missing.delete(sequence); // late or repaired; else a copy
    if (distance > LARGEST_GAP) this.#missing.clear();
    else {
      for (let lost = 1; lost < distance; lost++) {
        this.#missing.set((this.#highest + lost) & 0xffff, { asked: 0, askedAt: now });
      }
    }
    if (sequence < this.#highest) this.#cycles += 1;
    this.#highest = sequence;
    return true;
  }

  /** RFC 3550, section 6.4.1. */
  #measureJitter(timestamp: number, now: number): void {
    const transit = (now / 1000) * this.#clockRate - timestamp;
    const difference = this.#transit === undefined ? 0 : Math.abs(transit - this.#transit);
    this.#transit = transit;
    if (difference < this.#clockRate) this.#jitter += (difference - this.#jitter) / 16;
  }
}
