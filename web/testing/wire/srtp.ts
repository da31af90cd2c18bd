/** Opens recorded SRTP and SRTCP of a trunk (RFC 7714, AEAD_AES_256_GCM) for whoever has its key: an SFT, or who took one over. Pure. */
import { createDecipheriv } from 'node:crypto';
import { deriveKeys, type SessionKeys } from '#cli/worker/srtp-reference.ts';
import { isRtcp, type ParsedHeader, parseHeader } from '#client/media/node/rtp.ts';
import { SRTP_SUITE } from '#signalling/media-profile.ts';

const [KEY, TAG, INDEX, RTCP_HEADER] = [32, 16, 4, 8];
const ENCRYPTED = 0x8000_0000;

export interface OpenedRtp {
  readonly header: ParsedHeader;
  /** Without padding. */
  readonly payload: Buffer;
}

export class TrunkOpener {
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  /** By SSRC, how often its sequence numbers have begun anew. */
  readonly #rollovers = new Map<number, number>();

  /** @param key in base64, as the link says it */
  constructor(key: string) {
    const bytes = Buffer.from(key, 'base64');
    const master = { key: bytes.subarray(0, KEY), salt: bytes.subarray(KEY) };
    this.#rtp = deriveKeys(SRTP_SUITE, master, 'rtp');
    this.#rtcp = deriveKeys(SRTP_SUITE, master, 'rtcp');
  }

  /** Undefined where it was not sealed with this key. */
  openRtp(packet: Buffer): OpenedRtp | undefined {
    const header = parseHeader(packet);
    if (!header || isRtcp(packet)) return undefined;
    const count = this.#rollovers.get(header.ssrc) ?? 0;
    // A packet that comes late is of the round before; whatever opens was guessed rightly.
    for (const rollover of [count, count + 1, count - 1].filter((each) => each >= 0)) {
      const nonce = Buffer.alloc(12);
      nonce.writeUInt32BE(header.ssrc, 2);
      nonce.writeUInt32BE(rollover, 6);
      nonce.writeUInt16BE(header.sequence, 10);
      const payload = openWith(this.#rtp, nonce, packet.subarray(0, header.length), packet.subarray(header.length));
      if (!payload) continue;
      this.#rollovers.set(header.ssrc, Math.max(count, rollover));
      return { header, payload: header.hasPadding ? payload.subarray(0, -(payload.at(-1) ?? 0)) : payload };
    }
    return undefined;
  }

  /** Undefined where it was not sealed with this key. */
  openRtcp(packet: Buffer): Buffer | undefined {
    if (!isRtcp(packet) || packet.length < RTCP_HEADER + TAG + INDEX) return undefined;
    const [head, trailer] = [packet.subarray(0, RTCP_HEADER), packet.subarray(-INDEX)];
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(packet.readUInt32BE(4), 2);
    nonce.writeUInt32BE(trailer.readUInt32BE() % ENCRYPTED, 8);
    return openWith(this.#rtcp, nonce, Buffer.concat([head, trailer]), packet.subarray(RTCP_HEADER, -INDEX));
  }
}

/** @param nonce before it is combined with the salt. @param sealed with its tag */
function openWith({ key, salt }: SessionKeys, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer | undefined {
  if (sealed.length < TAG) return undefined;
  const mixed = nonce.map((byte, at) => byte ^ (salt[at] ?? 0));
  const decipher = createDecipheriv('aes-256-gcm', key, mixed, { authTagLength: TAG });
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-TAG));
  const text = decipher.update(sealed.subarray(0, -TAG));
  try {
    decipher.final();
    return text;
  } catch {
    return undefined;
  }
}
