/**
 * Does the work that registering costs where everybody may. WebCrypto hashes beside the page's own thread, many at once, so
 * that the page goes on living and can say how far it is.
 */
import { leadingZeroBits, workText } from '#signalling/proof-of-work.ts';
import type { Challenge, Work } from '#signalling/registration.ts';

export interface WorkOptions {
  readonly signal?: AbortSignal;
  /** Hashes tried so far. About 2^bits will be needed, which is no bound: some take three times as many. */
  readonly onProgress?: (tried: number) => void;
}

/** Hashes under way at once: enough to keep the threads busy, few enough for a pause every few milliseconds. */
const AT_ONCE = 1_024;

/** Rejects with the signal's reason. */
export async function solve({ challenge, bits }: Challenge, options: WorkOptions = {}): Promise<Work> {
  const encoder = new TextEncoder();
  for (let tried = 0; ; tried += AT_ONCE) {
    options.signal?.throwIfAborted();
    options.onProgress?.(tried);
    const hashes = Array.from({ length: AT_ONCE }, (_, i) =>
      crypto.subtle.digest('SHA-256', encoder.encode(workText(challenge, String(tried + i)))),
    );
    const found = (await Promise.all(hashes)).findIndex((hash) => leadingZeroBits(new Uint8Array(hash)) >= bits);
    if (found !== -1) return { challenge, solution: String(tried + found) };
  }
}
