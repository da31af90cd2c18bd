/** Opens recorded TLS 1.3 (RFC 8446) for whoever has the keys of its connections, as `node --tls-keylog` writes them. Pure. */
import { createDecipheriv, createHmac } from 'node:crypto';
import type { Connection } from './connections.ts';

/** By the client's random number in hex, what each label of the log says. */
export type KeyLog = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

/** The format of NSS: a label, the client's random number, the secret. */
export function readKeyLog(text: string): KeyLog {
  const log = new Map<string, Map<string, Buffer>>();
  for (const [, label = '', random = '', secret = ''] of text.matchAll(/^([A-Z_0-9]+) ([0-9a-f]+) ([0-9a-f]+)$/gm)) {
    const known = log.get(random) ?? new Map<string, Buffer>();
    log.set(random, known.set(label, Buffer.from(secret, 'hex')));
  }
  return log;
}

interface Suite {
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly hash: 'sha256' | 'sha384';
  readonly keyBytes: number;
}

/** RFC 8446, appendix B.4. */
const SUITES: Readonly<Record<number, Suite>> = {
  4865: { cipher: 'aes-128-gcm', hash: 'sha256', keyBytes: 16 },
  4866: { cipher: 'aes-256-gcm', hash: 'sha384', keyBytes: 32 },
  4867: { cipher: 'chacha20-poly1305', hash: 'sha256', keyBytes: 32 },
};
const RECORD_HEADER = 5;
const [HANDSHAKE, APPLICATION] = [22, 23];
const TAG = 16;
/** Of a handshake record: its own header, and that of the message in it. */
const RANDOM_AT = RECORD_HEADER + 4 + 2;

export function isTls({ sent }: Connection): boolean {
  return sent[0] === HANDSHAKE;
}

/**
 * What the two ends said inside TLS.
 * @throws Error where the log does not have the keys, or a record does not open with them
 */
export function openTls(connection: Connection, log: KeyLog): Connection {
  const { sent, received } = connection;
  // The server refused before it said anything.
  if (received[0] !== HANDSHAKE) return { ...connection, sent: Buffer.alloc(0), received: Buffer.alloc(0) };
  const secrets = log.get(sent.toString('hex', RANDOM_AT, RANDOM_AT + 32));
  const sessionId = received[RANDOM_AT + 32] ?? 0;
  const suite = SUITES[received.readUInt16BE(RANDOM_AT + 33 + sessionId)];
  if (!secrets || !suite) throw new Error('the log does not have the keys of a connection');
  const open = (bytes: Buffer, who: 'CLIENT' | 'SERVER') => {
    const handshake = secrets.get(`${who}_HANDSHAKE_TRAFFIC_SECRET`);
    const application = secrets.get(`${who}_TRAFFIC_SECRET_0`);
    if (!handshake || !application) throw new Error('the log does not have all keys of a connection');
    return openWay(bytes, suite, [handshake, application]);
  };
  return { ...connection, sent: open(sent, 'CLIENT'), received: open(received, 'SERVER') };
}

/** @param secrets of the handshake, and of what comes after it */
function openWay(bytes: Buffer, suite: Suite, secrets: readonly [Buffer, Buffer]): Buffer {
  const [handshake, application] = secrets.map((secret) => new Opener(suite, secret)) as [Opener, Opener];
  const said: Buffer[] = [];
  let opener = handshake;
  for (let at = 0; at + RECORD_HEADER <= bytes.length; ) {
    const header = bytes.subarray(at, at + RECORD_HEADER);
    const end = at + RECORD_HEADER + header.readUInt16BE(3);
    // The last one, where the recording ended amid it.
    if (end > bytes.length) break;
    const body = bytes.subarray(at + RECORD_HEADER, end);
    at = end;
    if (header[0] !== APPLICATION) continue;
    let inner = opener.open(header, body);
    if (!inner && opener === handshake) {
      opener = application;
      inner = opener.open(header, body);
    }
    if (!inner) throw new Error('a record of TLS does not open');
    if (inner.type === APPLICATION) said.push(inner.content);
  }
  return Buffer.concat(said);
}

class Opener {
  readonly #suite: Suite;
  readonly #key: Buffer;
  readonly #iv: Buffer;
  #count = 0n;

  constructor(suite: Suite, secret: Buffer) {
    this.#suite = suite;
    this.#key = expand(suite, secret, 'key', suite.keyBytes);
    this.#iv = expand(suite, secret, 'iv', 12);
  }

  open(header: Buffer, body: Buffer): { readonly type: number; readonly content: Buffer } | undefined {
    const nonce = Buffer.from(this.#iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.#count, 4);
    const [text, tag] = [body.subarray(0, -TAG), body.subarray(-TAG)];
    // Node's types know the three ciphers under names of their own; all are called the same way.
    const decipher = createDecipheriv(this.#suite.cipher as 'aes-128-gcm', this.#key, nonce, { authTagLength: TAG });
    decipher.setAAD(header).setAuthTag(tag);
    const padded = decipher.update(text);
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    this.#count += 1n;
    // Content, its type, zeros (section 5.2).
    let end = padded.length;
    while (end > 0 && padded[end - 1] === 0) end -= 1;
    return { type: padded[end - 1] ?? 0, content: padded.subarray(0, Math.max(0, end - 1)) };
  }
}

/** HKDF-Expand-Label with an empty context (section 7.1), of what one turn of the hash gives. */
function expand({ hash }: Suite, secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}
