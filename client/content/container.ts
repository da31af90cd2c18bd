/**
 * The container of a message, `application/mimi-content` (draft-ietf-mimi-content-09, appendix A.1), as it is: fields, parts and
 * extensions, with nothing understood of them yet. `interpret.ts` says what one means.
 */
import { HawserError } from '#signalling/errors.ts';
import { type Cbor, type CborKey, type CborMap, decodeCbor, encodeCbor } from './cbor.ts';
import {
  MAX_CBOR_DEPTH,
  MAX_CONTENT_BYTES,
  MAX_DESCRIPTION_BYTES,
  MAX_EXTENSION_DEPTH,
  MAX_EXTENSION_KEY_BYTES,
  MAX_EXTENSIONS,
  MAX_FILE_NAME_BYTES,
  MAX_MEDIA_TYPE_BYTES,
  MAX_PART_DEPTH,
  MAX_PARTS,
  MAX_TOPIC_BYTES,
  MAX_URL_BYTES,
} from './limits.ts';
import { type MessageId, messageIdBytes, messageIdFrom, SALT_BYTES } from './message-id.ts';
import { checkedText } from './text.ts';

export interface Container {
  /** 16 random bytes. */
  readonly salt: Uint8Array;
  readonly replaces?: MessageId;
  /** Empty where the message belongs to no topic. */
  readonly topic: Uint8Array;
  readonly expires?: WireExpiry;
  readonly inReplyTo?: MessageId;
  readonly extensions: CborMap;
  readonly body: Part;
}

export interface WireExpiry {
  /** True: counted from when it is read. */
  readonly relative: boolean;
  /** Seconds; absolute ones since 1970. */
  readonly time: number;
}

/** Section 8.2.2. Others up to 255 may come; they are treated as `render`. */
export const DISPOSITION = {
  unspecified: 0,
  render: 1,
  reaction: 2,
  profile: 3,
  inline: 4,
  icon: 5,
  attachment: 6,
  session: 7,
  preview: 8,
} as const;

export const SEMANTICS = ['chooseOne', 'singleUnit', 'processAll'] as const;
export type Semantics = (typeof SEMANTICS)[number];

interface PartHead {
  readonly disposition: number;
  /** Language tags, separated by commas; empty where none is given. */
  readonly language: string;
}
export type NullPart = PartHead & { readonly kind: 'null' };
export type SinglePart = PartHead & {
  readonly kind: 'single';
  readonly contentType: string;
  readonly content: Uint8Array;
};
export type ExternalPart = PartHead & {
  readonly kind: 'external';
  readonly contentType: string;
  readonly url: string;
  /** Seconds since 1970; 0: never. */
  readonly expires: number;
  /** Bytes; 0: not given. */
  readonly size: number;
  /** IANA's number of the AEAD; 0: not encrypted. */
  readonly encAlg: number;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  /** IANA's number of the hash function; 0: none. */
  readonly hashAlg: number;
  readonly contentHash: Uint8Array;
  readonly description: string;
  readonly filename: string;
};
export type MultiPart = PartHead & {
  readonly kind: 'multi';
  readonly semantics: Semantics;
  readonly parts: readonly Part[];
};
export type Part = NullPart | SinglePart | ExternalPart | MultiPart;

/** The bytes of a container whose texts were checked. @throws {HawserError} CONTENT_TOO_LARGE */
export function encodeContainer(container: Container): Uint8Array {
  const { salt, replaces, topic, expires, inReplyTo, extensions, body } = container;
  const bytes = encodeCbor([
    salt,
    replaces === undefined ? null : messageIdBytes(replaces),
    topic,
    expires === undefined ? null : [expires.relative, expires.time],
    inReplyTo === undefined ? null : messageIdBytes(inReplyTo),
    extensions,
    partItem(body),
  ]);
  if (bytes.length > MAX_CONTENT_BYTES) throw new HawserError('CONTENT_TOO_LARGE');
  return bytes;
}

function partItem(part: Part): Cbor {
  const { disposition, language } = part;
  switch (part.kind) {
    case 'null':
      return [disposition, language, 0];
    case 'single':
      return [disposition, language, 1, part.contentType, part.content];
    case 'external': {
      const { contentType, url, expires, size, encAlg, key, nonce, aad, hashAlg, contentHash, description } = part;
      const sealed = [encAlg, key, nonce, aad, hashAlg, contentHash] as const;
      return [disposition, language, 2, contentType, url, expires, size, ...sealed, description, part.filename];
    }
    case 'multi':
      return [disposition, language, 3, SEMANTICS.indexOf(part.semantics), part.parts.map(partItem)];
  }
}

/**
 * The container that the bytes are.
 * @throws {HawserError} CONTENT_TOO_LARGE, CONTENT_TOO_DEEP, CONTENT_MALFORMED, CONTENT_DUPLICATE_KEY, CONTENT_TEXT,
 *   CONTENT_UNSUPPORTED for a kind of part that there is not yet
 */
export function decodeContainer(bytes: Uint8Array): Container {
  const item = decodeCbor(bytes, { bytes: MAX_CONTENT_BYTES, depth: MAX_CBOR_DEPTH });
  const [salt, replaces, topic, expires, inReplyTo, extensions, body] = list(item, 7, 'the container');
  const replaced = replaces === null ? undefined : idOf(replaces, 'what it replaces');
  const answered = inReplyTo === null ? undefined : idOf(inReplyTo, 'what it answers');
  const until = expires === null ? undefined : expiryOf(expires);
  return {
    salt: bytesOf(salt, 'the salt', SALT_BYTES),
    ...(replaced !== undefined && { replaces: replaced }),
    topic: bytesUpTo(topic, MAX_TOPIC_BYTES, 'the topic'),
    ...(until !== undefined && { expires: until }),
    ...(answered !== undefined && { inReplyTo: answered }),
    extensions: extensionsOf(extensions),
    body: partOf(body, 1, { left: MAX_PARTS }),
  };
}

function expiryOf(item: Cbor | undefined): WireExpiry {
  const [relative, time] = list(item, 2, 'the expiry');
  if (typeof relative !== 'boolean') malformed('the expiry');
  return { relative, time: uint(time, 2 ** 32, 'the expiry') };
}

function extensionsOf(item: Cbor | undefined): CborMap {
  if (!(item instanceof Map)) malformed('the extensions');
  if (item.size > MAX_EXTENSIONS) throw new HawserError('CONTENT_TOO_LARGE', 'the extensions');
  const extensions: CborMap = item;
  for (const [key, value] of extensions) {
    checkKey(key);
    checkValue(value, MAX_EXTENSION_DEPTH - 1);
  }
  return extensions;
}

function checkKey(key: CborKey): void {
  if (key === 0 || key === '') malformed('the key of an extension');
  if (typeof key === 'string') checkedText(key, MAX_EXTENSION_KEY_BYTES);
}

/** Texts may be in there at any place, and arrays and maps not too deep. */
function checkValue(value: Cbor, depthLeft: number): void {
  if (typeof value === 'string') checkedText(value, MAX_CONTENT_BYTES);
  else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    if (depthLeft === 0) throw new HawserError('CONTENT_TOO_DEEP', 'an extension');
    for (const inner of value instanceof Map ? [...value].flat() : value.values()) checkValue(inner, depthLeft - 1);
  }
}

function partOf(item: Cbor | undefined, depth: number, parts: { left: number }): Part {
  if (depth > MAX_PART_DEPTH) throw new HawserError('CONTENT_TOO_DEEP', 'the parts');
  parts.left -= 1;
  if (parts.left < 0) throw new HawserError('CONTENT_TOO_LARGE', 'too many parts');
  if (!Array.isArray(item)) malformed('a part');
  const fields: readonly Cbor[] = item;
  const head = {
    disposition: uint(fields[0], 256, 'a disposition'),
    language: text(fields[1], MAX_MEDIA_TYPE_BYTES, 'a language'),
  };
  switch (uint(fields[2], 2 ** 32, 'the kind of a part')) {
    case 0:
      list(item, 3, 'an empty part');
      return { ...head, kind: 'null' };
    case 1: {
      const [, , , contentType, content] = list(item, 5, 'a part');
      return {
        ...head,
        kind: 'single',
        contentType: text(contentType, MAX_MEDIA_TYPE_BYTES, 'a media type'),
        content: bytesUpTo(content, MAX_CONTENT_BYTES, 'the content of a part'),
      };
    }
    case 2:
      return { ...head, ...externalOf(list(item, 15, 'a part that lies elsewhere')) };
    case 3: {
      const [, , , semantics, inner] = list(item, 5, 'several parts');
      const meant = SEMANTICS[uint(semantics, 2 ** 32, 'how parts belong together')];
      if (meant === undefined) throw new HawserError('CONTENT_UNSUPPORTED', 'how parts belong together');
      if (!Array.isArray(inner) || inner.length < 2) malformed('several parts');
      return { ...head, kind: 'multi', semantics: meant, parts: inner.map((each) => partOf(each, depth + 1, parts)) };
    }
    default:
      throw new HawserError('CONTENT_UNSUPPORTED', 'the kind of a part');
  }
}

function externalOf(fields: readonly Cbor[]): Omit<ExternalPart, keyof PartHead> {
  const where = 'a part that lies elsewhere';
  const [, , , contentType, url, expires, size, encAlg, key, nonce, aad, hashAlg, contentHash, description, filename] =
    fields;
  return {
    kind: 'external',
    contentType: text(contentType, MAX_MEDIA_TYPE_BYTES, where),
    url: text(url, MAX_URL_BYTES, where),
    expires: uint(expires, 2 ** 32, where),
    size: uint(size, 2 ** 53, where),
    encAlg: uint(encAlg, 2 ** 16, where),
    key: bytesUpTo(key, 64, where),
    nonce: bytesUpTo(nonce, 64, where),
    aad: bytesUpTo(aad, MAX_DESCRIPTION_BYTES, where),
    hashAlg: uint(hashAlg, 2 ** 8, where),
    contentHash: bytesUpTo(contentHash, 64, where),
    description: text(description, MAX_DESCRIPTION_BYTES, where),
    filename: text(filename, MAX_FILE_NAME_BYTES, where),
  };
}

function list(item: Cbor | undefined, length: number, what: string): readonly Cbor[] {
  if (!Array.isArray(item) || item.length !== length) malformed(what);
  return item;
}

function uint(item: Cbor | undefined, below: number, what: string): number {
  if (typeof item !== 'number' || item < 0 || item >= below) malformed(what);
  return item;
}

function text(item: Cbor | undefined, limit: number, what: string): string {
  if (typeof item !== 'string') malformed(what);
  return checkedText(item, limit);
}

function bytesOf(item: Cbor | undefined, what: string, length: number): Uint8Array {
  if (!(item instanceof Uint8Array) || item.length !== length) malformed(what);
  return item;
}

function bytesUpTo(item: Cbor | undefined, limit: number, what: string): Uint8Array {
  if (!(item instanceof Uint8Array)) malformed(what);
  if (item.length > limit) throw new HawserError('CONTENT_TOO_LARGE', what);
  return item;
}

function idOf(item: Cbor | undefined, what: string): MessageId {
  const id = item instanceof Uint8Array ? messageIdFrom(item) : undefined;
  if (id === undefined) malformed(what);
  return id;
}

function malformed(what: string): never {
  throw new HawserError('CONTENT_MALFORMED', what);
}
