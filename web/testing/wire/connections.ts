/** What went over each TCP connection of a recording, both ways, put together from its segments. Pure. */
import type { Endpoint, Packet } from './pcap.ts';

export interface Connection {
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** What the client sent, and what it received. */
  readonly sent: Buffer;
  readonly received: Buffer;
}

interface Piece {
  /** Bytes after the first one of its way. */
  readonly offset: number;
  readonly data: Buffer;
}

interface Open {
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly begins: { sent: number; received: number };
  readonly sent: Piece[];
  readonly received: Piece[];
}

/** @throws Error where the begin of a connection or a piece amid it was not recorded */
export function connectionsIn(packets: readonly Packet[]): Connection[] {
  const all: Open[] = [];
  const current = new Map<string, Open>();
  for (const { from, to, segment, payload } of packets) {
    if (!segment) continue;
    const key = [nameOf(from), nameOf(to)].sort().join();
    if (segment.isSyn && !segment.isAck) {
      const open = {
        client: from,
        server: to,
        begins: { sent: segment.sequence, received: 0 },
        sent: [],
        received: [],
      };
      // One that is asked for again is the same.
      const known = current.get(key);
      if (known?.begins.sent !== segment.sequence) {
        current.set(key, open);
        all.push(open);
      }
      continue;
    }
    const open = current.get(key);
    if (!open) {
      if (payload.length > 0) throw new Error(`the begin of a connection with ${nameOf(to)} was not recorded`);
      continue;
    }
    const way = nameOf(from) === nameOf(open.client) ? 'sent' : 'received';
    if (segment.isSyn) open.begins[way] = segment.sequence;
    else if (payload.length > 0)
      open[way].push({ offset: (segment.sequence - open.begins[way] - 1) >>> 0, data: payload });
  }
  return all.map(({ client, server, sent, received }) => ({
    client,
    server,
    sent: joined(sent, server),
    received: joined(received, server),
  }));
}

function joined(pieces: readonly Piece[], server: Endpoint): Buffer {
  const parts: Buffer[] = [];
  let end = 0;
  for (const { offset, data } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    // A byte that keeps a connection alive comes before what was sent already.
    if (offset > 2 ** 31) continue;
    if (offset > end) throw new Error(`a piece of a connection with ${nameOf(server)} was not recorded`);
    if (offset + data.length <= end) continue;
    parts.push(data.subarray(end - offset));
    end = offset + data.length;
  }
  return Buffer.concat(parts);
}

function nameOf({ ip, port }: Endpoint): string {
  return `${ip} ${port}`;
}
