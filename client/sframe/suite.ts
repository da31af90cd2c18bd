/** The cipher suites of RFC 9605, section 4.5. A conference uses the fourth: its tags are whole, and its cipher is that of the MLS suite. */
export interface Suite {
  readonly id: number;
  readonly hash: 'SHA-256' | 'SHA-512';
  readonly mode: 'ctr' | 'gcm';
  /** Nk, or Nka where the authentication has a key of its own behind it, bytes. */
  readonly cipherKey: number;
  /** Of HMAC: nothing of GCM, bytes. */
  readonly macKey: number;
  /** Nt, bytes. */
  readonly tag: number;
}

/** Nn of every suite, bytes. */
export const NONCE_BYTES = 12;

const ctr = (id: number, tag: number): Suite => ({
  ...{ id, hash: 'SHA-256', mode: 'ctr', cipherKey: 16, macKey: 32, tag },
});

export const SUITES: readonly Suite[] = [
  ctr(1, 10),
  ctr(2, 8),
  ctr(3, 4),
  { id: 4, hash: 'SHA-256', mode: 'gcm', cipherKey: 16, macKey: 0, tag: 16 },
  { id: 5, hash: 'SHA-512', mode: 'gcm', cipherKey: 32, macKey: 0, tag: 16 },
];

/** AES_128_GCM_SHA256_128. */
export const CONFERENCE_SUITE = SUITES[3] as Suite;
