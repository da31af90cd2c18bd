/**
 * The SSRCs ever used under one SRTP key. A repeated one would repeat an AES-GCM nonce (RFC 7714, section 8.1), and
 * mediasoup draws them from 9*10^8 values without looking back, so that each is checked here before it is used.
 */
export class SsrcRegistry {
  readonly #used = new Set<number>();

  /** Takes all of the SSRCs, or none and answers false when one was used before. */
  take(...ssrcs: number[]): boolean {
    if (new Set(ssrcs).size < ssrcs.length || ssrcs.some((ssrc) => this.#used.has(ssrc))) return false;
    for (const ssrc of ssrcs) this.#used.add(ssrc);
    return true;
  }

  get size(): number {
    return this.#used.size;
  }
}
