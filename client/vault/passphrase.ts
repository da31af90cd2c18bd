/**
 * The keys of a vault, locked with a passphrase: argon2id (RFC 9106) of Node's own OpenSSL. What is stored is 179 bytes:
 *
 * | bytes | what |
 * | --- | --- |
 * | 1 | format, 1 |
 * | 4, 1, 1 | argon2id: memory in KiB, passes, lanes |
 * | 16 | salt |
 * | 32 | check value: the half of argon2id's output that is not the key; another one tells a wrong passphrase |
 * | 12 | nonce |
 * | 80 | the 64 bytes of the keys in AES-256-GCM, all before them bound in; 16 bytes of it are the tag |
 * | 32 | SHA-256 over all before it: tells damage from a wrong passphrase, against accidents and not against people |
 */
import { argon2, createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HawserError } from '#signalling/errors.ts';
import { KEY_BYTES } from './seal.ts';

export interface PassphraseCost {
  /** KiB */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
}

/** RFC 9106, section 4, the second recommended choice: for machines with little memory. */
export const USUAL_COST: PassphraseCost = { memory: 64 * 1024, passes: 3, lanes: 4 };
/** What a vault may ask for when it is opened: an altered one must not take the machine's memory or an hour. */
const HIGHEST_COST: PassphraseCost = { memory: 1024 * 1024, passes: 64, lanes: 16 };

const FORMAT = 1;
const COST_AT = 1;
const SALT_AT = 7;
const CHECK_AT = 23;
const NONCE_AT = 55;
const LOCKED_AT = 67;
const SUM_AT = 147;
const LENGTH = 179;

const derive = promisify(argon2);

/** @param keys 64 bytes, which the caller wipes */
export async function lockKeys(
  keys: Uint8Array<ArrayBuffer>,
  passphrase: string,
  cost: PassphraseCost,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = new Uint8Array(LENGTH);
  const view = new DataView(header.buffer);
  header[0] = FORMAT;
  view.setUint32(COST_AT, cost.memory);
  view.setUint8(COST_AT + 4, cost.passes);
  view.setUint8(COST_AT + 5, cost.lanes);
  header.set(randomBytes(CHECK_AT - SALT_AT), SALT_AT);
  const { key, check } = await stretch(passphrase, cost, header.subarray(SALT_AT, CHECK_AT));
  header.set(check, CHECK_AT);
  header.set(randomBytes(LOCKED_AT - NONCE_AT), NONCE_AT);
  header.set(new Uint8Array(await crypto.subtle.encrypt(algorithm(header), key, keys)), LOCKED_AT);
  header.set(sumOf(header), SUM_AT);
  return header;
}

/**
 * @returns the 64 bytes of the keys, which the caller wipes
 * @throws {HawserError} VAULT_WRONG_PASSPHRASE, VAULT_DAMAGED, VAULT_NEWER
 */
export async function unlockKeys(
  header: Uint8Array<ArrayBuffer>,
  passphrase: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (header.length !== LENGTH || !timingSafeEqual(sumOf(header), header.subarray(SUM_AT))) throw damaged();
  if (header[0] !== FORMAT) throw new HawserError('VAULT_NEWER');
  const view = new DataView(header.buffer, header.byteOffset);
  const [memory, passes] = [view.getUint32(COST_AT), view.getUint8(COST_AT + 4)];
  const lanes = view.getUint8(COST_AT + 5);
  const { memory: most, passes: mostPasses, lanes: mostLanes } = HIGHEST_COST;
  if (lanes < 1 || lanes > mostLanes || passes < 1 || passes > mostPasses) throw damaged();
  if (memory < 8 * lanes || memory > most) throw damaged();
  const { key, check } = await stretch(passphrase, { memory, passes, lanes }, header.subarray(SALT_AT, CHECK_AT));
  if (!timingSafeEqual(check, header.subarray(CHECK_AT, NONCE_AT))) throw new HawserError('VAULT_WRONG_PASSPHRASE');
  try {
    const locked = header.subarray(LOCKED_AT, SUM_AT);
    return new Uint8Array(await crypto.subtle.decrypt(algorithm(header), key, locked));
  } catch {
    throw damaged();
  }
}

/** Fresh keys, 64 bytes, which the caller wipes. */
export function freshKeys(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}

/** The same passphrase, however the keyboard composes its letters (RFC 8265, section 4.2.2). */
async function stretch(passphrase: string, { memory, passes, lanes }: PassphraseCost, nonce: Uint8Array) {
  if (passphrase === '') throw new TypeError('a passphrase has at least one character');
  const message = Buffer.from(passphrase.normalize('NFC'), 'utf8');
  try {
    const bytes = await derive('argon2id', { message, nonce, memory, passes, parallelism: lanes, tagLength: 64 });
    const key = await crypto.subtle.importKey('raw', bytes.subarray(0, 32), 'AES-GCM', false, ['encrypt', 'decrypt']);
    bytes.fill(0, 0, 32);
    return { key, check: bytes.subarray(32) };
  } finally {
    message.fill(0);
  }
}

function algorithm(header: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: 'AES-GCM', iv: header.subarray(NONCE_AT, LOCKED_AT), additionalData: header.subarray(0, NONCE_AT) };
}

function sumOf(header: Uint8Array): Uint8Array {
  return createHash('sha256').update(header.subarray(0, SUM_AT)).digest();
}

function damaged(): HawserError {
  return new HawserError('VAULT_DAMAGED', 'its keys');
}
