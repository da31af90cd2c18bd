/** Signatures that were found good, so that each is checked once: that of a key package by the hub when somebody comes, and by the library when it is committed. */
import { bytesKey } from './bytes.ts';

/** The leaves of the largest groups; some 100 bytes each. */
const MAX_KNOWN = 4_096;

export class Verified {
  /** Only good ones: whoever sends bad ones puts nothing in here. */
  readonly #known = new Set<string>();
  readonly #digest: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

  /** @param digest SHA-256 */
  constructor(digest: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>) {
    this.#digest = digest;
  }

  /** @param parts by whom and of what the signature is; each says by itself where it ends, but for the last */
  async check(parts: readonly Uint8Array[], verify: () => boolean | Promise<boolean>): Promise<boolean> {
    const name = bytesKey(await this.#digest(joined(parts)));
    if (this.#known.has(name)) return true;
    if (!(await verify())) return false;
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.values().next().value ?? '');
    this.#known.add(name);
    return true;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
