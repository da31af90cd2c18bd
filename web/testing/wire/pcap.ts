/** What tcpdump has written: the pcap format, and of each packet what IP, UDP and TCP say of it (RFC 791, 8200, 768, 9293). Pure. */

export interface Packet {
  readonly protocol: 'udp' | 'tcp';
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** What UDP or TCP carries. */
  readonly payload: Buffer;
  /** Of TCP. */
  readonly segment?: Segment;
}

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export interface Segment {
  readonly sequence: number;
  readonly isSyn: boolean;
  readonly isAck: boolean;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** The same number for microseconds and for nanoseconds, by a machine that writes the lowest byte first. */
const MAGIC = [0xa1b2c3d4, 0xa1b23c4d];
/** Loopback on Linux says that it is an Ethernet. */
const ETHERNET = 1;
const ETHERNET_HEADER = 14;
const [IPV4, IPV6] = [0x0800, 0x86dd];
const [TCP, UDP] = [6, 17];

/**
 * All UDP and TCP packets of a recording, in order.
 * @throws Error where it is not what tcpdump writes of loopback, or a packet is not recorded whole
 */
export function readPcap(file: Buffer): Packet[] {
  if (!MAGIC.includes(file.readUInt32LE(0)) || file.readUInt32LE(20) !== ETHERNET)
    throw new Error('this is no recording of loopback by tcpdump');
  const packets: Packet[] = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER <= file.length; ) {
    const [recorded, length] = [file.readUInt32LE(at + 8), file.readUInt32LE(at + 12)];
    if (recorded < length) throw new Error('a packet is not recorded whole');
    at += RECORD_HEADER;
    const packet = readFrame(file.subarray(at, at + recorded));
    if (packet) packets.push(packet);
    at += recorded;
  }
  return packets;
}

function readFrame(frame: Buffer): Packet | undefined {
  const type = frame.readUInt16BE(12);
  const ip = frame.subarray(ETHERNET_HEADER);
  if (type === IPV4) {
    const header = ((ip[0] ?? 0) & 0x0f) * 4;
    // Pieces of a packet would hide what is in them; loopback makes none.
    if ((ip.readUInt16BE(6) & 0x3fff) !== 0) throw new Error('a packet was taken apart by IP');
    const address = (at: number) => ip.subarray(at, at + 4).join('.');
    return readTransport(ip[9], ip.subarray(header, ip.readUInt16BE(2)), address(12), address(16));
  }
  if (type === IPV6) {
    const address = (at: number) => ip.toString('hex', at, at + 16);
    return readTransport(ip[6], ip.subarray(40, 40 + ip.readUInt16BE(4)), address(8), address(24));
  }
  return undefined;
}

function readTransport(protocol: number | undefined, data: Buffer, source: string, target: string): Packet | undefined {
  if (protocol !== TCP && protocol !== UDP) return undefined;
  const from = { ip: source, port: data.readUInt16BE(0) };
  const to = { ip: target, port: data.readUInt16BE(2) };
  if (protocol === UDP) return { protocol: 'udp', from, to, payload: data.subarray(8, data.readUInt16BE(4)) };
  const flags = data[13] ?? 0;
  return {
    protocol: 'tcp',
    from,
    to,
    payload: data.subarray(((data[12] ?? 0) >> 2) & 0x3c),
    segment: { sequence: data.readUInt32BE(4), isSyn: (flags & 0x02) !== 0, isAck: (flags & 0x10) !== 0 },
  };
}
