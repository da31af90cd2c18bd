/**
 * What people in a call say to each other besides media: sealed by the device that says it, so that whoever passes it on can neither read
 * it nor say it in another's name. The key is one sender's in one epoch of the call's group; `README.md` has the bytes.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { Closed, Word } from '#signalling/contract.ts';
import type { ConferenceId, ParticipantId } from '#signalling/ids.ts';
import { type Epoch, KEPT_MS } from '../sframe/epochs.ts';
import { bigEndian, concat } from '../sframe/frame-key.ts';
import type { Refusal } from '../sframe/incoming-frames.ts';

export const SIGNS = ['👍', '👏', '❤️', '😂', '😮', '🎉'] as const;
export type Sign = (typeof SIGNS)[number];

const Reaction = Closed({ kind: Word('reaction'), sign: Word(...SIGNS) });
export type Signal = Static<typeof Reaction>;
const parser = Compile(Type.Union([Reaction]));

/** Why a signal was not taken: the words of refused frames. */
export type SignalRefusal = Extract<Refusal, 'malformed' | 'unknownKey' | 'otherSender' | 'forged' | 'repeated'>;

/** `signal` is absent where it is genuine and says what this device does not know. */
export type Opened = { readonly refusal: SignalRefusal } | { readonly refusal?: undefined; readonly signal?: Signal };

const LABEL = 'hawser call signal 1';
const EPOCH_BYTES = 8;
const COUNT_BYTES = 4;
const HEADER_BYTES = EPOCH_BYTES + COUNT_BYTES;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Every signal is as long as any other: else its length would tell one sign from another. */
const CONTENT_BYTES = 128;
const SEALED_BYTES = HEADER_BYTES + NONCE_BYTES + CONTENT_BYTES + TAG_BYTES;
const KEPT_EPOCHS = 2;

type Bytes = Uint8Array<ArrayBuffer>;

interface Kept {
  readonly number: bigint;
  readonly conference: ConferenceId;
  readonly self: ParticipantId | undefined;
  readonly participants: ReadonlySet<ParticipantId>;
  readonly secret: Promise<CryptoKey>;
  readonly keys: Map<ParticipantId, Promise<CryptoKey>>;
  /** The last that was taken of each sender. */
  readonly taken: Map<ParticipantId, number>;
  /** How many were made here. */
  made: number;
  /** Until when its signals are read, once another epoch is sent with. */
  until: number;
}

const { subtle } = globalThis.crypto;
const utf8 = new TextEncoder();

export class Signals {
  readonly #now: () => number;
  readonly #kept = new Map<bigint, Kept>();
  #sending: Kept | undefined;
  #isHeld = false;

  /** @param now ms of a clock that only goes forward */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What is sealed with it can be read from now on; of older epochs the newest one. */
  addEpoch(conference: ConferenceId, { number, baseKey, leaf, participants }: Epoch): void {
    if ([...this.#kept.keys()].some((known) => known >= number)) return;
    const secret = secretOf(baseKey);
    this.#kept.set(number, {
      ...{ number, conference, secret, self: participants.get(leaf), participants: new Set(participants.values()) },
      ...{ keys: new Map(), taken: new Map(), made: 0, until: Number.POSITIVE_INFINITY },
    });
    for (const old of [...this.#kept.keys()].slice(0, -KEPT_EPOCHS)) this.#kept.delete(old);
  }

  /** As `Epochs.sendWith`. */
  sendWith(number: bigint): void {
    const next = this.#kept.get(number);
    if (!next || number < (this.#sending?.number ?? 0n)) return;
    this.#isHeld = false;
    if (next === this.#sending) return;
    this.#sending = next;
    const until = this.#now() + KEPT_MS;
    for (const kept of this.#kept.values()) if (kept.number < number) kept.until = Math.min(kept.until, until);
  }

  /** As `Epochs.hold`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** As whom this device is heard; undefined while nothing can be said. */
  get self(): ParticipantId | undefined {
    return this.#isHeld ? undefined : this.#sending?.self;
  }

  /** @returns undefined while nothing can be said */
  async seal(signal: Signal): Promise<string | undefined> {
    const [kept, self] = [this.#sending, this.self];
    if (!kept || self === undefined) return undefined;
    kept.made += 1;
    const header = concat(bigEndian(kept.number, EPOCH_BYTES), bigEndian(BigInt(kept.made), COUNT_BYTES));
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    // Blanks behind JSON mean nothing.
    const content = new Uint8Array(CONTENT_BYTES).fill(0x20);
    content.set(utf8.encode(JSON.stringify(signal)));
    const sealed = await subtle.encrypt(gcm(nonce, kept, self, header), await keyOf(kept, self), content);
    return toBase64Url(concat(header, nonce, new Uint8Array(sealed)));
  }

  /** To be called for one at a time, so that the order is theirs. @param participant whom the SFT calls the sender */
  async open(participant: ParticipantId, payload: string): Promise<Opened> {
    const bytes = fromBase64Url(payload);
    if (bytes?.length !== SEALED_BYTES) return { refusal: 'malformed' };
    const header = bytes.subarray(0, HEADER_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const count = view.getUint32(EPOCH_BYTES);
    const kept = this.#kept.get(view.getBigUint64(0));
    if (!kept || kept.until < this.#now()) return { refusal: 'unknownKey' };
    if (participant === kept.self || !kept.participants.has(participant)) return { refusal: 'otherSender' };
    const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
    const content = await opened(
      gcm(nonce, kept, participant, header),
      await keyOf(kept, participant),
      bytes.subarray(HEADER_BYTES + NONCE_BYTES),
    );
    if (!content) return { refusal: 'forged' };
    // One connection after the other keeps the order, so that what comes late was held back.
    if (count <= (kept.taken.get(participant) ?? 0)) return { refusal: 'repeated' };
    kept.taken.set(participant, count);
    const signal = parsed(content);
    return signal ? { signal } : {};
  }
}

/** Bound to its conference, its sender, its epoch and its number. */
function gcm(iv: Uint8Array, { conference }: Kept, sender: ParticipantId, header: Uint8Array): AesGcmParams {
  const additionalData = concat(header, named(conference, sender));
  return { name: 'AES-GCM', iv: iv as Bytes, additionalData: additionalData as Bytes, tagLength: TAG_BYTES * 8 };
}

/** From this the keys of media cannot be derived, which may have to be forgotten sooner. */
async function secretOf(baseKey: Uint8Array): Promise<CryptoKey> {
  // A copy, made before anything is waited for: whoever gave it overwrites it when the epoch is over.
  const copy = new Uint8Array(baseKey);
  const base = await subtle.importKey('raw', copy, 'HKDF', false, ['deriveBits']);
  copy.fill(0);
  const bits = new Uint8Array(await subtle.deriveBits(hkdf(utf8.encode(LABEL)), base, 256));
  const secret = await subtle.importKey('raw', bits, 'HKDF', false, ['deriveKey']);
  bits.fill(0);
  return secret;
}

function hkdf(info: Uint8Array): HkdfParams {
  return { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: info as Bytes };
}

function keyOf(kept: Kept, sender: ParticipantId): Promise<CryptoKey> {
  const known = kept.keys.get(sender);
  if (known) return known;
  const made = kept.secret.then((secret) =>
    subtle.deriveKey(hkdf(named(kept.conference, sender)), secret, { name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]),
  );
  kept.keys.set(sender, made);
  return made;
}

/** Neither id can hold a NUL, so that no two pairs have the same bytes. */
function named(conference: ConferenceId, sender: ParticipantId): Uint8Array {
  return utf8.encode(`${conference}\0${sender}`);
}

async function opened(params: AesGcmParams, key: CryptoKey, sealed: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await subtle.decrypt(params, key, sealed as Bytes));
  } catch (error) {
    // Whatever is wrong with the bytes has this one name.
    if (error instanceof DOMException && error.name === 'OperationError') return undefined;
    throw error;
  }
}

function parsed(content: Uint8Array): Signal | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
    return parser.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
