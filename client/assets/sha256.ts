/**
 * SHA-256 (FIPS 180-4) of bytes that come piece by piece. WebCrypto can digest only what is in memory as a whole, which a
 * file is not; what it can do, such as the digest of one chunk, is left to it.
 */
import type { Bytes } from './base64url.ts';

const BLOCK = 64;

/** The first 32 bits of the fractions of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const [K, START] = constants();

export class Sha256 {
  readonly #state = Int32Array.from(START);
  readonly #block = new Uint8Array(BLOCK);
  readonly #words = new Int32Array(BLOCK);
  #length = 0;
  #isDone = false;

  update(bytes: Uint8Array): this {
    if (this.#isDone) throw new Error('the digest was taken');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    const filled = this.#length % BLOCK;
    this.#length += bytes.length;
    if (filled > 0) {
      at = Math.min(BLOCK - filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), filled);
      if (filled + at < BLOCK) return this;
      this.#compress(new DataView(this.#block.buffer), 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#compress(view, at);
    this.#block.set(bytes.subarray(at));
    return this;
  }

  /** 32 bytes. Takes nothing more afterwards. */
  digest(): Bytes {
    const bits = this.#length * 8;
    const filled = this.#length % BLOCK;
    const padding = new Uint8Array((filled < 56 ? 56 : 120) - filled + 8);
    padding[0] = 0x80;
    const end = new DataView(padding.buffer);
    end.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    end.setUint32(padding.length - 4, bits % 2 ** 32);
    this.update(padding);
    this.#isDone = true;
    const digest = new Uint8Array(32);
    const view = new DataView(digest.buffer);
    for (const [index, value] of this.#state.entries()) view.setInt32(index * 4, value);
    return digest;
  }

  #compress(view: DataView, at: number): void {
    const w = this.#words;
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
    for (let i = 16; i < BLOCK; i++) {
      const x = word(w, i - 15);
      const y = word(w, i - 2);
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (word(w, i - 16) + s0 + word(w, i - 7) + s1) | 0;
    }
    const state = this.#state;
    let a = word(state, 0);
    let b = word(state, 1);
    let c = word(state, 2);
    let d = word(state, 3);
    let e = word(state, 4);
    let f = word(state, 5);
    let g = word(state, 6);
    let h = word(state, 7);
    for (let i = 0; i < BLOCK; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + word(K, i) + word(w, i)) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] = (word(state, 0) + a) | 0;
    state[1] = (word(state, 1) + b) | 0;
    state[2] = (word(state, 2) + c) | 0;
    state[3] = (word(state, 3) + d) | 0;
    state[4] = (word(state, 4) + e) | 0;
    state[5] = (word(state, 5) + f) | 0;
    state[6] = (word(state, 6) + g) | 0;
    state[7] = (word(state, 7) + h) | 0;
  }
}

/** Every index is within bounds; the compiler cannot know it. */
function word(words: Int32Array, index: number): number {
  return words[index] as number;
}

function constants(): readonly [Int32Array, Int32Array] {
  const primes: number[] = [];
  for (let n = 2; primes.length < BLOCK; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return [
    Int32Array.from(primes, (p) => fractionOf(BigInt(p), 3n)),
    Int32Array.from(primes.slice(0, 8), (p) => fractionOf(BigInt(p), 2n)),
  ];
}

/** 32 bits behind the point of the root, exactly: of the whole root of p · 2^(32·degree) the lowest 32. */
function fractionOf(p: bigint, degree: 2n | 3n): number {
  const target = p << (32n * degree);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return Number(BigInt.asIntN(32, low));
}
