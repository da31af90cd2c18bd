/** The frames that one encoder makes, on their way out: numbered, and encrypted with the key of this device. */
import type { Epoch, Epochs } from './epochs.ts';
import { concat, type FrameKey } from './frame-key.ts';
import { type EncoderId, shortEpoch, writeKeyId } from './key-id.ts';
import { writeReferences } from './references.ts';

/** One frame of an encoder. */
export interface EncodedFrame {
  readonly data: Uint8Array;
  /** So many bytes at its begin stay in the clear, because the SFT needs them. */
  readonly clear: number;
  /** Of pictures: what the encoder calls this one, and those without which it cannot be decoded; none of a key frame. */
  readonly picture?: { readonly id: number; readonly references: readonly number[] };
}

/** Pictures are referred to for less than two seconds. */
const REMEMBERED = 64;

export class OutgoingFrames {
  readonly #epochs: Epochs;
  readonly #encoder: EncoderId;
  /** From what the encoder calls a picture to its number here. */
  readonly #pictures = new Map<number, number>();
  #count = 0;
  #key: { readonly epoch: Epoch; readonly key: FrameKey } | undefined;

  /** @param encoder whose number was never given out before */
  constructor(epochs: Epochs, encoder: EncoderId) {
    this.#epochs = epochs;
    this.#encoder = encoder;
  }

  /**
   * @returns undefined where it must not be sent: while there is no key, and of a picture that builds on one that was not sent
   */
  async seal({ data, clear, picture }: EncodedFrame): Promise<Uint8Array | undefined> {
    const key = await this.#current();
    if (!key) return undefined;
    const counter = this.#count;
    const references = picture && this.#referencesOf(picture, counter);
    if (picture && !references) return undefined;
    // What is not sent is not counted: so the distances to what was are never longer than what is remembered.
    this.#count += 1;
    const [before, rest] = [data.subarray(0, clear), data.subarray(clear)];
    const plaintext = references ? concat(rest, writeReferences(references)) : rest;
    return concat(before, await key.seal(BigInt(counter), before, plaintext));
  }

  async #current(): Promise<FrameKey | undefined> {
    const epoch = this.#epochs.sending;
    if (!epoch) return undefined;
    if (this.#key?.epoch !== epoch) {
      const id = { encoder: this.#encoder, leaf: epoch.leaf, epoch: shortEpoch(epoch.number) };
      this.#key = { epoch, key: await this.#epochs.key(epoch, writeKeyId(id, epoch.leafBits)) };
    }
    return this.#key.key;
  }

  /** How many frames ago they were, or undefined. */
  #referencesOf({ id, references }: NonNullable<EncodedFrame['picture']>, counter: number): number[] | undefined {
    const numbers = references.map((each) => this.#pictures.get(each));
    if (numbers.includes(undefined)) return undefined;
    this.#pictures.set(id, counter);
    for (const [old] of this.#pictures) {
      if (this.#pictures.size <= REMEMBERED) break;
      this.#pictures.delete(old);
    }
    return numbers.map((number = counter) => counter - number);
  }
}
