/**
 * Keys of records: paths such as `message/mimi://alpha.example/r/<id>/#0000000000000042/<id>`, in printable ASCII.
 *
 * On the disk a key is its *name*. Readable in it are the first segment (what kind of record it is) and numbers made by `ordinal` (the order
 * that paging needs); each other segment is replaced by a keyed hash over the path up to it, so that a name says neither whose record it is
 * nor which records of two kinds belong together, while everything under one prefix still has one prefix.
 */
import { toBase64Url } from '#signalling/base64.ts';

/** The first segment is one of few short words; the rest is whatever ids consist of. */
const KEY = /^[a-z][a-z-]{0,31}(?:\/[!-~]{0,1000})?$/;
const ORDINAL = /^#\d{16}$/;
/** A hash begins with it: behind every number in ASCII, so that the numbers under a prefix lie together. */
const HASHED = '~';
/** Bytes of a hash that are kept: two of a billion names are the same once in 10^20 vaults. */
const HASH_BYTES = 16;
/** The ids of some thousands of conversations and people. */
const MAX_CACHED = 10_000;

/** Numbers as a segment that sorts by them. @param number a whole number from 0 to 2^53 - 1, a time in ms for instance */
export function ordinal(number: number): string {
  if (!Number.isSafeInteger(number) || number < 0) throw new TypeError('a number of a key is whole and not negative');
  return `#${number.toString().padStart(16, '0')}`;
}

export function checkKey(key: string): void {
  if (!KEY.test(key))
    throw new TypeError('a key is a short lower-case word, then a path of at most 1000 ASCII characters');
}

export function checkPrefix(prefix: string): void {
  if (prefix !== '' && !(prefix.endsWith('/') && KEY.test(prefix))) {
    throw new TypeError('a prefix is empty, or a beginning of a key that ends with a slash');
  }
}

/** Whether a key has a number directly behind the prefix, as paging wants it. */
export function ordinalBehind(prefix: string, key: string): string | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const end = key.indexOf('/', prefix.length);
  const segment = key.slice(prefix.length, end < 0 ? undefined : end);
  return ORDINAL.test(segment) ? segment : undefined;
}

/** What is sorted just behind everything that begins with this text and a slash: `0` follows `/` in ASCII. */
export function behind(path: string): string {
  return `${path}0`;
}

/** By key, as keys are ASCII: the same order in JavaScript, SQLite and IndexedDB. */
export function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** From keys to names. */
export class Names {
  readonly #key: CryptoKey;
  readonly #cache = new Map<string, string>();

  /** @param key HMAC with SHA-256 */
  constructor(key: CryptoKey) {
    this.#key = key;
  }

  /** The name of a key, or the beginning of all names under a prefix. */
  async of(path: string): Promise<string> {
    const end = path.endsWith('/') ? path.length - 1 : path.length;
    const ends = [...path.matchAll(/\//g)].map(({ index }) => index).filter((index) => index < end);
    const segments = await Promise.all([...ends, end].map((at) => this.#nameAt(path, at)));
    return segments.join('/') + path.slice(end);
  }

  /** The segment that ends at a place of the path. */
  async #nameAt(path: string, end: number): Promise<string> {
    const start = end === 0 ? 0 : path.lastIndexOf('/', end - 1) + 1;
    const segment = path.slice(start, end);
    if (start === 0 || ORDINAL.test(segment)) return segment;
    const upTo = path.slice(0, end);
    const known = this.#cache.get(upTo);
    if (known !== undefined) return known;
    const hash = new Uint8Array(await crypto.subtle.sign('HMAC', this.#key, new TextEncoder().encode(upTo)));
    const name = HASHED + toBase64Url(hash.subarray(0, HASH_BYTES));
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(upTo, name);
    return name;
  }
}
