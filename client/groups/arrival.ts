/** A device at the door of the group of a call: it has handed in a key package made for that group, and waits for the Welcome. */
import { type DeviceKeys, makeKeyPackage } from '#mls/key-package.ts';
import { keyPackageReference } from '#mls/welcome.ts';
import { toBase64Url } from '#signalling/base64.ts';

/** Longer than it takes until the next in line has committed where the first one does not. ms */
const WELCOME_MS = 3_000;

export class Arrival {
  /** An MLSMessage. */
  readonly keyPackage: Uint8Array;
  readonly #reference: string;
  readonly #secrets: Uint8Array;
  readonly #welcomed = Promise.withResolvers<void>();

  private constructor(keyPackage: Uint8Array, reference: Uint8Array, secrets: Uint8Array) {
    this.keyPackage = keyPackage;
    this.#reference = toBase64Url(reference);
    this.#secrets = secrets;
  }

  /** @param now ms since 1970 */
  static async make(keys: DeviceKeys, now: number): Promise<Arrival> {
    const { bytes, secrets } = await makeKeyPackage(keys, now);
    return new Arrival(bytes, await keyPackageReference(bytes), secrets);
  }

  /** The secrets to its key package, where a Welcome is for that. @param references RFC 9420, section 5.2 */
  secretsFor(references: readonly Uint8Array[]): Uint8Array | undefined {
    return references.some((each) => toBase64Url(each) === this.#reference) ? this.#secrets : undefined;
  }

  /** The Welcome was taken. */
  welcome(): void {
    this.#welcomed.resolve();
  }

  /** Resolves when it was, or when it does not come any more. */
  async wait(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, WELCOME_MS);
    await Promise.race([this.#welcomed.promise, late.promise]);
    clearTimeout(timer);
  }
}
