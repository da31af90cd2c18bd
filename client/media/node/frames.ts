/** Whole frames out of the packets of one stream, each as soon as its last packet is there. Pure. */
import { type ParsedHeader, sequenceDistance } from './rtp.ts';
import { parsePayload } from './vp8.ts';

export interface WholeFrame {
  readonly data: Uint8Array;
  /** Of RTP, 32 bits. */
  readonly timestamp: number;
}

/** Takes each packet once, in any order. Undefined while a frame is not whole. */
export type TakePacket = (
  header: Pick<ParsedHeader, 'sequence' | 'timestamp' | 'marker'>,
  payload: Buffer,
) => WholeFrame | undefined;

/** Frames of which packets are missing, at most: at 30 a second two seconds of them. */
const MAX_PARTIAL = 64;

interface Unfinished {
  readonly packets: Map<number, Buffer>;
  first?: number;
  last?: number;
}

/** A frame of sound is one packet (RFC 7587, section 4.2). */
export const takeSound: TakePacket = ({ timestamp }, payload) => ({ data: payload, timestamp });

/** The packets of a picture have one timestamp; the first says that it is, and the last has the marker (RFC 7741, section 4.1). */
export function vp8Frames(): TakePacket {
  const partial = new Map<number, Unfinished>();
  return ({ sequence, timestamp, marker }, payload) => {
    const parsed = parsePayload(payload);
    if (!parsed) return undefined;
    const frame: Unfinished = partial.get(timestamp) ?? { packets: new Map() };
    partial.set(timestamp, frame);
    frame.packets.set(sequence, parsed.data);
    if (parsed.isStart) frame.first = sequence;
    if (marker) frame.last = sequence;
    const data = wholeOf(frame);
    if (data) partial.delete(timestamp);
    const [oldest] = partial.keys();
    if (partial.size > MAX_PARTIAL && oldest !== undefined) partial.delete(oldest);
    return data && { data, timestamp };
  };
}

function wholeOf({ packets, first, last }: Unfinished): Buffer | undefined {
  if (first === undefined || last === undefined) return undefined;
  const count = sequenceDistance(first, last) + 1;
  if (count !== packets.size) return undefined;
  const parts = Array.from({ length: count }, (_, index) => packets.get((first + index) & 0xffff));
  return parts.includes(undefined) ? undefined : Buffer.concat(parts as Buffer[]);
}
