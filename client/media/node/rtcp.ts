/**
 * RTCP as far as the engine speaks it: reports (RFC 3550), NACK and PLI (RFC 4585), FIR (RFC 5104). Reduced-size packets
 * (RFC 5506), as the publish parameters say. Pure.
 */
const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const NACK = 1;
const PLI = 1;
const FIR = 4;
/** Seconds from 1900, the epoch of NTP, to 1970. */
const NTP_EPOCH = 2_208_988_800;

export type RtcpMessage =
  | {
      readonly type: 'senderReport';
      readonly ssrc: number /** Middle 32 bits of the NTP time. */;
      readonly ntp: number;
    }
  | { readonly type: 'receiverReport'; readonly ssrc: number; readonly fractionLost: number; readonly jitter: number }
  | { readonly type: 'nack'; readonly ssrc: number; readonly sequences: readonly number[] }
  | { readonly type: 'keyFrame'; readonly ssrc: number };

export interface SenderReport {
  readonly ssrc: number;
  /** ms since 1970. */
  readonly now: number;
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly bytes: number;
}

export interface ReportBlock {
  readonly ssrc: number;
  /** 0 to 255. */
  readonly fractionLost: number;
  readonly lost: number;
  readonly highestSequence: number;
  /** In units of the stream's clock. */
  readonly jitter: number;
  readonly lastSenderReport: number;
  /** 1/65536 s. */
  readonly delaySinceLast: number;
}

export function writeSenderReport(report: SenderReport): Buffer {
  const buffer = head(0, SENDER_REPORT, 28, report.ssrc);
  buffer.writeUInt32BE((Math.floor(report.now / 1000) + NTP_EPOCH) >>> 0, 8);
  buffer.writeUInt32BE(Math.floor(((report.now % 1000) / 1000) * 2 ** 32), 12);
  buffer.writeUInt32BE(report.rtpTimestamp >>> 0, 16);
  buffer.writeUInt32BE(report.packets >>> 0, 20);
  buffer.writeUInt32BE(report.bytes >>> 0, 24);
  return buffer;
}

export function writeReceiverReport(sender: number, blocks: readonly ReportBlock[]): Buffer {
  const shown = blocks.slice(0, 31);
  const buffer = head(shown.length, RECEIVER_REPORT, 8 + shown.length * 24, sender);
  shown.forEach((block, index) => {
    const at = 8 + index * 24;
    buffer.writeUInt32BE(block.ssrc, at);
    buffer[at + 4] = block.fractionLost;
    buffer.writeIntBE(Math.min(block.lost, 0x7f_ffff), at + 5, 3);
    buffer.writeUInt32BE(block.highestSequence >>> 0, at + 8);
    buffer.writeUInt32BE(Math.round(block.jitter) >>> 0, at + 12);
    buffer.writeUInt32BE(block.lastSenderReport >>> 0, at + 16);
    buffer.writeUInt32BE(block.delaySinceLast >>> 0, at + 20);
  });
  return buffer;
}

export function writePli(sender: number, ssrc: number): Buffer {
  const buffer = head(PLI, PAYLOAD_FEEDBACK, 12, sender);
  buffer.writeUInt32BE(ssrc, 8);
  return buffer;
}

/** @param sequences ascending */
export function writeNack(sender: number, ssrc: number, sequences: readonly number[]): Buffer {
  const pairs: { pid: number; mask: number }[] = [];
  for (const sequence of sequences) {
    const last = pairs.at(-1);
    const distance = last ? (sequence - last.pid) & 0xffff : 0;
    if (last && distance >= 1 && distance <= 16) last.mask |= 1 << (distance - 1);
    else pairs.push({ pid: sequence, mask: 0 });
  }
  const buffer = head(NACK, TRANSPORT_FEEDBACK, 12 + pairs.length * 4, sender);
  buffer.writeUInt32BE(ssrc, 8);
  pairs.forEach(({ pid, mask }, index) => {
    buffer.writeUInt16BE(pid, 12 + index * 4);
    buffer.writeUInt16BE(mask, 14 + index * 4);
  });
  return buffer;
}

/** What a compound packet says; parts that are not known here or are cut off are passed over. */
export function parseRtcp(packet: Buffer): readonly RtcpMessage[] {
  const messages: RtcpMessage[] = [];
  let at = 0;
  while (at + 8 <= packet.length) {
    const end = at + 4 + packet.readUInt16BE(at + 2) * 4;
    if (end > packet.length || end < at + 8) break;
    messages.push(...parseOne(packet.subarray(at, end)));
    at = end;
  }
  return messages;
}

function parseOne(part: Buffer): readonly RtcpMessage[] {
  const count = (part[0] ?? 0) & 0x1f;
  const type = part[1] ?? 0;
  if (type === SENDER_REPORT && part.length >= 28) {
    const ntp = ((part.readUInt32BE(8) & 0xffff) * 0x1_0000 + (part.readUInt32BE(12) >>> 16)) >>> 0;
    return [{ type: 'senderReport', ssrc: part.readUInt32BE(4), ntp }, ...blocks(part, 28, count)];
  }
  if (type === RECEIVER_REPORT) return blocks(part, 8, count);
  if (part.length < 12) return [];
  if (type === TRANSPORT_FEEDBACK && count === NACK) {
    return [{ type: 'nack', ssrc: part.readUInt32BE(8), sequences: nacked(part) }];
  }
  if (type === PAYLOAD_FEEDBACK && count === PLI) return [{ type: 'keyFrame', ssrc: part.readUInt32BE(8) }];
  if (type === PAYLOAD_FEEDBACK && count === FIR) {
    const messages: RtcpMessage[] = [];
    for (let at = 12; at + 8 <= part.length; at += 8) {
      messages.push({ type: 'keyFrame', ssrc: part.readUInt32BE(at) });
    }
    return messages;
  }
  return [];
}

function blocks(part: Buffer, begin: number, count: number): RtcpMessage[] {
  const messages: RtcpMessage[] = [];
  for (let at = begin; at + 24 <= part.length && messages.length < count; at += 24) {
    messages.push({
      type: 'receiverReport',
      ssrc: part.readUInt32BE(at),
      fractionLost: part[at + 4] ?? 0,
      jitter: part.readUInt32BE(at + 12),
    });
  }
  return messages;
}

function nacked(part: Buffer): number[] {
  const sequences: number[] = [];
  for (let at = 12; at + 4 <= part.length; at += 4) {
    const pid = part.readUInt16BE(at);
    const mask = part.readUInt16BE(at + 2);
    sequences.push(pid);
    for (let bit = 0; bit < 16; bit++) if (mask & (1 << bit)) sequences.push((pid + bit + 1) & 0xffff);
  }
  return sequences;
}

function head(count: number, type: number, length: number, ssrc: number): Buffer {
  const buffer = Buffer.alloc(length);
  buffer[0] = 0x80 | count;
  buffer[1] = type;
  buffer.writeUInt16BE(length / 4 - 1, 2);
  buffer.writeUInt32BE(ssrc, 4);
  return buffer;
}
