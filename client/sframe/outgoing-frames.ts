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
  readonly #leaf: number;
  /** From what the encoder calls a picture to its number here. */
  readonly #pictures = new Map<number, number>();
  #count = 0;
  #key: { readonly epoch: Epoch; readonly key: FrameKey } | undefined;

  /** @param encoder whose number was never given out before. @param leaf of this device */
  constructor(epochs: Epochs, encoder: EncoderId, leaf: number) {
    this.#epochs = epochs;
    this.#encoder = encoder;
    this.#leaf = leaf;
  }

  /** @returns undefined while there is no key: then nothing may be sent */
  async seal({ data, clear, picture }: EncodedFrame): Promise<Uint8Array | undefined> {
    const key = await this.#current();
    if (!key) return undefined;
    const counter = this.#count++;
    const [before, rest] = [data.subarray(0, clear), data.subarray(clear)];
    const plaintext = picture ? concat(rest, this.#referencesOf(picture, counter)) : rest;
    return concat(before, await key.seal(BigInt(counter), before, plaintext));
  }

  async #current(): Promise<FrameKey | undefined> {
    const epoch = this.#epochs.sending;
    if (!epoch) return undefined;
    if (this.#key?.epoch !== epoch) {
      const id = { encoder: this.#encoder, leaf: this.#leaf, epoch: shortEpoch(epoch.number) };
      this.#key = { epoch, key: await this.#epochs.key(epoch, writeKeyId(id, epoch.leafBits)) };
    }
    return this.#key.key;
  }

  #referencesOf({ id, references }: NonNullable<EncodedFrame['picture']>, counter: number): Uint8Array {
    this.#pictures.set(id, counter);
    for (const [old] of this.#pictures) {
      if (this.#pictures.size <= REMEMBERED) break;
      this.#pictures.delete(old);
    }
    return writeReferences(references.map((each) => counter - (this.#pictures.get(each) ?? counter)));
  }
}
