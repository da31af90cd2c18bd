/** What was said over a recorded WebSocket (RFC 6455), without the mask that a client puts over it. Pure. */
import type { Connection } from './connections.ts';

const END_OF_HEAD = '\r\n\r\n';
const [CONTINUED, TEXT, BINARY] = [0, 1, 2];

/** Of the request that began it: `/link/v1`. Undefined where no WebSocket was asked for. */
export function pathOfWebSocket({ sent }: Connection): string | undefined {
  const head = sent.toString('latin1', 0, Math.max(0, sent.indexOf(END_OF_HEAD)));
  return /\r\nupgrade: websocket/i.test(head) ? /^GET (\S+)/.exec(head)?.[1] : undefined;
}

/** Whole messages, in the order of their ends. @param bytes one way of a connection */
export function messagesIn(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  let parts: Buffer[] = [];
  let at = bytes.indexOf(END_OF_HEAD);
  if (at < 0) return [];
  at += END_OF_HEAD.length;
  while (at + 2 <= bytes.length) {
    const [first, second] = [bytes[at] ?? 0, bytes[at + 1] ?? 0];
    at += 2;
    let length = second & 0x7f;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    if (at + extended + 4 > bytes.length && extended > 0) break;
    if (extended === 2) length = bytes.readUInt16BE(at);
    if (extended === 8) length = Number(bytes.readBigUInt64BE(at));
    at += extended;
    const mask = second & 0x80 ? bytes.subarray(at, at + 4) : undefined;
    at += mask ? 4 : 0;
    // The last one, where the recording ended amid it.
    if (at + length > bytes.length) break;
    const data = Buffer.from(bytes.subarray(at, at + length));
    if (mask) for (let index = 0; index < length; index++) data[index] = (data[index] ?? 0) ^ (mask[index % 4] ?? 0);
    at += length;
    const opcode = first & 0x0f;
    if (opcode !== CONTINUED && opcode !== TEXT && opcode !== BINARY) continue;
    parts.push(data);
    if (!(first & 0x80)) continue;
    messages.push(Buffer.concat(parts));
    parts = [];
  }
  return messages;
}
