/** The events' WebSocket: messages that are spoilt, and frames (RFC 6455, section 5.2) that lie. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import fc, { type Arbitrary } from 'fast-check';
import { CLIENT_HOME, EVENTS_PATH } from '#signalling/client-home.ts';
import { type Spoiling, spoiling, spoilt, spoiltText } from '#signalling/testing-spoil.ts';
import { judgedClosing } from './judge.ts';
import { type Sender, withReal } from './requests.ts';
import type { Outcome } from './target.ts';
import { LONGEST_MS } from './wire.ts';

const MESSAGES = [
  '{"id":1,"method":"hello","params":{"accessToken":"{{token}}"}}',
  '{"id":2,"method":"receive","params":{"after":0}}',
  '{"id":2,"method":"receive","params":{"after":9007199254740991}}',
  '{"id":3,"method":"send","params":{"conversation":"{{conversation}}","number":1,"message":"{{message}}"}}',
  '{"method":"acknowledge","params":{"position":1}}',
  '{"method":"acknowledge","params":{"position":9007199254740991}}',
  '{"ping":1}',
  '{"pong":1}',
  '{"id":1,"result":{}}',
  '{"id":1,"error":{"code":"SIG_BUSY"}}',
] as const;

export interface SocketInput {
  /** Whether a right hello goes before. */
  readonly isGreeted: boolean;
  readonly messages: readonly { readonly text: string; readonly spoiling?: Spoiling }[];
  readonly opcode: number;
  /** In place of the real length of the last frame, and of its other bits; absent where it is right. */
  readonly lie?: { readonly length: 'short' | 'long' | 'huge' | 'top'; readonly bits: number };
  /** Of the bytes of all frames. */
  readonly spoiling?: Spoiling;
}

export const sockets: Arbitrary<SocketInput> = fc.record(
  {
    isGreeted: fc.boolean(),
    messages: fc.array(
      fc.record(
        {
          text: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...MESSAGES) }, { weight: 1, arbitrary: fc.json() }),
          spoiling,
        },
        { requiredKeys: ['text'] },
      ),
      { minLength: 1, maxLength: 4 },
    ),
    opcode: fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 0, 3, 8, 9, 10, 15),
    lie: fc.record({ length: fc.constantFrom('short', 'long', 'huge', 'top'), bits: fc.nat(255) }),
    spoiling,
  },
  { requiredKeys: ['isGreeted', 'messages', 'opcode'] },
) as Arbitrary<SocketInput>;

/** What every exchange ends with: whoever reads to here answers it. */
const LAST = '{"ping":4242}';
const ANSWERED = '{"pong":4242}';
/** A frame that is not whole is waited for by the server. ms */
const PATIENCE_MS = 60;

export function socketBytes(input: SocketInput, { token, values }: Sender): Buffer {
  const real = (text: string) => withReal(text, new Map([...values, ['token', token]]));
  const hello = input.isGreeted ? [frame(real(MESSAGES[0]))] : [];
  const frames = input.messages.map(({ text, spoiling: how }, index) => {
    const content = how ? spoiltText([real(text)], how) : real(text);
    return index === input.messages.length - 1 ? frame(content, input.opcode, input.lie) : frame(content);
  });
  const bytes = Buffer.concat(frames);
  return Buffer.concat([...hello, input.spoiling ? spoilt([bytes], input.spoiling) : bytes, frame(LAST)]);
}

/** Opens one, sends, and waits until it answers the last message, closes, or waits for the rest of a frame. */
export function attemptSocket(port: number, bytes: Buffer): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let heard = Buffer.alloc(0);
    const settle = (outcome: Outcome) => {
      clearTimeout(longest);
      clearTimeout(patience);
      socket.destroy();
      resolve(outcome);
    };
    const longest = setTimeout(() => settle({ answer: 'silent', wrong: 'it was not opened' }), LONGEST_MS);
    let patience: ReturnType<typeof setTimeout> | undefined;
    socket.on('error', () => undefined);
    socket.once('close', () => settle(closingIn(heard) ?? { answer: 'cut' }));
    socket.on('data', (data) => {
      heard = Buffer.concat([heard, data]);
      if (patience === undefined && heard.includes('\r\n\r\n')) {
        if (!heard.toString('latin1').startsWith('HTTP/1.1 101')) {
          return settle({ answer: 'refused', wrong: heard.toString('latin1', 0, 100) });
        }
        socket.write(bytes);
        patience = setTimeout(() => settle({ answer: 'waits' }), PATIENCE_MS);
      }
      if (heard.includes(ANSWERED)) return settle(insideOf(heard) ?? { answer: 'goes on' });
      const closing = closingIn(heard);
      if (closing) settle(insideOf(heard) ?? closing);
    });
    socket.write(
      [
        `GET ${EVENTS_PATH} HTTP/1.1`,
        'Host: 127.0.0.1',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        `Sec-WebSocket-Protocol: ${CLIENT_HOME.protocol}`,
        '\r\n',
      ].join('\r\n'),
    );
  });
}

function insideOf(heard: Buffer): Outcome | undefined {
  const text = heard.toString('latin1');
  return text.includes('SIG_INTERNAL') ? { answer: 'SIG_INTERNAL', wrong: text.slice(-200) } : undefined;
}

/** What a closing frame says, if one came. The frames of the server are not masked. */
export function closingIn(heard: Buffer): Outcome | undefined {
  let at = heard.indexOf('\r\n\r\n') + 4;
  while (at > 3 && at + 2 <= heard.length) {
    const [first = 0, second = 0] = heard.subarray(at, at + 2);
    let length = second & 0x7f;
    let start = at + 2;
    if (length === 126) {
      if (start + 2 > heard.length) return undefined;
      length = heard.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      if (start + 8 > heard.length) return undefined;
      length = Number(heard.readBigUInt64BE(start));
      start += 8;
    }
    if (start + length > heard.length) return undefined;
    const content = heard.subarray(start, start + length);
    if ((first & 0x0f) === 8) {
      const code = content.length >= 2 ? content.readUInt16BE(0) : 1005;
      return judgedClosing(code, content.toString('utf8', 2));
    }
    at = start + length;
  }
  return undefined;
}

function frame(text: string, opcode = 1, lie?: SocketInput['lie']): Buffer {
  const content = Buffer.from(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = content.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([headOf(saidLength(content.length, lie), opcode, lie?.bits ?? 0), mask, masked]);
}

function saidLength(length: number, lie: SocketInput['lie']): bigint {
  switch (lie?.length) {
    case undefined:
      return BigInt(length);
    case 'short':
      return BigInt(length >> 1);
    case 'long':
      return BigInt(length + 100);
    case 'huge':
      return 2n ** 40n;
    case 'top':
      return 2n ** 64n - 1n;
  }
}

/** @param bits reserved ones, the end of a message and the mask, turned over */
function headOf(length: bigint, opcode: number, bits: number): Buffer {
  const first = (0x80 | opcode) ^ (bits & 0x70) ^ (bits & 0x80);
  const isMasked = (bits & 1) === 0 ? 0x80 : 0;
  if (length < 126n) return Buffer.from([first, isMasked | Number(length)]);
  const long = length > 0xffffn;
  const head = Buffer.alloc(long ? 10 : 4);
  head.set([first, isMasked | (long ? 127 : 126)]);
  if (long) head.writeBigUInt64BE(length, 2);
  else head.writeUInt16BE(Number(length), 2);
  return head;
}
